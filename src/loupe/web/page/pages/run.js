// One run: what its report says, live while it trains.
import { placeCharts } from "../charts.js";
import { el, figure, interval, link } from "../dom.js";
import { ask, runPath, showProblem } from "../server.js";
import { editTags } from "../tags.js";
import { showImages } from "../images.js";
import { placeSection } from "../sections.js";
import { showState } from "../state.js";
import { latest, take } from "../turns.js";

export async function show(place, [id]) {
  const parts = Object.fromEntries(
    ["head", "answers", "weights", "curves", "note", "findings", "recipe", "layers", "rest"].map((name) => [
      name,
      el("div", { class: name === "curves" ? "columns" : "" }),
    ]),
  );
  const problem = el("div");
  place.append(
    parts.head,
    problem,
    parts.answers,
    parts.weights,
    el("h2", { id: "curves" }, "Curves"),
    parts.curves,
    parts.note,
    parts.findings,
    parts.recipe,
    parts.layers,
    parts.rest,
  );
  let timer = null,
    before = "";

  async function refresh() {
    clearTimeout(timer);
    try {
      const run = await latest(place, ask(runPath(id)));
      if (!run) return;
      problem.replaceChildren();
      drawHead(parts.head, run, id, refresh);
      placeCharts(parts.curves, run.charts);
      parts.note.replaceChildren(
        run.charts.length && run.curves_note ? el("p", { class: "soft" }, run.curves_note) : "",
      );
      if (!run.charts.length) parts.curves.replaceChildren(el("p", {}, "No epoch is completed yet."));
      const state = JSON.stringify([
        run.result,
        run.layers.length,
        run.summary.seeds.map((one) => one.status),
      ]);
      if (state !== before) {
        before = state;
        showFindings(parts, run, id);
        parts.recipe.replaceChildren(...drawRecipe(run));
        showLayers(parts.layers, run, id);
        parts.rest.replaceChildren(...drawRest(run));
      }
      if (run.summary.status === "running") timer = setTimeout(refresh, 1000);
    } catch (error) {
      problem.replaceChildren(showProblem(error));
    }
  }
  await refresh();
  return () => clearTimeout(timer);
}

function drawHead(place, run, id, refresh) {
  if (place.contains(document.activeElement) && document.activeElement.tagName === "INPUT") return;
  const one = run.summary;
  const tags = el("p", { class: "tags" });
  editTags(tags, one, refresh);
  place.replaceChildren(
    el("h1", {}, one.name),
    el("p", { class: "soft" }, one.about || "A run of Loupe."),
    tags,
    el("p", {}, showState(one)),
    drawHeadline(one),
    drawActions(run, id),
    el(
      "div",
      { class: "tiles" },
      ...run.tiles.map((tile) =>
        el("div", { class: "tile" }, el("b", {}, tile.value), el("span", {}, tile.label)),
      ),
    ),
    ...run.warnings.map((warning) => el("div", { class: "note" }, warning)),
    one.seeds.some((seed) => seed.status !== "finished") ? drawSeeds(one) : "",
  );
}

function drawHeadline(one) {
  const judged = one.test ?? one.validation;
  if (!judged) return "";
  return el(
    "div",
    { class: "headline" },
    el("strong", {}, figure(judged)),
    el(
      "span",
      { class: "what" },
      `${one.test ? "test" : "validation"} ${judged.metric.title}${judged.over === "seeds" ? ", mean of the seeds" : one.status === "running" ? ", best so far" : ""}`,
      el("br"),
      el(
        "span",
        { class: "soft" },
        interval(judged) ? `interval ${interval(judged)}` : "no interval before the end",
      ),
    ),
  );
}

function drawActions(run, id) {
  const one = run.summary;
  return el(
    "p",
    { class: "actions" },
    one.has_weights
      ? el("a", { class: "button", href: `#/inside/${encodeURIComponent(id)}` }, "Look inside")
      : "",
    one.kind === "run" && one.has_weights
      ? el("a", { class: "button plain", href: `#/data/${encodeURIComponent(id)}` }, "Data card")
      : "",
    run.has_report
      ? el(
          "a",
          {
            class: "button plain",
            href: `/api/${runPath(id, "/report")}`,
            target: "_blank",
            rel: "noopener",
          },
          "Whole report",
        )
      : "",
  );
}

function drawSeeds(series) {
  return el(
    "ul",
    { class: "seeds" },
    ...series.seeds.map((seed) =>
      el(
        "li",
        {},
        link(`#/run/${encodeURIComponent(seed.id)}`, seed.name),
        " ",
        figure(seed.test ?? seed.validation),
        " ",
        showState(seed),
      ),
    ),
  );
}

