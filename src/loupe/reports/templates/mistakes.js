// Cells of a confusion matrix open their images in place; classes of a map hide and show. No dependencies.
"use strict";

function wireCells(cells) {
  cells.classList.add("scripted"); // without the script a cell opens by its address, #cell-…
  const links = [...cells.parentElement.querySelectorAll('a[href^="#cell-"]')];
  function open(id) {
    cells.querySelectorAll(".cell").forEach((cell) => cell.classList.toggle("open", cell.id === id));
    links.forEach((link) => {
      if (link.hash === `#${id}`) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    });
  }
  links.forEach((link) =>
    link.addEventListener("click", (event) => {
      event.preventDefault();
      open(link.hash.slice(1));
    }),
  );
  const asked = location.hash.slice(1);
  open(links.some((link) => link.hash === `#${asked}`) ? asked : cells.dataset.first);
}

function wireMap(map) {
  map.querySelectorAll("button[data-class]").forEach((button) =>
    button.addEventListener("click", () => {
      const shown = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(shown));
      map
        .querySelectorAll(`svg [data-class="${button.dataset.class}"]`)
        .forEach((part) => part.setAttribute("visibility", shown ? "visible" : "hidden"));
    }),
  );
}

document.querySelectorAll(".cells").forEach(wireCells);
document.querySelectorAll(".map").forEach(wireMap);
