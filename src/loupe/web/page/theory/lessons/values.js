// What changes single numbers: ReLU, batch norm, dropout.
import { el, short } from "../../dom.js";
import { unpack } from "../../pixels.js";
import { batchNorm, dropout, moments, relu } from "../arithmetic.js";
import { makeChart, makePicture, reachOfMap } from "../picture.js";
import { choice, makePlayer, slider } from "../player.js";
import { toMaps } from "./windows.js";

export const rectifying = {
  name: "relu",
  title: "ReLU",
  sentences: [
    "ReLU keeps what is above zero and makes the rest 0.",
    "Without such a bend, layers upon layers would be one weighted sum: nothing would be gained by depth.",
    "A number of 0 says “not here”; a unit that is 0 for every image has died and learns no more.",
  ],
  async show(place, { working, pick }) {
    const [layer, channel] = pick((one) => /ReLU|GELU|SiLU/.test(one.kind) && one.shape.length === 3);
    if (!layer) return place.append(el("p", { class: "note" }, "This network has no activation of maps."));
    const found = await working(layer.name, channel),
      [before] = toMaps(found.inputs),
      isRelu = layer.kind === "ReLU",
      after = isRelu ? relu(before) : toMaps(found.output)[0];
    const reach = reachOfMap(before),
      [from, to] = [makePicture(`before ${layer.name}, map ${channel}`), makePicture("after")],
      graph = makeChart(),
      words = el("p", { class: "arithmetic", "aria-live": "polite" });
    from.draw(before, { reach });
    const points = Array.from({ length: 41 }, (_, index) => (reach * (index - 20)) / 20).map((one) => [
      one,
      Math.max(0, one),
    ]);
    const player = makePlayer({
      label: "Number by number",
      count: () => before.values.length,
      show(step) {
        const row = Math.floor(step / before.width),
          column = step % before.width,
          [x, y] = [before.values[step], after.values[step]];
        from.frame(row, column);
        to.draw(after, { reach, known: step });
        to.frame(row, column);
        if (isRelu) graph.draw(points, [x, y], { title: "ReLU", xWords: "x", yWords: "max(0, x)" });
        words.textContent = isRelu
          ? `max(0, ${short(x)}) = ${short(y)}`
          : `${layer.kind} of ${short(x)} is ${short(y)}`;
      },
    });
    const zeros = [...after.values].filter((one) => one === 0).length;
    place.append(
      el("div", { class: "stage-row" }, from.figure, to.figure, isRelu ? graph.figure : ""),
      player.controls,
      words,
      el("p", { class: "soft" }, `${zeros} of ${after.values.length} numbers of this map are 0 afterwards.`),
    );
    player.go(0);
    return player.stop;
  },
};

export const normalising = {
  name: "batch-norm",
  title: "Batch norm",
  sentences: [
    "Batch norm takes from each channel its mean and divides by its standard deviation; then a learned scale and shift follow.",
    "In training, mean and variance are those of the batch itself; in evaluation they are running averages kept from training.",
    "A layer left in the wrong mode gives other numbers: a single image has no batch to be measured in.",
  ],
  async show(place, { working, pick }) {
    const isNorm = (one) => /BatchNorm|ShiftNorm/.test(one.kind) && one.shape.length === 3;
    const [layer, channel] = pick(isNorm, (one) => one.shape.length === 3),
      norm = layer && isNorm(layer);
    if (!layer) return place.append(el("p", { class: "note" }, "This network has no maps."));
    const found = await working(layer.name, channel),
      [map] = toMaps(norm ? found.inputs : found.output),
      fixed = {
        scale: found.constants.scale ?? 1,
        shift: found.constants.shift ?? 0,
        eps: found.constants.eps ?? 1e-5,
      };
    const ways = [
      found.batch ? ["training", "training: of a batch of training images", found.batch] : null,
      norm ? ["evaluation", "evaluation: the running averages", found.constants] : null,
      ["alone", "wrong: training mode on this image alone", moments([...map.values])],
    ].filter(Boolean);
    const from = makePicture(norm ? `before ${layer.name}` : `what ${layer.name} gives`),
      to = makePicture("after"),
      words = el("p", { class: "arithmetic", "aria-live": "polite" });
    const draw = (name) => {
      const [, , { mean, variance }] = ways.find(([one]) => one === name);
      const made = batchNorm(map, { mean, variance, ...fixed }),
        after = moments([...made.values]);
      to.draw(made, { words: `after: mean ${short(after.mean)}, std ${short(Math.sqrt(after.variance))}` });
      words.textContent = `(x − ${short(mean)}) / √(${short(variance)} + ${fixed.eps}) · ${short(fixed.scale)} + ${short(fixed.shift)}`;
    };
    const before = moments([...map.values]);
    from.draw(map, { words: `before: mean ${short(before.mean)}, std ${short(Math.sqrt(before.variance))}` });
    place.append(
      norm
        ? ""
        : el("p", {}, `This network has no batch norm; this is what one would do behind ${layer.name}.`),
      choice(
        "mean and variance",
        ways.map(([name, text]) => [name, text]),
        ways[0][0],
        draw,
      ),
      el("div", { class: "stage-row" }, from.figure, to.figure),
      words,
    );
    draw(ways[0][0]);
    return undefined;
  },
};

/** Return the same numbers in [0, 1) for the same seed: a linear congruential generator. */
export function makeDraws(seed, length) {
  let state = (seed * 2654435761) >>> 0;
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  });
}

export const dropping = {
  name: "dropout",
  title: "Dropout",
  sentences: [
    "In training, dropout sets each number to 0 with probability p, anew at every step.",
    "The others grow by 1 / (1 − p), so that their mean stays; no unit can rely on one other alone.",
    "In evaluation nothing is dropped: all numbers pass as they are.",
  ],
  show(place, { theory, layers }) {
    const last = theory.last_layer;
    if (!last)
      return place.append(
        el("p", { class: "note" }, "This network's last layer is not dense, or too large to be drawn."),
      );
    const values = [...unpack(last.features).values],
      has = layers.some((one) => /Dropout/.test(one.kind)),
      width = Math.ceil(Math.sqrt(values.length)),
      height = Math.ceil(values.length / width);
    const lay = (some) => ({
      values: Float64Array.from({ length: height * width }, (_, index) => some[index] ?? 0),
      height,
      width,
    });
    let p = 0.5;
    const reach = 2 * reachOfMap(lay(values)),
      [from, to] = [makePicture(`what ${last.name} is given`), makePicture("in training")],
      words = el("p", { class: "arithmetic", "aria-live": "polite" });
    from.draw(lay(values), { reach, words: `in evaluation: all ${values.length} numbers` });
    const player = makePlayer({
      label: "Step of training",
      count: () => 12,
      show(step) {
        const draws = makeDraws(step + 1, values.length),
          made = dropout(values, p, (index) => draws[index]),
          dropped = draws.filter((one) => one < p).length;
        to.draw(lay(made), { reach, words: `in training, step ${step + 1}` });
        const mean = (some) => some.reduce((a, b) => a + b, 0) / some.length;
        words.textContent = `${dropped} of ${values.length} set to 0, the others × ${short(1 / (1 - p))}; mean ${short(mean(values))} → ${short(mean(made))}`;
      },
    });
    place.append(
      has ? "" : el("p", {}, "This network has no dropout; this is what it would do before its last layer."),
      slider("p", { min: 0, max: 0.9, step: 0.1, value: p }, (value) => {
        p = value;
        player.again();
      }),
      el("div", { class: "stage-row" }, from.figure, to.figure),
      player.controls,
      words,
    );
    player.go(0);
    return player.stop;
  },
};
