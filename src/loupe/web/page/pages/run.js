// One run: what its report says, live while it trains.
import { placeCharts } from "../charts.js";
import { count, el, figure, interval, link, percent } from "../dom.js";
import { ask, runPath, send, showProblem } from "../server.js";
import { editTags } from "../tags.js";
import { showImages } from "../images.js";
import { showState } from "./runs.js";

export async function show(place, [id]) {
  const parts = Object.fromEntries(["head", "curves", "findings", "rest"].map((name) => [name, el("div", { class: name === "curves" ? "columns" : "" })]));
  const problem = el("div");
  place.append(parts.head, problem, el("h2", {}, "Curves"), parts.curves, parts.findings, parts.rest);
  let timer = null, isGone = false, before = "";

  async function refresh() {
    try {
      const run = await ask(runPath(id));
      if (isGone) return;
      problem.replaceChildren();
      drawHead(parts.head, run, id, refresh);
      placeCharts(parts.curves, run.charts);
      if (!run.charts.length) parts.curves.replaceChildren(el("p", {}, "No epoch is completed yet."));
      const state = JSON.stringify([run.result, run.layers.length]);
      if (state !== before) {
        before = state;
        parts.findings.replaceChildren(...drawFindings(run, id));
        parts.rest.replaceChildren(...drawRest(run));
      }
      if (run.summary.status === "running") timer = setTimeout(refresh, 1000);
    } catch (error) {
      problem.replaceChildren(showProblem(error));
    }
  }
  await refresh();
  return () => { isGone = true; clearTimeout(timer); };
}

function drawHead(place, run, id, refresh) {
  if (place.contains(document.activeElement) && document.activeElement.tagName === "INPUT") return;
  const one = run.summary, isClassifier = one.objective === "classification";
  const judged = one.test ?? one.validation;
  const tags = el("p", { class: "tags" });
  editTags(tags, one, (wanted) => send(runPath(id, "/tags"), { tags: wanted }, "PUT").then(refresh));
  place.replaceChildren(
    el("h1", {}, one.name), el("p", { class: "soft" }, one.about || "A run of Loupe."), tags, el("p", {}, showState(one)),
    judged ? el("div", { class: "headline" }, el("strong", {}, figure(judged, isClassifier)),
      el("span", { class: "what" }, `${one.test ? "test" : "validation"} ${isClassifier ? "accuracy" : "error"}${judged.over === "seeds" ? ", mean of the seeds" : one.status === "running" ? ", best so far" : ""}`,
        el("br"), el("span", { class: "soft" }, interval(judged, isClassifier) ? `interval ${interval(judged, isClassifier)}` : "no interval before the end"))) : "",
    el("p", { class: "actions" },
      one.has_weights ? el("a", { class: "button", href: `#/inside/${encodeURIComponent(id)}` }, "Look inside") : "",
      one.kind === "run" && one.has_weights ? el("a", { class: "button plain", href: `#/data/${encodeURIComponent(id)}` }, "Data card") : "",
      run.has_report ? el("a", { class: "button plain", href: `/api/${runPath(id, "/report")}`, target: "_blank", rel: "noopener" }, "Whole report") : ""),
    el("div", { class: "tiles" }, ...run.tiles.map((tile) => el("div", { class: "tile" }, el("b", {}, tile.value), el("span", {}, tile.label)))),
    ...(run.result?.warnings ?? []).map((warning) => el("div", { class: "note" }, warning)),
    one.seeds.length ? drawSeeds(one) : "");
}

function drawSeeds(series) {
  return el("ul", { class: "seeds" }, ...series.seeds.map((seed) => el("li", {}, link(`#/run/${encodeURIComponent(seed.id)}`, seed.name), " ",
    figure(seed.test ?? seed.validation, seed.objective === "classification"), " ", showState(seed))));
}

