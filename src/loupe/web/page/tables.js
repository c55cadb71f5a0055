// Tables of reports, sorted by a click on a head.
import { el } from "./dom.js";

/**
 * Let the heads of a table sort its rows: numbers from the largest, words from A, what is not there last.
 * A cell's value is its `data-value`, else its text; `sorting` ({column, isDown}) is kept up to date.
 */
export function makeSortable(table, sorting) {
  const heads = [...table.querySelectorAll("thead th")];
  const body = table.querySelector("tbody");
  const rows = [...body.children];
  const show = () => {
    const { column, isDown } = sorting;
    if (column === null || column >= heads.length) return;
    const sorted = rows
      .map((row) => [valueOf(row.children[column]), row])
      .sort(([a], [b]) => order(a, b, isDown));
    body.append(...sorted.map(([, row]) => row));
    heads.forEach((head, index) => {
      if (index === column) head.setAttribute("aria-sort", isDown ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
  };
  heads.forEach((head, index) => {
    const sort = () => {
      sorting.isDown = sorting.column === index ? !sorting.isDown : head.classList.contains("n");
      sorting.column = index;
      show();
    };
    const text = head.textContent.trim();
    if (text) head.replaceChildren(el("button", { type: "button", onclick: sort }, text));
  });
  show();
}

/** Return the value of a cell: a number where its text is one ("98.25 %", "1,200"), null where it is empty. */
export function valueOf(cell) {
  const text = (cell?.dataset.value ?? cell?.textContent ?? "").trim();
  if (text === "") return null;
  const number = Number(text.replace(/[,%\s]/g, ""));
  return Number.isNaN(number) ? text : number;
}

/** Say which of two values stands first: below zero if the first does. */
export function order(a, b, isDown) {
  if (a === null || b === null) return Number(a === null) - Number(b === null); // last either way
  const isNumeric = typeof a === "number" && typeof b === "number";
  const sign = isNumeric ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
  return isDown ? -sign : sign;
}
