// Parts of reports, put into the page: the very same words, tables and pictures.
import { settleChart } from "./charts.js";
import { ask, runPath, showProblem } from "./server.js";
import { makeSortable } from "./tables.js";
import { latest } from "./turns.js";

/**
 * Fill a place with a part of a run's report, and return whether it is there; without `isNeeded` a part that cannot
 * be had leaves the place as it is.
 */
export async function placeSection(place, id, name, isNeeded = true) {
  try {
    return await placeFragment(place, runPath(id, `/sections/${name}`));
  } catch (error) {
    if (isNeeded) place.replaceChildren(showProblem(error));
    return false;
  }
}

/**
 * Fill a place with the part of a report at an address, in place of an earlier state of it, and bring it to life;
 * return whether it is there: another may have been asked for since.
 */
export async function placeFragment(place, path) {
  const part = await latest(place, ask(path));
  if (!part) return false;
  const holder = document.createElement("template");
  holder.innerHTML = part.html; // rendered by loupe.reports, every word of a user escaped there
  const fresh = document.importNode(holder.content, true);
  for (const one of fresh.querySelectorAll("[data-style]")) one.style.cssText = one.dataset.style;
  const before = { details: openings(place), charts: [...place.querySelectorAll(".chart")] };
  const charts = [...fresh.querySelectorAll(".chart")];
  place.replaceChildren(fresh);
  useSheet(path, part.style);
  for (const map of place.querySelectorAll(".map")) window.wireMap(map);
  for (const cells of place.querySelectorAll(".cells")) window.wireCells(cells);
  charts.forEach((figure, index) => settleChart(before.charts[index], figure));
  for (const table of place.querySelectorAll("table.sortable")) makeSortable(table, sortingOf(path, table));
  for (const one of place.querySelectorAll("details")) one.open = before.details.get(nameOf(one)) ?? one.open;
  return true;
}

// What is open is known by its heading, whose numbers may have changed.
const nameOf = (details) => details.querySelector("summary").textContent.replace(/\d+/g, "#");
const openings = (place) =>
  new Map([...place.querySelectorAll("details")].map((one) => [nameOf(one), one.open]));

const sortings = new Map();

/** Return how a table is sorted; it stays so when the part is drawn anew. */
function sortingOf(path, table) {
  const name = `${path} ${table.querySelector("caption")?.textContent}`;
  if (!sortings.has(name)) sortings.set(name, { column: null, isDown: false });
  return sortings.get(name);
}

const sheets = new Map();

/** Use the style rules of a part, in place of those an earlier run's had. */
function useSheet(path, text) {
  const name = path.split("?")[0].split("/").pop();
  if (!sheets.has(name)) {
    sheets.set(name, new CSSStyleSheet());
    document.adoptedStyleSheets.push(sheets.get(name));
  }
  sheets.get(name).replaceSync(text.replace(/<\/?style>/g, ""));
}
