// Runs side by side, while they train too.
import { placeCharts } from "../charts.js";
import { duration, el, figure, furtherFigures, interval, link } from "../dom.js";
import { placeFragment } from "../sections.js";
import { ask, showProblem } from "../server.js";
import { showState } from "../state.js";
import { latest, watch } from "../turns.js";

const COLOURS = ["c1", "c2", "c4", "c5", "c3"];

export async function show(place, words, query) {
  const chosen = query.getAll("run");
  const table = el("div", { class: "scroll", tabIndex: 0 }),
    verdicts = el("div"),
    charts = el("div", { class: "columns" }),
    rest = el("div"),
    problem = el("div");
  place.append(
    el("h1", {}, `${chosen.length} runs side by side`),
    table,
    problem,
    verdicts,
    el("h2", {}, "Curves"),
    charts,
    el(
      "p",
      { class: "soft" },
      "Drag across a chart to zoom, click a name to hide or show its curve. Of a series of seeds: the mean, in a band from the lowest to the highest seed, as far as every seed has come.",
    ),
    rest,
  );
  let timer = null,
    judged = "";

  async function refresh() {
    try {
      const found = await latest(place, ask("compare", { query: { run: chosen } }));
      if (!found) return;
      const isWanted = watch(place);
      problem.replaceChildren();
      table.replaceChildren(drawTable(found.runs));
      placeCharts(charts, found.charts);
      rest.replaceChildren(drawDifferences(found));
      const state = JSON.stringify(found.runs.map((run) => [run.id, run.status, run.seeds.length]));
      if (state !== judged) await placeVerdicts();
      if (!isWanted()) return;
      judged = state;
      if (found.runs.some((run) => run.status === "running")) timer = setTimeout(refresh, 1500);
    } catch (error) {
      problem.replaceChildren(showProblem(error));
    }
  }

  /** Show what the report says of these runs, which changes only when one of them ends. */
  async function placeVerdicts() {
    const which = new URLSearchParams(chosen.map((run) => ["run", run]));
    try {
      await placeFragment(verdicts, `compare/section?${which}`);
    } catch (error) {
      verdicts.replaceChildren(el("h2", {}, "These networks, or their recipes?"), showProblem(error));
    }
  }

  await refresh();
  return () => clearTimeout(timer);
}

function drawTable(runs) {
  const score = (run, split) =>
    run[split]
      ? [
          figure(run[split]),
          el("br"),
          el("small", { class: "soft" }, interval(run[split])),
          ...furtherFigures(run, split),
        ]
      : ["–"];
  return el(
    "table",
    { class: "side-by-side" },
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        ...["run", "state", "validation", "test", "best epoch", "time"].map((one) =>
          el("th", { scope: "col" }, one),
        ),
      ),
    ),
    el(
      "tbody",
      {},
      ...runs.map((run, place) => {
        return el(
          "tr",
          {},
          el(
            "th",
            { scope: "row", class: COLOURS[place % 5] },
            el("i", { class: "swatch" }),
            link(`#/run/${encodeURIComponent(run.id)}`, run.id),
          ),
          el("td", {}, showState(run)),
          el("td", {}, ...score(run, "validation")),
          el("td", {}, ...(run.test ? score(run, "test") : ["locked"])),
          el("td", {}, String(run.best_epoch ?? "")),
          el("td", {}, duration(run.seconds)),
        );
      }),
    ),
  );
}

function drawDifferences(found) {
  const rows = found.differences.map(([field, values]) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, el("code", {}, field)),
      ...values.map((one) => el("td", {}, one)),
    ),
  );
  return el(
    "section",
    {},
    el("h2", {}, "What differs in the recipes"),
    rows.length
      ? el(
          "div",
          { class: "scroll", tabIndex: 0 },
          el(
            "table",
            { class: "side-by-side" },
            el(
              "thead",
              {},
              el(
                "tr",
                {},
                el("th", { scope: "col" }, "setting"),
                ...found.runs.map((run) => el("th", { scope: "col" }, run.id)),
              ),
            ),
            el("tbody", {}, ...rows),
          ),
        )
      : el("p", {}, "Nothing."),
  );
}
