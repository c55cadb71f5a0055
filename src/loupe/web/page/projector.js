// Large type for a room: the key p, or the button in the head; remembered in this browser.
const KEY = "loupe-projector";
const ZOOM = 1.5;

const button = document.createElement("button");
button.type = "button";
button.className = "quiet";
button.textContent = "Projector";
button.title = "Large type for a room (key p)";
button.setAttribute("aria-keyshortcuts", "p");

function recall() {
  try {
    return localStorage.getItem(KEY) === "on";
  } catch {
    return false; // a browser that keeps nothing
  }
}

// A table that no longer fits is drawn smaller, at the least as large as without a projector: no column is cut.
function fitTables() {
  const isOn = button.getAttribute("aria-pressed") === "true";
  for (const table of document.querySelectorAll(".scroll > table")) {
    const box = table.parentElement;
    table.style.zoom = "";
    if (isOn && box.scrollWidth > box.clientWidth + 1) {
      table.style.zoom = String(Math.max(1 / ZOOM, (box.clientWidth - 1) / box.scrollWidth));
    }
  }
}

let waiting = 0;
function fitSoon() {
  if (!waiting) {
    waiting = requestAnimationFrame(() => {
      waiting = 0;
      fitTables();
    });
  }
}

function set(isOn) {
  document.body.style.zoom = isOn ? String(ZOOM) : "";
  button.setAttribute("aria-pressed", String(isOn));
  try {
    localStorage.setItem(KEY, isOn ? "on" : "off");
  } catch {
    // not remembered, and otherwise the same
  }
  fitTables();
}

function isTyping(place) {
  return (
    place instanceof HTMLElement && (place.isContentEditable || place.matches("input, select, textarea"))
  );
}

button.addEventListener("click", () => set(button.getAttribute("aria-pressed") !== "true"));
document.addEventListener("keydown", (event) => {
  if (event.key !== "p" || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  set(button.getAttribute("aria-pressed") !== "true");
});
document.querySelector(".masthead").append(button);
set(recall());
new MutationObserver(fitSoon).observe(document.body, { childList: true, subtree: true });
addEventListener("resize", fitSoon);
