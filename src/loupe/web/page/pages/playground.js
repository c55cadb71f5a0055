// A place without any run: an image, a kernel, its settings, and a small network whose weights can be changed.
import { el, percent, rove, short } from "../dom.js";
import { unpack } from "../pixels.js";
import { ask } from "../server.js";
import { convolve, normalise, outputSize, runNetwork, softmax, writeSize } from "../theory/arithmetic.js";
import { showPooling, slide } from "../theory/lessons/windows.js";
import { shareBars } from "../theory/picture.js";
import { choice, slider } from "../theory/player.js";

const KERNELS = {
  edge: ["edges, upright", [-1, 0, 1, -2, 0, 2, -1, 0, 1]],
  edgeDown: ["edges, level", [-1, -2, -1, 0, 0, 0, 1, 2, 1]],
  blur: ["blur", Array(9).fill(1 / 9)],
  sharpen: ["sharpen", [0, -1, 0, -1, 5, -1, 0, -1, 0]],
  same: ["nothing: the image itself", [0, 0, 0, 0, 1, 0, 0, 0, 0]],
};

export async function show(place) {
  const heading = el("h1", {}, "Playground");
  const waiting = el(
    "p",
    { role: "status" },
    "A small network is being trained for this page: a few seconds.",
  );
  place.append(heading, waiting);
  const world = readWorld(await ask("playground").finally(() => waiting.remove()));
  const state = {
    image: 0,
    kernelName: "edge",
    kernel: [...KERNELS.edge[1]],
    geometry: { kernel: 3, stride: 1, padding: 1, dilation: 1 },
    network: copyNetwork(world.network),
  };
  const parts = Object.fromEntries(
    ["images", "kernel", "slide", "pool", "network"].map((name) => [
      name,
      el("section", { class: `play-${name}` }),
    ]),
  );
  let stops = [];
  const redraw = () => {
    for (const stop of stops) stop();
    stops = drawMaps(parts, world, state);
    drawNetwork(parts.network, world, state);
  };
  place.append(
    el(
      "p",
      {},
      "Without any run: a digit, a kernel, and what convolution and pooling make of it; then a small network whose weights you can change.",
    ),
    parts.images,
    parts.kernel,
    parts.slide,
    parts.pool,
    parts.network,
  );
  drawImages(parts.images, world, state, redraw);
  drawKernel(parts.kernel, world, state, redraw);
  redraw();
  return () => stops.forEach((stop) => stop());
}

/** Return the answer of the server as maps and plain arrays. */
function readWorld(answer) {
  const images = unpack(answer.images),
    [number, height, width] = images.shape,
    size = height * width;
  const kernels = unpack(answer.kernels),
    [count, ...side] = kernels.shape,
    area = side[0] * side[1];
  return {
    ...answer,
    inputs: Array.from({ length: number }, (_, index) => ({
      values: images.values
        .slice(index * size, (index + 1) * size)
        .map((one) => normalise(one, answer.mean, answer.std)),
      height,
      width,
    })),
    network: {
      kernels: Array.from({ length: count }, (_, index) => [
        ...kernels.values.slice(index * area, (index + 1) * area),
      ]),
      kernelBias: answer.kernel_bias,
      weights: [...unpack(answer.weights).values],
      bias: answer.bias,
    },
  };
}

const copyNetwork = (network) => ({ ...network, kernels: network.kernels.map((one) => [...one]) });

function drawImages(place, world, state, redraw) {
  const grid = el(
    "div",
    { class: "choices", role: "group", "aria-label": "Digits" },
    ...world.pictures.map((picture, index) =>
      el(
        "button",
        {
          type: "button",
          "aria-label": `a ${world.class_names[world.labels[index]]}, number ${index + 1}`,
          "aria-pressed": String(index === state.image),
          onclick: (event) => {
            state.image = index;
            for (const one of grid.children)
              one.setAttribute("aria-pressed", String(one === event.currentTarget));
            redraw();
          },
        },
        el("img", { class: "pixel", src: picture, alt: "" }),
      ),
    ),
  );
  rove(grid);
  place.append(el("h2", {}, "An image"), grid);
}

