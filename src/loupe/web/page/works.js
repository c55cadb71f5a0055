// A study or a search: what its report says, and how far it is, while it goes on too.
import { el, link } from "./dom.js";
import { placeFragment } from "./sections.js";
import { ask, showProblem } from "./server.js";
import { latest } from "./turns.js";

/** Return the state of a study or search, and how far it is. */
export function showProgress(one, words, share) {
  const bar = share === null ? { "aria-label": words } : { max: 1, value: share, "aria-label": words };
  return el(
    "div",
    { class: "going" },
    el("span", { class: `badge ${one.state}` }, one.state),
    one.state === "running" ? el("progress", bar) : "",
    el("small", { class: "soft" }, one.problem || words),
  );
}

/**
 * Show what the report of a study or search says, as far as it has come; returns how to leave it.
 *
 * `describe(found)` returns how far it is, and stands below the answer; `enliven(place)` is told of each new part.
 */
export async function follow(place, path, describe, enliven = () => {}) {
  const live = el("div", { class: "live" }),
    part = el("div"),
    problem = el("div");
  place.append(problem, part);
  let timer = null,
    before = "";

  async function refresh() {
    try {
      const found = await latest(place, ask(path));
      if (!found) return;
      problem.replaceChildren();
      live.replaceChildren(...describe(found));
      const state = JSON.stringify({ ...found, under_way: null }); // a run's epochs change no table
      if (state !== before) {
        if (!(await placeFragment(part, `${path}/section`))) return;
        before = state;
        part.querySelector(".answer").after(live);
        enliven(part);
      }
      if (found.summary.state === "running") timer = setTimeout(refresh, 2000);
    } catch (error) {
      problem.replaceChildren(showProblem(error));
    }
  }
  await refresh();
  return () => clearTimeout(timer);
}

/** Return the way to the report as it was written last; nothing before there is one. */
export function offerReport(found, path) {
  if (!found.has_report) return "";
  const button = link(`/api/${path}/report`, "Report of the last session");
  Object.assign(button, { className: "button plain", target: "_blank", rel: "noopener" });
  return el("p", { class: "actions" }, button);
}
