// One number taken apart: the window, the weights, their products, the sum, the bias, and what follows.
import { count, el, short } from "../dom.js";
import { reachOf, unpack } from "../pixels.js";
import { ask, runPath, showProblem } from "../server.js";
import { take } from "../turns.js";
import { frameField } from "./answer.js";
import { nameUnit } from "./facts.js";
import { grid, normalisationWords, pixelGrid } from "./grids.js";

const MOST_CHANNELS = 4,
  MOST_TERMS = 12;

/** Show how a number came about; return whether nothing stood in the way. */
export async function showNumber(scene) {
  const { parts, seen, spot, layer } = scene,
    [channel, row, column] = spot,
    place = parts.number;
  const isWanted = take(place);
  place.setAttribute("aria-busy", "true"); // what is shown meanwhile is of another one
  try {
    const found = await ask(runPath(scene.id, "/number"), {
      query: { image: seen.image, layer, channel, row, column },
    });
    if (!isWanted()) return true; // a later one is shown
    const isUnit = seen.layers.find((one) => one.name === layer).shape.length === 1;
    place.replaceChildren(
      el("h2", {}, "How this number came about"),
      el(
        "p",
        { class: "soft" },
        `${layer}, ${isUnit ? `unit ${channel}${nameUnit(scene, channel)}` : `map ${channel}, row ${row}, column ${column}`}. The frame on the picture holds all pixels it can depend on.${/Transpose/.test(found.kind) ? " A transposed convolution lays its kernel down at every input; the window holds the inputs whose kernels reach this place, beside the part of the kernel that does." : ""}`,
      ),
      ...(found.form === "products" ? showProducts(scene, found) : showRule(scene, found)),
    );
    frameField(scene, layer, row, column);
    return true;
  } catch (error) {
    if (!isWanted()) return true;
    place.replaceChildren(showProblem(error));
    return false;
  } finally {
    if (isWanted()) place.removeAttribute("aria-busy");
  }
}

function showProducts(scene, found) {
  const inputs = unpack(found.inputs),
    weights = unpack(found.weights),
    [channels, height, width] = inputs.shape,
    size = height * width;
  const products = inputs.values.map((value, index) => value * weights.values[index]);
  const sums = Array.from({ length: channels }, (_, channel) =>
    products.subarray(channel * size, (channel + 1) * size).reduce((a, b) => a + b, 0),
  );
  const order = sums.map((_, channel) => channel).sort((a, b) => Math.abs(sums[b]) - Math.abs(sums[a]));
  const parts =
    size === 1
      ? [showTerms(inputs, weights, products, order)]
      : showWindows(scene, found, { inputs, weights, products, sums, order, height, width, size });
  const sum = sums.reduce((a, b) => a + b, 0);
  return [
    ...parts,
    el(
      "div",
      { class: "sum" },
      line("sum of all products", sum),
      line("+ bias", found.bias),
      line("=", found.total, `the network itself has ${short(found.value)}`),
      ...found.steps.map(([layer, kind, value]) =>
        line(
          kind.startsWith("Softmax")
            ? "then softmax over all classes: the probability"
            : `then ${layer} (${kind})`,
          value,
        ),
      ),
    ),
  ];
}

function line(words, value, note = "") {
  return el(
    "div",
    { class: "line" },
    el("span", {}, words),
    el("b", {}, short(value)),
    el("span", { class: "soft" }, note),
  );
}

