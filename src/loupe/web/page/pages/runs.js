// The table of runs: live, sorted, filtered, tagged; several chosen are compared.
import { COLUMNS, arrange } from "../arrange.js";
import { sparkline } from "../charts.js";
import { count, duration, el, figure, furtherFigures, interval, link } from "../dom.js";
import { askForNews, showProblem } from "../server.js";
import { showState } from "../state.js";
import { editTags } from "../tags.js";
import { take } from "../turns.js";

const PAGE = 100; // rows drawn at once; more on demand: a table of thousands is slow to draw

const kept = { sort: "started", isDown: true, text: "", state: "", chosen: new Set(), open: new Set() };

export async function show(place) {
  const { search, state, sort } = makeChoices();
  const folder = el("span", { class: "soft" });
  const body = el("tbody"),
    head = el("tr"),
    problem = el("div"),
    empty = el("div");
  const bar = el("div", { class: "compare-bar", hidden: true });
  place.append(
    el("h1", {}, "Runs"),
    el("p", {}, folder),
    el("div", { class: "tools" }, search, state, sort),
    problem,
    el(
      "div",
      { class: "scroll" },
      el(
        "table",
        { class: "runs" },
        el("caption", { class: "unseen" }, "Runs of this folder"),
        el("thead", {}, head),
        body,
      ),
    ),
    empty,
    bar,
  );
  const askRuns = askForNews("runs");
  let runs = [],
    most = PAGE,
    timer = null;

  const showMore = (wanted) => {
    most = wanted;
    draw();
  };

  function draw() {
    drawHead(head, draw);
    const shown = arrange(runs, kept);
    const rows = shown
      .slice(0, most)
      .flatMap((run) => [
        drawRow(run, draw, refresh),
        ...(kept.open.has(run.id) ? run.seeds.map((seed) => drawRow(seed, draw, refresh, true)) : []),
      ]);
    if (!body.contains(document.activeElement) || document.activeElement.type === "checkbox")
      replaceRows(body, rows);
    empty.replaceChildren(
      ...(shown.length ? [offerMore(shown.length, most, showMore)] : [sayEmpty(runs.length)]),
    );
    drawBar(bar, draw);
  }

  async function refresh() {
    clearTimeout(timer);
    const isWanted = take(place); // what was asked for before a tag was changed does not know it
    try {
      if (!document.hidden || !runs.length) {
        const list = await askRuns();
        if (!isWanted()) return;
        problem.replaceChildren();
        if (list) {
          runs = list.runs;
          folder.textContent = `${count(runs.length)} in ${list.folder}`;
          draw();
        }
      }
    } catch (error) {
      if (!isWanted()) return;
      problem.replaceChildren(showProblem(error));
    }
    timer = setTimeout(refresh, runs.some((run) => run.status === "running") ? 1000 : 3000);
  }

  search.addEventListener("input", () => {
    kept.text = search.value;
    draw();
  });
  sort.addEventListener("change", () => {
    kept.sort = sort.value;
    kept.isDown = sort.value !== "name";
    draw();
  });
  state.addEventListener("change", () => {
    kept.state = state.value;
    draw();
  });
  await refresh();
  return () => clearTimeout(timer);
}

/** Return what chooses the rows and their order, as it was left. */
function makeChoices() {
  const search = el("input", {
    type: "search",
    placeholder: "name, tag, network, data …",
    value: kept.text,
    "aria-label": "Filter runs",
  });
  const state = el(
    "select",
    { "aria-label": "State" },
    ...["", "running", "finished", "interrupted", "failed", "unfinished", "damaged"].map((one) =>
      el("option", { value: one }, one || "every state"),
    ),
  );
  state.value = kept.state;
  const sort = el(
    "select",
    { class: "sort-by", "aria-label": "Sort by" },
    ...COLUMNS.filter((one) => one.value).map((one) => el("option", { value: one.key }, `by ${one.title}`)),
  );
  sort.value = kept.sort;
  return { search, state, sort };
}

/** Return the way to the rows that are not drawn; nothing where all are. */
function offerMore(number, most, showMore) {
  if (number <= most) return "";
  return el(
    "p",
    { class: "tools" },
    el("span", { class: "soft" }, `The first ${count(most)} of ${count(number)}.`),
    el("button", { type: "button", onclick: () => showMore(most + PAGE) }, `${PAGE} more`),
    el("button", { type: "button", onclick: () => showMore(number) }, `all ${count(number)}`),
  );
}

function replaceRows(body, rows) {
  const focused = document.activeElement?.dataset?.run;
  body.replaceChildren(...rows);
  if (focused) body.querySelector(`input[data-run="${CSS.escape(focused)}"]`)?.focus();
}

