// One search: what was tried, what was best so far, what mattered, and what is left of it with fresh seeds.
import { placeCharts } from "../charts.js";
import { count, duration, el, link, percent, speak } from "../dom.js";
import { ask, showProblem } from "../server.js";
import { drawTable } from "../tables.js";
import { showProgress } from "./studies.js";

export async function show(place, [id]) {
  const names = ["head", "chart", "mattered", "fresh", "space", "trials", "winner"];
  const parts = Object.fromEntries(
    names.map((name) => [name, el("div", { class: name === "chart" ? "columns" : "" })]),
  );
  const problem = el("div"),
    sorting = { column: 2, isDown: true };
  place.append(
    parts.head,
    problem,
    el("h2", {}, "Scores over the trials"),
    parts.chart,
    parts.mattered,
    el("h2", {}, "Again, with fresh seeds"),
    parts.fresh,
    el("h2", {}, "Trials"),
    parts.trials,
    el("h2", {}, "Space and budget"),
    parts.space,
    parts.winner,
  );
  let timer = null,
    isGone = false,
    before = "";

  async function refresh() {
    try {
      const search = await ask(`searches/${encodeURIComponent(id)}`);
      if (isGone) return;
      problem.replaceChildren();
      drawHead(parts.head, search, id);
      const state = JSON.stringify([search.trials, search.candidates, search.picture.length]);
      if (state !== before) {
        if (!before && search.summary.objective === "loss") sorting.isDown = false;
        before = state;
        placeCharts(parts.chart, search.chart ? [search.chart] : []);
        parts.mattered.replaceChildren(...drawMattered(search));
        parts.fresh.replaceChildren(...drawFresh(search));
        parts.trials.replaceChildren(drawTrials(search, sorting));
        parts.space.replaceChildren(...drawSpace(search));
        parts.winner.replaceChildren(...drawWinner(search));
      }
      if (search.summary.state === "running") timer = setTimeout(refresh, 2500);
    } catch (error) {
      problem.replaceChildren(showProblem(error));
    }
  }
  await refresh();
  return () => {
    isGone = true;
    clearTimeout(timer);
  };
}

function drawHead(place, search, id) {
  const one = search.summary;
  place.replaceChildren(
    el("h1", {}, one.id),
    el("p", { class: "soft" }, one.about || "A search with Loupe."),
    el("p", { class: "answer" }, search.answer),
    showProgress(
      one,
      `${count(one.num_trials)}${one.most === null ? "" : ` of ${count(one.most)}`} trials`,
      one.most ? one.num_trials / one.most : null,
    ),
    search.has_report
      ? el(
          "p",
          { class: "actions" },
          el(
            "a",
            {
              class: "button plain",
              href: `/api/searches/${encodeURIComponent(id)}/report`,
              target: "_blank",
              rel: "noopener",
            },
            "Report of the last sitting",
          ),
        )
      : "",
  );
}

function drawMattered(search) {
  const bars = search.importance.flatMap((one) => {
    const fill = el("span", { class: "fill" }),
      reach = el("span", { class: "reach" });
    fill.style.width = `${100 * one.share}%`;
    reach.style.left = `${100 * one.low}%`;
    reach.style.width = `${100 * (one.high - one.low)}%`;
    return [
      el("span", {}, one.label),
      el("span", { class: "track", "aria-hidden": "true" }, fill, reach),
      el(
        "span",
        { class: "n" },
        percent(one.share, 0),
        el("span", { class: "soft" }, ` ${(100 * one.low).toFixed(0)} to ${(100 * one.high).toFixed(0)}`),
      ),
    ];
  });
  return [
    el("h2", {}, "What mattered"),
    bars.length ? el("div", { class: "bars narrow" }, ...bars) : "",
    el("p", { class: "soft" }, search.importance_note),
    search.picture
      ? el(
          "details",
          {},
          el("summary", {}, "Every trial over each parameter, as the report draws it"),
          el(
            "figure",
            { class: "figure" },
            el("img", {
              src: search.picture,
              alt: `Validation ${search.summary.objective} of each trial over time and over each parameter; the table of trials has the numbers`,
            }),
          ),
        )
      : "",
  ];
}

const runLink = (run, text) => (run ? link(`#/run/${encodeURIComponent(run)}`, text) : text);