function drawFindings(run, id) {
  const best = run.result?.best;
  if (!best) return [];
  if (run.summary.objective !== "classification") {
    const baselines = best.validation.baselines.map((one) => `${one.name} ${+one.loss.toPrecision(3)}`).join(", ");
    return [el("h2", {}, "Beside guesses without a network"), el("p", {}, `The validation error is ${+best.validation.loss.toPrecision(3)}; ${baselines}. Look inside to see what the network gives back.`)];
  }
  const judged = best.test ?? best.validation, split = best.test ? "test" : "validation";
  const images = el("div", { class: "cells", "aria-live": "polite" });
  const look = (query, title) => showImages(images, id, query, title);
  const found = [
    el("h2", {}, "Classes"), el("h3", {}, `Precision, recall and F1 (${split})`), drawScores(run.class_scores),
    el("p", { class: "soft" }, "Precision: of the images taken for a class, the share that is of it. Recall: of the images of a class, the share taken for it."),
    el("h2", {}, "Mistakes"), el("p", { class: "soft" }, "Validation images, so that looking at them costs no look at the test set. Choose a cell to see its images, and an image to look inside."),
    drawConfusion(best.validation, look), images,
  ];
  look({ only: "mistakes" }, "Wrong, most confident first");
  if (split !== "validation") found.splice(2, 0, el("p", { class: "soft" }, `${count(judged.correct)} of ${count(judged.num_images)} ${split} images right.`));
  return found;
}

function drawScores(scores) {
  const share = (value) => el("td", { class: "n" }, value === null ? el("span", { class: "soft" }, "undefined") : percent(value, 1));
  return el("div", { class: "scroll", tabIndex: 0 }, el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "class"),
    ...["images", "taken for it", "precision", "recall", "F1"].map((one) => el("th", { scope: "col", class: "n" }, one)))),
  el("tbody", {}, ...scores.map((one) => el("tr", {}, el("th", { scope: "row" }, one.name), el("td", { class: "n" }, count(one.num_images)), el("td", { class: "n" }, count(one.num_predicted)),
    share(one.precision), share(one.recall), share(one.f1))))));
}

function drawConfusion(metrics, look) {
  const names = metrics.class_names;
  const head = el("tr", {}, el("td"), ...names.map((name) => el("th", { scope: "col" }, name)));
  const rows = metrics.confusion.map((row, truth) => {
    const total = row.reduce((sum, one) => sum + one, 0);
    return el("tr", {}, el("th", { scope: "row" }, names[truth]), ...row.map((number, said) => {
      const cell = el("td", { class: truth === said ? "right" : number ? "" : "zero" });
      const shade = number ? 0.55 * Math.sqrt(number / total) : 0;
      cell.style.background = `rgba(var(--heat), ${shade.toFixed(3)})`;
      const words = truth === said ? `${names[truth]}, said rightly` : `${names[truth]}, taken for ${names[said]}`;
      cell.append(number ? el("button", { type: "button", "aria-label": `${number} images: ${words}`, onclick: () => look({ true: truth, said }, words) }, String(number)) : "0");
      return cell;
    }));
  });
  return el("div", {}, el("div", { class: "scroll", tabIndex: 0 }, el("table", { class: "confusion" }, el("thead", {}, head), el("tbody", {}, ...rows))),
    el("p", { class: "soft" }, "Rows: true class. Columns: predicted class. Shade: share of the row (square-root scale)."));
}

function drawRest(run) {
  const table = (heads, rows) => el("div", { class: "scroll", tabIndex: 0 }, el("table", {}, el("thead", {}, el("tr", {}, ...heads.map((one) => el("th", { scope: "col" }, one)))),
    el("tbody", {}, ...rows.map((row) => el("tr", {}, ...row.map((one) => el("td", {}, one)))))));
  const looks = run.result?.test_openings ?? [];
  return [
    el("h2", {}, "Recipe"), el("details", {}, el("summary", {}, "Every setting, defaults included"), el("pre", { tabIndex: 0 }, run.recipe_toml)),
    ...(run.layers.length ? [el("h2", {}, "Layers"), table(["layer", "kind", "output", "parameters", "multiply-adds"],
      run.layers.map((one) => [one.name, one.kind, one.output_shape.join(" × "), count(one.parameters || null), count(one.multiply_adds || null)]))] : []),
    el("h2", {}, "Record"), el("p", {}, `The test set was looked at ${run.summary.test_looks} time${run.summary.test_looks === 1 ? "" : "s"}${run.summary.kind === "series" ? ` by ${run.summary.seeds.length} seeds together` : ""}.`),
    looks.length ? table(["when (UTC)", "why"], looks.slice(0, 12).map((one) => [one.at, one.reason])) : "",
    run.environment.length ? el("details", {}, el("summary", {}, "Environment"), table(["", ""], run.environment)) : "",
    run.log.length ? el("details", {}, el("summary", {}, "Log, last lines"), el("pre", { tabIndex: 0 }, run.log.join("\n"))) : "",
  ];
}
