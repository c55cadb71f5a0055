// Parts of a run's report, put into the page: the very same words, tables and pictures.
import { ask, runPath, showProblem } from "./server.js";

/** Fill a place with a part of a run's report; without `isNeeded` a part that cannot be had leaves it empty. */
export async function placeSection(place, id, name, isNeeded = true) {
  try {
    const part = await ask(runPath(id, `/sections/${name}`));
    const holder = document.createElement("template");
    holder.innerHTML = part.html; // rendered by loupe.reports, every word of a user escaped there
    for (const one of holder.content.querySelectorAll("[data-style]")) one.style.cssText = one.dataset.style;
    place.replaceChildren(holder.content);
    useSheet(name, part.style);
    for (const map of place.querySelectorAll(".map")) window.wireMap(map);
    return true;
  } catch (error) {
    if (isNeeded) place.replaceChildren(showProblem(error));
    return false;
  }
}

const sheets = new Map();

/** Use the style rules of a part, in place of those an earlier run's had. */
function useSheet(name, text) {
  if (!sheets.has(name)) {
    sheets.set(name, new CSSStyleSheet());
    document.adoptedStyleSheets.push(sheets.get(name));
  }
  sheets.get(name).replaceSync(text.replace(/<\/?style>/g, ""));
}
