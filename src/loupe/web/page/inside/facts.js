// What a layer was built with, and its numbers written out: size, parameters, work, receptive field.
import { count, el } from "../dom.js";

/** Return what the unit of a layer stands for, as ", cat"; "" where units have no names. */
export function nameUnit(scene, channel) {
  const names = scene.seen.layers.find((one) => one.name === scene.layer)?.unit_names ?? [];
  return names[channel] === undefined ? "" : `, ${names[channel]}`;
}

/** Return a list of a layer's facts, each with how it comes about. */
export function showFacts(layer) {
  const { facts } = layer;
  const shape = (sizes) => sizes.join(" × ");
  const rows = [
    ["kind", layer.kind, ""],
    ...facts.settings.map(([name, value]) => [name, value, ""]),
    [
      "in → out",
      facts.input_shape ? `${shape(facts.input_shape)} → ${shape(layer.shape)}` : shape(layer.shape),
      facts.size,
    ],
    layer.parameters ? ["parameters", count(layer.parameters), facts.parameters] : null,
    layer.multiply_adds ? ["multiply-adds", count(layer.multiply_adds), facts.multiply_adds] : null,
    facts.receptive_field
      ? ["a number sees", ...splitOnce(facts.receptive_field)]
      : ["a number sees", "the pixels in the frame, once you choose one", ""],
  ].filter(Boolean);
  return el(
    "dl",
    { class: "facts" },
    ...rows.flatMap(([name, value, how]) => [
      el("dt", {}, name),
      el("dd", {}, value, how ? el("span", { class: "how" }, how) : ""),
    ]),
  );
}

function splitOnce(text) {
  const place = text.indexOf(": ");
  return place < 0 ? [text, ""] : [text.slice(0, place), text.slice(place + 2)];
}
