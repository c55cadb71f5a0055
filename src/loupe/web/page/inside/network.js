// The network drawn as its layers, in the order an image goes through, each with its shape and an overview.
import { count, el, rove } from "../dom.js";
import { paint, reachOf, unpack } from "../pixels.js";
import { drawFlow } from "./flow.js";

export function showNetwork(scene) {
  const { seen, parts } = scene;
  const strip = el("div", { class: "layers", role: "group", "aria-label": "Layers" });
  let group = null;
  for (const layer of seen.layers) {
    if (layer.block && group?.dataset.block !== layer.block) {
      group = el(
        "div",
        { class: "block", "data-block": layer.block, role: "group", "aria-label": layer.block },
        el(
          "span",
          { class: "block-name" },
          layer.block,
          layer.block_kind === "Sequential" ? "" : ` (${layer.block_kind})`,
        ),
      );
      strip.append(group);
    }
    if (!layer.block) group = null;
    (group ?? strip).append(drawLayer(scene, layer));
  }
  if (seen.prediction.probabilities) strip.append(drawSoftmax(scene));
  parts.network.replaceChildren(
    el("h2", {}, "The network"),
    drawFlow(scene),
    el("h3", {}, "Layer by layer"),
    el(
      "p",
      { class: "soft" },
      `${seen.layers.length} layers, in the order the image goes through. Each shows the mean strength of its maps, or its units. Choose one.`,
    ),
    strip,
    drawGates(seen.gates),
  );
  rove(strip, "button[data-layer]");
}

function drawLayer(scene, layer) {
  const canvas = el("canvas", { "aria-hidden": "true" }),
    overview = unpack(layer.overview),
    reach = reachOf(overview.low, overview.high);
  if (overview.shape.length === 2)
    paint(canvas, overview.values, overview.shape[0], overview.shape[1], reach);
  else {
    const columns = Math.ceil(Math.sqrt(overview.values.length)),
      rows = Math.ceil(overview.values.length / columns);
    const values = new Float32Array(rows * columns);
    values.set(overview.values);
    paint(canvas, values, rows, columns, reach);
    canvas.classList.add("units");
  }
  const name = layer.block ? layer.name.slice(layer.block.length + 1) : layer.name;
  const shape = layer.shape.join(" × ");
  return el(
    "button",
    {
      type: "button",
      class: "layer-card",
      "data-layer": layer.name,
      "aria-pressed": String(scene.layer === layer.name),
      title: `${layer.name}: ${count(layer.parameters)} parameters, ${count(layer.multiply_adds)} multiply-adds`,
      onclick: () => scene.chooseLayer(layer.name),
    },
    el("span", { class: "overview" }, canvas),
    el("b", {}, name),
    el("span", {}, layer.kind),
    el("span", { class: "shape" }, shape),
  );
}

/** Return the last step, which is no layer of the network: logits to probabilities. */
function drawSoftmax(scene) {
  const shares = Object.values(scene.seen.prediction.probabilities),
    canvas = el("canvas", { "aria-hidden": "true", class: "units" });
  paint(canvas, Float32Array.from(shares), 1, shares.length, 1);
  return el(
    "button",
    {
      type: "button",
      class: "layer-card",
      "data-step": "softmax",
      onclick: () => scene.openLesson("softmax"),
    },
    el("span", { class: "overview" }, canvas),
    el("b", {}, "softmax"),
    el("span", {}, "the last step"),
    el("span", { class: "shape" }, `${count(shares.length)} shares`),
  );
}

function drawGates(gates) {
  if (!gates.length) return "";
  return el(
    "div",
    { class: "gates" },
    el("h3", {}, "Gates: which experts this image goes to"),
    ...gates.map((gate) =>
      el(
        "div",
        { class: "gate" },
        el("span", {}, gate.name),
        el(
          "span",
          {
            class: "gate-bars",
            role: "img",
            "aria-label": gate.weights
              .map((one, index) => `expert ${index + 1}: ${(100 * one).toFixed(0)} percent`)
              .join(", "),
          },
          ...gate.weights.map((weight, index) => {
            const bar = el(
              "span",
              { class: `k${index % 8}` },
              weight > 0.08 ? `${index + 1}: ${(100 * weight).toFixed(0)} %` : "",
            );
            bar.style.flexGrow = String(weight);
            return bar;
          }),
        ),
      ),
    ),
  );
}