function drawFresh(search) {
  if (!search.candidates.length)
    return [el("p", {}, "No trial has finished, so there is nothing to run again.")];
  const trials = new Map(search.trials.map((one) => [one.number, one]));
  const columns = [
    { title: "rank", isNumber: true, cell: (one) => String(one.rank) },
    {
      title: "trial",
      cell: (one) => [
        runLink(trials.get(one.number)?.run, String(one.number)),
        one.is_winner ? el("span", { class: "soft" }, " winner") : "",
      ],
    },
    { title: "in the search", isNumber: true, cell: (one) => one.found },
    { title: "mean over fresh seeds", isNumber: true, cell: (one) => one.fresh },
    {
      title: "optimism",
      isNumber: true,
      cell: (one) => `${one.optimism}${one.optimism_range ? ` (${one.optimism_range})` : ""}`,
    },
    { title: `test ${search.summary.objective}`, isNumber: true, cell: (one) => one.test },
    {
      title: "runs",
      cell: (one) =>
        one.runs.flatMap((run) => [
          el("span", { class: "nowrap" }, `seed ${run.seed}: `, runLink(run.run, run.text)),
          " ",
        ]),
    },
  ];
  return [
    ...search.optimism.map((line) => el("p", {}, line)),
    drawTable(columns, search.candidates, {
      caption: "The best trials with fresh seeds",
      rowClass: (one) => (one.is_winner ? "chosen" : ""),
    }),
    el("p", { class: "soft" }, search.fresh_note),
  ];
}

function drawTrials(search, sorting) {
  const columns = [
    {
      title: "trial",
      isNumber: true,
      cell: (one) => runLink(one.run, String(one.number)),
      value: (one) => one.number,
    },
    {
      title: "state",
      cell: (one) => [one.status, one.reason ? el("span", { class: "wrong" }, `: ${one.reason}`) : ""],
      value: (one) => one.status,
      note: (one) => (one.reason ? "wordy" : ""),
    },
    {
      title: search.summary.objective,
      isNumber: true,
      cell: (one) => one.score_text,
      value: (one) => (one.status === "finished" ? one.score : null),
    },
    ...search.labels.map((label, place) => ({
      title: label,
      isNumber: true,
      cell: (one) => one.settings[place],
      value: (one) => one.values[place],
    })),
    {
      title: "best epoch",
      isNumber: true,
      cell: (one) => String(one.best_epoch ?? ""),
      value: (one) => one.best_epoch,
    },
    { title: "epochs", isNumber: true, cell: (one) => String(one.epochs ?? ""), value: (one) => one.epochs },
    { title: "time", isNumber: true, cell: (one) => duration(one.seconds), value: (one) => one.seconds },
  ];
  return drawTable(columns, search.trials, {
    caption: "Trials",
    rowClass: (one) => (one.is_winner ? "chosen" : one.status === "finished" ? "" : "muted"),
    sorting,
  });
}

function drawSpace(search) {
  const tile = ([value, label]) => el("div", { class: "tile" }, el("b", {}, value), el("span", {}, label));
  return [
    el("div", { class: "tiles" }, ...search.budget.map(tile)),
    drawTable(
      [
        { title: "field of the recipe", cell: (row) => el("code", {}, row[0]) },
        { title: "values", cell: (row) => row[1] },
        { title: "only where", cell: (row) => row[2] },
      ],
      search.space,
      { caption: "What is searched" },
    ),
    el("p", { class: "soft" }, search.how),
  ];
}

function drawWinner(search) {
  const toml = (heading, text, isOpen) =>
    el("details", { open: isOpen }, el("summary", {}, heading), el("pre", { tabIndex: 0 }, text));
  const found = [toml("The search as TOML", search.toml, false)];
  if (!search.winner_toml) return found;
  const copy = el(
    "button",
    {
      type: "button",
      onclick: async () => {
        await navigator.clipboard.writeText(search.winner_toml);
        speak("The recipe is copied.");
        copy.textContent = "copied";
      },
    },
    "copy",
  );
  return [
    el("h2", {}, "The winner as a recipe"),
    el(
      "p",
      {},
      "Save it as winner.toml and train it like any other: ",
      el("code", {}, "loupe train winner.toml"),
      " ",
      copy,
    ),
    el("pre", { class: "winner", tabIndex: 0 }, search.winner_toml),
    ...found,
  ];
}
