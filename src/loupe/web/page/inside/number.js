// One number taken apart: the window, the weights, their products, the sum, the bias, and what follows.
import { count, el, short } from "../dom.js";
import { colour, inkOn, reachOf, unpack } from "../pixels.js";
import { ask, runPath, showProblem } from "../server.js";
import { frameField } from "./answer.js";

const MOST_CHANNELS = 4,
  MOST_TERMS = 12,
  LARGEST_TABLE = 11;

export async function showNumber(scene) {
  const { parts, seen, spot, layer } = scene,
    [channel, row, column] = spot,
    place = parts.number;
  const mine = (scene.numberTurn = (scene.numberTurn ?? 0) + 1);
  try {
    const found = await ask(runPath(scene.id, "/number"), {
      query: { image: seen.image, layer, channel, row, column },
    });
    if (mine !== scene.numberTurn) return;
    const isUnit = seen.layers.find((one) => one.name === layer).shape.length === 1;
    place.replaceChildren(
      el("h2", {}, "How this number came about"),
      el(
        "p",
        { class: "soft" },
        `${layer}, ${isUnit ? `unit ${channel}` : `map ${channel}, row ${row}, column ${column}`}. The frame on the picture holds all pixels it can depend on.`,
      ),
      ...(found.form === "products" ? showProducts(found) : showRule(scene, found)),
    );
    frameField(scene, layer, row, column);
  } catch (error) {
    place.replaceChildren(showProblem(error));
  }
}

function showProducts(found) {
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
      : showWindows({ inputs, weights, products, sums, order, height, width, size });
  const sum = sums.reduce((a, b) => a + b, 0);
  return [
    ...parts,
    el(
      "div",
      { class: "sum" },
      line("sum of all products", sum),
      line("+ bias", found.bias),
      line("=", found.total, `the network itself has ${short(found.value)}`),
      ...found.steps.map(([layer, kind, value]) => line(`then ${layer} (${kind})`, value)),
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

function showWindows({ inputs, weights, products, sums, order, height, width, size }) {
  const reaches = [inputs, weights].map((one) => reachOf(one.low, one.high));
  const reach = products.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
  const cut = (values, channel) => values.subarray(channel * size, (channel + 1) * size);
  const shown = order.slice(0, MOST_CHANNELS);
  const rows = shown.map((channel) =>
    el(
      "div",
      { class: "equation" },
      el(
        "span",
        { class: "channel" },
        order.length > 1 ? `input channel ${channel}: the products add up to ` : "the products add up to ",
        el("b", {}, short(sums[channel])),
      ),
      grid(cut(inputs.values, channel), height, width, reaches[0], "window"),
      el("span", { class: "sign" }, "×"),
      grid(cut(weights.values, channel), height, width, reaches[1], "weights"),
      el("span", { class: "sign" }, "="),
      grid(cut(products, channel), height, width, reach, "products"),
    ),
  );
  const rest = order.slice(MOST_CHANNELS);
  return [
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

function grid(values, height, width, reach, words) {
  const isWritten = Math.max(height, width) <= LARGEST_TABLE;
  const table = el(
    "table",
    { class: isWritten ? "cells-of-numbers" : "cells-of-numbers dense" },
    el("caption", {}, words),
  );
  for (let row = 0; row < height; row++) {
    table.append(
      el(
        "tr",
        {},
        ...Array.from({ length: width }, (_, column) => {
          const value = values[row * width + column],
            cell = el("td", {}, isWritten ? String(+value.toFixed(2)) : "");
          cell.style.background = `rgb(${colour(value, reach)})`;
          cell.style.color = inkOn(value, reach);
          cell.title = String(value);
          return cell;
        }),
      ),
    );
  }
  return el("div", { class: "scroll" }, table);
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
        { type: "button", class: "quiet", onclick: () => scene.follow(source, found.source_place) },
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
      ? grid(inputs.values, inputs.shape[0], inputs.shape[1], reachOf(inputs.low, inputs.high), "x")
      : "",
    ...Object.entries(found.constants).map(([name, value]) => line(name, value)),
    line("=", found.value),
    inputs ? el("p", {}, where) : "",
  ];
}
