// Tables from rows of cells; those whose columns say how are sorted by a click on a head.
import { el } from "./dom.js";

/** Return a table. A column: {title, cell(row), isNumber, value(row) to sort by, note(row) for a class}. */
export function drawTable(columns, rows, { caption = "", rowClass = () => "", sorting = null } = {}) {
  const body = el("tbody"),
    heads = columns.map((column, place) =>
      el(
        "th",
        { scope: "col", class: column.isNumber ? "n" : "" },
        column.value && sorting
          ? el("button", { type: "button", onclick: () => sort(place) }, column.title)
          : column.title,
      ),
    );
  const fill = () => {
    const column = columns[sorting?.column];
    const shown = column
      ? [...rows].sort((a, b) => order(column.value(a), column.value(b), sorting.isDown))
      : rows;
    heads.forEach((head, place) => {
      if (column === columns[place])
        head.setAttribute("aria-sort", sorting.isDown ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    body.replaceChildren(
      ...shown.map((row) =>
        el(
          "tr",
          { class: rowClass(row) },
          ...columns.map((one) =>
            el(
              "td",
              { class: [one.isNumber ? "n" : "", one.note?.(row) ?? ""].join(" ").trim() },
              ...[one.cell(row)].flat(),
            ),
          ),
        ),
      ),
    );
  };
  const sort = (place) => {
    sorting.isDown = sorting.column === place ? !sorting.isDown : Boolean(columns[place].isNumber);
    sorting.column = place;
    fill();
  };
  fill();
  return el(
    "div",
    { class: "scroll", tabIndex: 0 },
    el(
      "table",
      { class: sorting ? "sortable" : "" },
      caption ? el("caption", { class: "unseen" }, caption) : "",
      el("thead", {}, el("tr", {}, ...heads)),
      body,
    ),
  );
}

function order(a, b, isDown) {
  if (a === null || a === undefined || a === "") return 1; // what is not there stands last either way
  if (b === null || b === undefined || b === "") return -1;
  const sign =
    typeof a === "number" && typeof b === "number"
      ? a - b
      : String(a).localeCompare(String(b), "en", { numeric: true });
  return isDown ? -sign : sign;
}