function showWindows(scene, found, { inputs, weights, products, sums, order, height, width, size }) {
  const names = scene.seen.layers.find((one) => one.name === scene.layer).input_names;
  const reaches = [inputs, weights].map((one) => reachOf(one.low, one.high));
  const reach = products.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
  const cut = (values, channel) => values.subarray(channel * size, (channel + 1) * size);
  const shown = order.slice(0, MOST_CHANNELS).sort((a, b) => a - b); // the weightiest, in their own order
  const named = names.length === order.length ? names : [];
  const rows = shown.map((channel) =>
    el(
      "div",
      { class: "equation" },
      el(
        "span",
        { class: "channel" },
        named.length
          ? `${named[channel]}: the products add up to `
          : order.length > 1
            ? `input channel ${channel}: the products add up to `
            : "the products add up to ",
        el("b", {}, short(sums[channel])),
      ),
      named.length
        ? pixelGrid(scene.facts, channel, cut(inputs.values, channel), [height, width], found.is_padding)
        : "",
      named.length ? el("span", { class: "sign" }, "→") : "",
      grid(cut(inputs.values, channel), height, width, reaches[0], {
        words: named.length ? "normalised" : "window",
        isPadding: found.is_padding,
      }),
      el("span", { class: "sign" }, "×"),
      grid(cut(weights.values, channel), height, width, reaches[1], { words: "weights" }),
      el("span", { class: "sign" }, "="),
      grid(cut(products, channel), height, width, reach, { words: "products" }),
    ),
  );
  const rest = order.slice(MOST_CHANNELS);
  return [
    named.length ? normalisationWords(scene.facts, named) : "",
    found.is_padding
      ? el(
          "p",
          { class: "soft" },
          el("span", { class: "hatched key" }),
          " padding: cells beyond the border that the layer adds",
          named.length ? "; 0 after normalisation is the mean pixel, not black." : ".",
        )
      : "",
    ...rows,
    rest.length
      ? el(
          "p",
          { class: "soft" },
          `and ${count(rest.length)} further input channels, together ${short(rest.reduce((sum, channel) => sum + sums[channel], 0))}; those shown add or take most.`,
        )
      : "",
  ];
}

function showTerms(inputs, weights, products, order) {
  const rest = order.slice(MOST_TERMS),
    reach = Math.abs(products[order[0]]) || 1;
  const rows = order.slice(0, MOST_TERMS).map((index) => {
    const bar = el("span", { class: products[index] < 0 ? "term less" : "term more" });
    bar.style.width = `${(100 * Math.abs(products[index])) / reach}%`;
    return el(
      "tr",
      {},
      el("td", {}, `input ${index}`),
      el("td", { class: "n" }, short(inputs.values[index])),
      el("td", {}, "×"),
      el("td", { class: "n" }, short(weights.values[index])),
      el("td", {}, "="),
      el("td", { class: "n" }, short(products[index])),
      el("td", { class: "bar-cell", "aria-hidden": "true" }, bar),
    );
  });
  return el(
    "div",
    {},
    el("table", { class: "terms" }, el("tbody", {}, ...rows)),
    rest.length
      ? el(
          "p",
          { class: "soft" },
          `and ${count(rest.length)} further inputs, together ${short(rest.reduce((sum, index) => sum + products[index], 0))}; those shown add or take most.`,
        )
      : "",
  );
}

function showRule(scene, found) {
  const inputs = found.inputs ? unpack(found.inputs) : null,
    source = found.source;
  const isOne = inputs && inputs.values.length === 1;
  const where = source
    ? el(
        "button",
        {
          type: "button",
          class: "quiet",
          onclick: () => scene.chooseLayer(source, { spot: found.source_place }),
        },
        `made by ${source}: see how`,
      )
    : el("span", { class: "soft" }, "from the image, or from the network's own code (an addition, say)");
  return [
    el(
      "p",
      { class: "rule" },
      el("code", {}, found.rule || "This kind of layer is not known well enough to say how."),
    ),
    isOne ? line("x", inputs.values[0]) : "",
    inputs && !isOne
      ? grid(inputs.values, inputs.shape[0], inputs.shape[1], reachOf(inputs.low, inputs.high), {
          words: found.is_padding ? "x (hatched: padding)" : "x",
          isPadding: found.is_padding,
        })
      : "",
    ...Object.entries(found.constants).map(([name, value]) => line(name, value)),
    line("=", found.value),
    inputs ? el("p", {}, where) : "",
  ];
}