async function showFindings(parts, run, id) {
  if (run.summary.kind === "series") {
    await placeSection(parts.weights, id, "seeds", false);
    return;
  }
  if (!run.result?.best) return;
  const isWanted = take(parts.findings);
  if (await placeSection(parts.answers, id, "answers")) wireSectionLinks(parts.answers);
  if (!isWanted()) return;
  placeSection(parts.weights, id, "weights");
  const figures = el(
    "div",
    { class: "figures" },
    el("p", { class: "soft" }, "drawing; this takes seconds …"),
  );
  let isAsked = false;
  const inside = el(
    "details",
    {
      ontoggle: () => {
        if (inside.open && !isAsked) {
          isAsked = true;
          placeSection(figures, id, "figures");
        }
      },
    },
    el("summary", {}, "Filters, feature maps and reasons, one image of each class"),
    figures,
  );
  const place = el("div");
  parts.findings.replaceChildren(
    place,
    el("h2", {}, "Inside"),
    el(
      "p",
      {},
      link(`#/inside/${encodeURIComponent(id)}`, "Look inside"),
      " follows one picture through the network, layer by layer, down to a single number.",
    ),
    inside,
  );
  if (await placeSection(place, id, "findings")) wireCells(place, id);
}

/** Have links to sections scroll there: the address of this page says which run it shows. */
function wireSectionLinks(place) {
  for (const one of place.querySelectorAll('a[href^="#"]')) {
    one.onclick = (event) => {
      event.preventDefault();
      document.getElementById(one.hash.slice(1))?.scrollIntoView();
    };
  }
}

/** Return a copy of an element in its place, without what listens to it. */
function forgetListeners(element) {
  const copy = element.cloneNode(true);
  element.replaceWith(copy);
  return copy;
}

/** Let the cells of the confusion matrix show all their images, each a way into the network. */
function wireCells(place, id) {
  const look = place.querySelector('.look[data-look="confusion"]:has(.cells)'),
    cells = look?.querySelector(".cells");
  if (!cells) return;
  const images = el("div", { class: "cells", "aria-live": "polite" });
  cells.replaceWith(images);
  const links = [...look.querySelectorAll('a[href^="#cell-"]')].map(forgetListeners);
  for (const one of links) {
    const [truth, predicted] = one.hash.split("-").slice(1).map(Number),
      words = one.closest("td").title.replace(/^\d+ of \d+ images of /, "");
    one.setAttribute("role", "button");
    one.setAttribute("aria-label", `${one.textContent} images: ${words}`);
    one.addEventListener("click", (event) => {
      event.preventDefault();
      for (const other of links) other.removeAttribute("aria-current");
      one.setAttribute("aria-current", "true");
      showImages(images, id, { true: truth, predicted }, words);
    });
  }
  showImages(images, id, { only: "mistakes" }, "Wrong, most confident first");
}

const drawRecipe = (run) => [
  el("h2", {}, "Recipe"),
  el(
    "details",
    {},
    el("summary", {}, "Every setting, defaults included"),
    el("pre", { tabIndex: 0 }, run.recipe_toml),
  ),
];

async function showLayers(place, run, id) {
  if (!run.layers.length) return;
  if (!place.children.length) place.append(el("h2", { id: "layers", hidden: true }, "Layers"), el("div"));
  const [heading, table] = place.children;
  if (await placeSection(table, id, "layers", false)) heading.hidden = false;
}

function drawRest(run) {
  const table = (heads, rows) =>
    el(
      "div",
      { class: "scroll", tabIndex: 0 },
      el(
        "table",
        {},
        el("thead", {}, el("tr", {}, ...heads.map((one) => el("th", { scope: "col" }, one)))),
        el("tbody", {}, ...rows.map((row) => el("tr", {}, ...row.map((one) => el("td", {}, one))))),
      ),
    );
  const looks = run.result?.test_openings ?? [];
  return [
    el("h2", {}, "Record"),
    el("p", {}, `Looks at the test set: ${run.summary.looks}.`),
    looks.length
      ? table(
          ["when (UTC)", "why"],
          looks.slice(0, 12).map((one) => [one.at, one.reason]),
        )
      : "",
    run.environment.length
      ? el("details", {}, el("summary", {}, "Environment"), table(["", ""], run.environment))
      : "",
    run.log.length
      ? el(
          "details",
          {},
          el("summary", {}, "Log, last lines"),
          el("pre", { tabIndex: 0 }, run.log.join("\n")),
        )
      : "",
  ];
}