function drawHead(head, draw) {
  if (head.children.length) {
    for (const cell of head.querySelectorAll("th[data-key]")) setSort(cell);
    return;
  }
  head.append(
    el("th", { scope: "col" }, el("span", { class: "unseen" }, "compare")),
    ...COLUMNS.map((column) => {
      const cell = el(
        "th",
        { scope: "col", "data-key": column.key },
        column.value
          ? el(
              "button",
              {
                type: "button",
                onclick: () => {
                  kept.isDown = kept.sort === column.key ? !kept.isDown : column.key !== "name";
                  kept.sort = column.key;
                  draw();
                },
              },
              column.title,
            )
          : column.title,
      );
      setSort(cell);
      return cell;
    }),
  );
}

function setSort(cell) {
  if (cell.dataset.key === kept.sort)
    cell.setAttribute("aria-sort", kept.isDown ? "descending" : "ascending");
  else cell.removeAttribute("aria-sort");
}

function drawRow(run, draw, refresh, isSeed = false) {
  const box = el("input", {
    type: "checkbox",
    checked: kept.chosen.has(run.id),
    disabled: run.status === "damaged",
    "data-run": run.id,
    "aria-label": `Compare ${run.name}`,
    onchange: () => {
      kept.chosen[box.checked ? "add" : "delete"](run.id);
      draw();
    },
  });
  const seeds = run.seeds.length
    ? el(
        "button",
        {
          type: "button",
          class: "quiet",
          "aria-expanded": String(kept.open.has(run.id)),
          onclick: () => {
            kept.open[kept.open.has(run.id) ? "delete" : "add"](run.id);
            document.activeElement.blur();
            draw();
          },
        },
        `${kept.open.has(run.id) ? "▾" : "▸"} ${run.seeds.length} seeds`,
      )
    : null;
  const tags = el("span", { class: "tags" });
  editTags(tags, run, refresh);
  const cell = (title, ...children) => el("td", { "data-title": title }, ...children);
  return el(
    "tr",
    { class: `${isSeed ? "seed " : ""}${run.status}` },
    el("td", { class: "box" }, box),
    cell(
      "",
      link(`#/run/${encodeURIComponent(run.id)}`, run.name),
      seeds && " ",
      seeds,
      el(
        "div",
        { class: "under" },
        run.has_weights
          ? link(`#/inside/${encodeURIComponent(run.id)}`, el("small", {}, "look inside"))
          : null,
        isSeed ? null : tags,
      ),
    ),
    cell("state", showState(run)),
    cell("curve", drawCurve(run)),
    cell("validation", showFigure(run, "validation")),
    cell(
      "test",
      run.test
        ? showFigure(run, "test")
        : run.status === "damaged"
          ? ""
          : el("span", { class: "soft" }, "locked"),
    ),
    cell("network", run.model),
    cell("data", run.data),
    cell("time", duration(run.seconds)),
    cell(
      "started",
      run.started
        ? new Date(1000 * run.started).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" })
        : "",
    ),
  );
}

/** Return a run's curve: where its metric has two ends, on the scale of these, so that runs can be compared. */
function drawCurve(run) {
  const metric = run.validation?.metric,
    isCommon = Number.isFinite(metric?.low) && Number.isFinite(metric?.high);
  const [low, high] = metric?.unit === "percent" ? ["0", "100 %"] : [metric?.low, metric?.high];
  const scale = isCommon ? `from ${low} to ${high}` : "on a scale of its own";
  const words = `validation ${metric?.title ?? ""} over ${run.curve.length} epochs, ${scale}`;
  return sparkline(run.curve, words, isCommon ? [metric.low, metric.high] : []);
}

function showFigure(run, split) {
  return run[split]
    ? el(
        "span",
        { class: "figure-of" },
        figure(run[split]),
        el("small", { class: "soft" }, interval(run[split])),
        ...furtherFigures(run, split),
      )
    : "";
}

function sayEmpty(numRuns) {
  return numRuns
    ? el("p", {}, "No run fits the filter.")
    : el(
        "div",
        { class: "first" },
        el("h2", {}, "No runs yet"),
        el("p", {}, "Train one, and it appears here while it trains:"),
        el("pre", {}, "loupe train digits"),
        el("p", { class: "soft" }, "Ten seconds on a CPU, with digits that ship with Loupe."),
      );
}

function drawBar(bar, draw) {
  const chosen = [...kept.chosen];
  bar.hidden = !chosen.length;
  const query = chosen.map((id) => `run=${encodeURIComponent(id)}`).join("&");
  bar.replaceChildren(
    el("span", {}, `${chosen.length} chosen`),
    chosen.length > 1
      ? el("a", { class: "button", href: `#/compare?${query}` }, "Compare")
      : el("span", { class: "soft" }, "choose another to compare"),
    el(
      "button",
      {
        type: "button",
        class: "quiet",
        onclick: () => {
          kept.chosen.clear();
          draw();
        },
      },
      "clear",
    ),
  );
}