function drawKernel(place, world, state, redraw) {
  const table = el("div");
  const inputs = (values) =>
    el(
      "table",
      { class: "kernel-table" },
      el("caption", {}, "the kernel: change any weight"),
      el(
        "tbody",
        {},
        ...[0, 1, 2].map((row) =>
          el(
            "tr",
            {},
            ...[0, 1, 2].map((column) => {
              const index = 3 * row + column;
              const field = el("input", {
                type: "number",
                step: 0.1,
                value: String(+values[index].toFixed(3)),
                "aria-label": `weight, row ${row}, column ${column}`,
                oninput: () => {
                  const value = Number(field.value);
                  if (field.value === "" || !Number.isFinite(value)) return;
                  state.kernel[index] = value;
                  redraw();
                },
              });
              return el("td", {}, field);
            }),
          ),
        ),
      ),
    );
  const fill = () => table.replaceChildren(inputs(state.kernel));
  const options = [
    ...Object.entries(KERNELS).map(([name, [words]]) => [name, words]),
    ...world.network.kernels.map((_, index) => [`learned-${index}`, `learned on digits, filter ${index}`]),
  ];
  const dial = (name, min, max) =>
    slider(name, { min, max, value: state.geometry[name] }, (value) => {
      state.geometry[name] = value;
      redraw();
    });
  place.append(
    el("h2", {}, "A kernel"),
    el(
      "div",
      { class: "dials" },
      choice("kernel", options, state.kernelName, (name) => {
        const learned = /^learned-(\d+)$/.exec(name);
        state.kernel = learned ? [...world.network.kernels[Number(learned[1])]] : [...KERNELS[name][1]];
        fill();
        redraw();
      }),
      dial("stride", 1, 3),
      dial("padding", 0, 3),
      dial("dilation", 1, 3),
    ),
    table,
  );
  fill();
}

/** Draw the sliding kernel and the pooling behind it; returns how to stop them. */
function drawMaps(parts, world, state) {
  const map = world.inputs[state.image],
    { geometry, kernel } = state,
    size = outputSize(map.height, geometry);
  const formula = el(
    "p",
    { class: "arithmetic", "data-size": size },
    `output size: ${writeSize(map.height, geometry)}`,
  );
  parts.slide.replaceChildren(el("h2", {}, "The kernel slides"), formula);
  parts.pool.replaceChildren();
  if (size < 1) {
    parts.slide.append(
      el(
        "p",
        { class: "note" },
        "The kernel is larger than the padded image: add padding, or less dilation.",
      ),
    );
    return [];
  }
  const output = convolve([map], [kernel], 0, geometry);
  const stops = [
    slide(parts.slide, {
      maps: [map],
      kernels: [kernel],
      bias: 0,
      geometry,
      output,
      names: ["grey"],
      title: "what the kernel gives",
    }),
  ];
  parts.pool.append(el("h2", {}, "Its map is pooled"));
  if (size > 1) stops.push(showPooling(parts.pool, output, "the map"));
  else parts.pool.append(el("p", {}, "One number is left: there is nothing to pool."));
  return stops;
}

function drawNetwork(place, world, state) {
  const bars = el("div", { class: "answer-bars" }),
    words = el("p", { class: "arithmetic", "aria-live": "polite" });
  const image = world.inputs[state.image],
    names = world.class_names;
  const before = softmax(runNetwork(image, world.network).logits);
  state.filter ??= 0;
  state.weight ??= 4;
  const answer = () => {
    const found = runNetwork(image, state.network),
      shares = softmax(found.logits),
      order = shares
        .map((_, index) => index)
        .sort((a, b) => shares[b] - shares[a])
        .slice(0, 5);
    bars.replaceChildren(shareBars(order.map((index) => ({ name: names[index], share: shares[index] }))));
    const truth = world.labels[state.image];
    words.textContent = `it is ${names[truth]}: ${percent(shares[truth], 1)} now, ${percent(before[truth], 1)} with the learned weights`;
  };
  const knob = el("div");
  const showKnob = () => {
    const value = state.network.kernels[state.filter][state.weight];
    knob.replaceChildren(
      slider(
        "its value",
        { min: -3, max: 3, step: 0.05, value },
        (next) => {
          state.network.kernels[state.filter][state.weight] = next;
          answer();
        },
        short,
      ),
    );
  };
  const pick = (name, count, describe) =>
    choice(
      name,
      Array.from({ length: count }, (_, index) => [String(index), describe(index)]),
      String(state[name]),
      (value) => {
        state[name] = Number(value);
        showKnob();
      },
    );
  place.replaceChildren(
    el("h2", {}, "A small network"),
    el(
      "p",
      {},
      `Trained when this page was first opened, on the digits that ship with Loupe: ${world.network.kernels.length} kernels of 3 × 3, ReLU, max-pooling, a dense layer. It names ${percent(world.accuracy, 1)} of ${world.num_judged} digits it never trained on. Change one of its weights, and see its answer move.`,
    ),
    el(
      "div",
      { class: "dials" },
      pick("filter", state.network.kernels.length, (index) => `filter ${index}`),
      pick("weight", 9, (index) => `row ${Math.floor(index / 3)}, column ${index % 3}`),
      knob,
      el(
        "button",
        {
          type: "button",
          onclick: () => {
            state.network = copyNetwork(world.network);
            showKnob();
            answer();
          },
        },
        "back to the learned weights",
      ),
    ),
    bars,
    words,
  );
  showKnob();
  answer();
}
