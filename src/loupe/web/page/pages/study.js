// One study: its question, the answer, the arms beside each other, its runs; live while it is carried out.
import { placeCharts } from "../charts.js";
import { count, duration, el, link } from "../dom.js";
import { ask, showProblem } from "../server.js";
import { drawTable } from "../tables.js";
import { showProgress } from "./studies.js";

export async function show(place, [id]) {
  const parts = Object.fromEntries(
    ["head", "charts", "picture", "table", "law", "more", "runs", "how"].map((name) => [
      name,
      el("div", { class: name === "charts" ? "columns" : "" }),
    ]),
  );
  const problem = el("div"),
    sorting = { column: null, isDown: false };
  place.append(
    parts.head,
    problem,
    el("h2", {}, "Figure"),
    parts.charts,
    parts.picture,
    el("h2", {}, "Table"),
    parts.table,
    parts.law,
    parts.more,
    el("h2", {}, "Runs"),
    parts.runs,
    el("h2", {}, "How it was made"),
    parts.how,
  );
  let timer = null,
    isGone = false,
    before = "";

  async function refresh() {
    try {
      const study = await ask(`studies/${encodeURIComponent(id)}`);
      if (isGone) return;
      problem.replaceChildren();
      drawHead(parts.head, study, id);
      const state = JSON.stringify([study.arms, study.runs]);
      if (state !== before) {
        before = state;
        placeCharts(parts.charts, study.charts);
        parts.picture.replaceChildren(...drawFigureNotes(study));
        parts.table.replaceChildren(...drawArms(study));
        parts.law.replaceChildren(...drawLaw(study));
        parts.more.replaceChildren(...drawMore(study));
        parts.runs.replaceChildren(drawRuns(study, sorting));
        parts.how.replaceChildren(...drawHow(study));
      }
      if (study.summary.state === "running") timer = setTimeout(refresh, 2000);
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

function drawHead(place, study, id) {
  const one = study.summary;
  place.replaceChildren(
    el("h1", {}, one.question || one.id),
    el("p", { class: "soft" }, [one.id, one.about].filter(Boolean).join(": ")),
    el("p", { class: "answer" }, study.answer),
    showProgress(
      one,
      `${count(one.num_done)} of ${count(one.num_runs)} runs of the arms`,
      one.num_done / Math.max(1, one.num_runs),
    ),
    study.under_way.length
      ? el(
          "ul",
          { class: "under-way" },
          ...study.under_way.map((run) =>
            el(
              "li",
              {},
              link(`#/run/${encodeURIComponent(run.run)}`, run.run.split(":").pop()),
              el(
                "span",
                { class: "soft" },
                ` epoch ${run.epoch} of ${run.num_epochs}${run.seconds_left === null ? "" : `, ${duration(run.seconds_left)} left`}`,
              ),
            ),
          ),
        )
      : "",
    one.num_failed
      ? el(
          "p",
          { class: "note" },
          `${one.num_failed} runs have no result; the list of runs says why, and the figures are those of the others.`,
        )
      : "",
    ...study.same.map((arms) =>
      el(
        "p",
        { class: "note" },
        `${arms.join(" and ")} are the same runs: what sets them apart changes nothing in the recipe.`,
      ),
    ),
    study.has_report
      ? el(
          "p",
          { class: "actions" },
          el(
            "a",
            {
              class: "button plain",
              href: `/api/studies/${encodeURIComponent(id)}/report`,
              target: "_blank",
              rel: "noopener",
            },
            "Report of the last sitting",
          ),
        )
      : "",
  );
}

function drawFigureNotes(study) {
  if (study.charts.length)
    return [
      el(
        "p",
        { class: "soft" },
        `Mean ${study.figure} over the seeds; bands are ${study.level} intervals of the mean (Student).`,
      ),
    ];
  if (!study.picture) return [el("p", {}, "No run has finished.")];
  return [
    el(
      "figure",
      { class: "figure" },
      el("img", {
        src: study.picture,
        alt: `${study.figure} of each arm, with intervals; the table below has the numbers`,
      }),
    ),
    el(
      "p",
      { class: "soft" },
      `Dot: mean over the seeds. Bar: ${study.level} interval of the mean (Student). Strokes below: the seeds.${study.reference ? ` Hollow and grey: cannot be told from ${study.reference}.` : ""}`,
    ),
  ];
}

function drawArms(study) {
  const isCompared = study.arms.some((one) => one.difference),
    grey = (one) => (one.is_noise ? "noise" : "");
  const number = (title, name, note) => ({ title, isNumber: true, cell: (one) => one[name], note });
  const columns = [
    {
      title: "arm",
      cell: (one) => [one.arm, one.is_chosen ? el("span", { class: "soft" }, " (best on validation)") : ""],
    },
    number("seeds", "seeds"),
    number("validation", "validation"),
    number(study.figure.split(" (")[0], "mean"),
    number("sd", "sd"),
    number(`${study.level} interval`, "interval"),
    ...(isCompared
      ? [
          number(`against ${study.reference}`, "difference", grey),
          number(`${study.level} interval`, "difference_interval", grey),
          number("p", "p", grey),
        ]
      : []),
  ];
  const words = isCompared
    ? ` Differences in ${study.is_share ? "percentage points" : "the figure's own unit"} are taken over the same seeds${study.counts_images ? " and the same images, and both count as drawn by chance" : ""}; p is adjusted for the arms compared (Holm). Grey: no more than noise, or too few seeds to say.`
    : "";
  return [
    drawTable(columns, study.arms, { caption: "Arms", rowClass: (one) => (one.is_chosen ? "chosen" : "") }),
    el("p", { class: "soft" }, `Of the weights of the best epoch on validation. sd: between seeds.${words}`),
  ];
}

function drawLaw(study) {
  if (!study.law_picture) return [];
  return [
    el("h2", {}, "Would more data help?"),
    el(
      "figure",
      { class: "figure" },
      el("img", {
        src: study.law_picture,
        alt: "error over training images on logarithmic scales, with the fitted law; the answer above says what it predicts",
      }),
    ),
    el(
      "p",
      { class: "soft" },
      `Points: the runs. Line: the fitted law, dashed beyond the largest set; band: ${study.level} interval of the mean error. Hollow: twice the largest set.`,
    ),
  ];
}

function drawMore(study) {
  if (!study.other_charts.length) return [];
  const charts = el("div", { class: "columns" });
  placeCharts(charts, study.other_charts);
  return [el("details", {}, el("summary", {}, "Other figures over the axis"), charts)];
}

function drawRuns(study, sorting) {
  const columns = [
    {
      title: "arm",
      cell: (run) => (run.run ? link(`#/run/${encodeURIComponent(run.run)}`, run.name) : run.name),
      value: (run) => run.name,
    },
    ...study.axes.map((axis, place) => ({
      title: axis,
      cell: (run) => run.at[place],
      value: (run) => (Number.isNaN(Number(run.at[place])) ? run.at[place] : Number(run.at[place])),
    })),
    { title: "seed", isNumber: true, cell: (run) => String(run.seed), value: (run) => run.seed },
    {
      title: "state",
      cell: (run) => [run.status, run.reason ? el("span", { class: "wrong" }, `: ${run.reason}`) : ""],
      value: (run) => run.status,
      note: (run) => (run.reason ? "wordy" : ""),
    },
    {
      title: "best epoch",
      isNumber: true,
      cell: (run) => String(run.best_epoch ?? ""),
      value: (run) => run.best_epoch,
    },
    { title: "validation", isNumber: true, cell: (run) => run.validation, value: (run) => run.validation },
    { title: "test", isNumber: true, cell: (run) => run.test, value: (run) => run.test },
    { title: "time", isNumber: true, cell: (run) => duration(run.seconds), value: (run) => run.seconds },
  ];
  return el(
    "details",
    { open: study.runs.length <= 24 || study.summary.num_failed > 0 },
    el("summary", {}, `${count(study.runs.length)} runs`),
    drawTable(columns, study.runs, {
      caption: "Runs of the study",
      rowClass: (run) => (run.status === "finished" ? "" : "muted"),
      sorting,
    }),
  );
}

function drawHow(study) {
  return [
    ...study.changes.flatMap(([heading, text]) => [el("h3", {}, heading), el("pre", { tabIndex: 0 }, text)]),
    el("details", {}, el("summary", {}, "The study as TOML"), el("pre", { tabIndex: 0 }, study.toml)),
  ];
}
