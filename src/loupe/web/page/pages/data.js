// The data card of a run's images; without a run, the choice of one.
import { placeCharts } from "../charts.js";
import { count, el } from "../dom.js";
import { picture, turner } from "../images.js";
import { ask, runPath, showProblem } from "../server.js";
import { chooseRun } from "../choice.js";
import { latest } from "../turns.js";

export async function show(place, [id]) {
  if (!id)
    return chooseRun(
      place,
      "Data",
      "Whose data?",
      (run) => `#/data/${encodeURIComponent(run.id)}`,
      (run) => run.data,
    );
  const card = await ask(runPath(id, "/data"));
  const [channels, height, width] = card.image_shape,
    sum = (values) => values.reduce((a, b) => a + b, 0);
  const tile = (value, label) => el("div", { class: "tile" }, el("b", {}, value), el("span", {}, label));
  const chart = el("div", { class: "columns" });
  placeCharts(chart, [card.pixel_chart]);
  const classes = el("div");
  showClasses(classes, id, card.one_per_class);
  place.append(
    el("h1", {}, card.title),
    el(
      "p",
      { class: "soft" },
      `Data card of ${card.run}: every figure was measured on the images themselves.`,
    ),
    el(
      "div",
      { class: "tiles" },
      tile(count(sum(card.counts.training)), "training images"),
      tile(count(sum(card.counts.validation)), "validation images"),
      tile(count(sum(card.counts.test)), "test images, locked"),
      tile(card.class_names.length, "classes"),
      tile(`${height} × ${width}`, "pixels, height × width"),
      tile(channels, channels === 1 ? "channel" : "channels"),
      tile(card.pixel_range.join(" to "), `pixel values, ${card.used_values.join(", ")} different`),
    ),
    el("h2", {}, "One image of each class"),
    classes,
    el("h2", {}, "Class balance"),
    el("p", {}, card.balance),
    ...drawBalance(card),
    el("h2", {}, "Pixel values"),
    chart,
    el("h2", {}, "Normalisation"),
    drawNormalization(card),
    ...drawPreview(card),
    el("h2", {}, "Origin"),
    el("p", {}, card.source + (card.origin ? `: ${card.origin}` : "")),
    el(
      "details",
      {},
      el("summary", {}, "Digests"),
      ...Object.entries(card.digests).map(([split, digest]) =>
        el("p", { class: "digest" }, `${split}: `, el("code", {}, digest)),
      ),
    ),
  );
  return undefined;
}

/** Show a page of images, one of each class: of thousands of classes not all at once. */
function showClasses(place, id, found) {
  const turn = async (page) => {
    try {
      const next = await latest(place, ask(runPath(id, "/data/classes"), { query: { page } }));
      if (next) showClasses(place, id, next);
    } catch (error) {
      place.append(showProblem(error));
    }
  };
  place.replaceChildren(
    el(
      "div",
      { class: "strip large" },
      ...found.images.map((one) =>
        el(
          "figure",
          {},
          picture(one, `a training image: ${one.true_class}`),
          el("figcaption", {}, one.true_class),
        ),
      ),
    ),
    turner(found, turn),
  );
}

/** Return bars of the images of each class; of many those with the most and the fewest, the others on demand. */
function drawBalance(card) {
  const all = card.class_names.map((_, label) => label),
    shown = card.balance_classes,
    half = shown.length / 2;
  if (shown.length === all.length) return [drawBars(card, all)];
  const rest = el(
    "details",
    { ontoggle: () => rest.children.length < 2 && rest.append(drawBars(card, all)) },
    el("summary", {}, `All ${count(all.length)} classes`),
  );
  return [
    el(
      "p",
      { class: "soft" },
      `${half} classes with the most and ${half} with the fewest training images, most first.`,
    ),
    drawBars(card, shown),
    rest,
  ];
}

function drawBars(card, labels) {
  const most = Object.values(card.counts)
    .flat()
    .reduce((a, b) => Math.max(a, b), 0);
  return el(
    "div",
    { class: "bars balance" },
    ...labels.flatMap((label) => {
      const track = el("span", { class: "track", "aria-hidden": "true" });
      const fill = el("span", { class: "fill" });
      fill.style.width = `${(100 * card.counts.training[label]) / most}%`;
      track.append(fill);
      return [
        el("span", {}, card.class_names[label]),
        track,
        el(
          "span",
          { class: "n" },
          Object.entries(card.counts)
            .map(([split, counts]) => `${count(counts[label])} ${split}`)
            .join(", "),
        ),
      ];
    }),
  );
}

function drawNormalization(card) {
  const four = (values) => values.map((one) => one.toFixed(4)).join(" / ");
  return el(
    "div",
    { class: "scroll", tabIndex: 0 },
    el(
      "table",
      {},
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          ...["constants", "mean", "std", "verdict"].map((one) => el("th", { scope: "col" }, one)),
        ),
      ),
      el(
        "tbody",
        {},
        el(
          "tr",
          { class: "chosen" },
          el("td", {}, "measured on the training split"),
          el("td", {}, four(card.mean)),
          el("td", {}, four(card.std)),
          el("td", {}, describeRange(card)),
        ),
        ...card.presets.map((one) =>
          el(
            "tr",
            {},
            el("td", {}, one.name, el("br"), el("span", { class: "soft" }, one.origin)),
            el("td", {}, four(one.mean)),
            el("td", {}, four(one.std)),
            el(
              "td",
              {},
              `${one.problem ? "⚠ " : ""}${one.verdict}${one.problem ? "; known to be wrong" : ""}`,
            ),
          ),
        ),
      ),
    ),
  );
}

/** Return what pixels 0 and 255 become in each channel, as the written card has it. */
function describeRange(card) {
  const ends = card.mean.map(
    (mean, channel) =>
      `${(-mean / card.std[channel]).toFixed(2)} to ${((1 - mean) / card.std[channel]).toFixed(2)}`,
  );
  return `turns pixels 0 and 255 into ${ends.join("; ")}`;
}

function drawPreview(card) {
  if (!card.preview.length) return [];
  return [
    el("h2", {}, "Augmentation preview"),
    el(
      "p",
      {},
      `${card.augmentations.join(", ")}: the original at the left, then independent draws. Only training images are augmented.`,
    ),
    ...card.preview.map((row) =>
      el(
        "div",
        { class: "strip large" },
        ...row.map((one, index) =>
          el("img", {
            class: `pixel${index ? "" : " original"}`,
            src: one,
            alt: index ? `draw ${index}` : "original",
          }),
        ),
      ),
    ),
  ];
}
