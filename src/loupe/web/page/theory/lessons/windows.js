// What slides over maps: convolution, its stride and padding, pooling.
import { el, short } from "../../dom.js";
import { grid } from "../../inside/grids.js";
import { unpack } from "../../pixels.js";
import { convolve, dot, outputSize, pool, windowAt, writeSize } from "../arithmetic.js";
import { makePicture, reachOfMap } from "../picture.js";
import { choice, makePlayer, slider } from "../player.js";

const MOST_SHOWN = 3; // input channels

/** Return the channels of (channels, height, width) numbers as maps. */
export function toMaps(numbers) {
  const { shape, values } = unpack(numbers),
    [height, width] = shape.slice(-2),
    size = height * width;
  return Array.from({ length: values.length / size }, (_, channel) => ({
    values: values.subarray(channel * size, (channel + 1) * size),
    height,
    width,
  }));
}

/** Return what convolution lessons need of a channel of a layer: maps, kernels, square geometry. */
async function readConvolution({ working, pick }) {
  const [layer, channel] = pick((one) => one.multiplies && one.shape.length === 3);
  if (!layer) return null;
  const found = await working(layer.name, channel);
  const { geometry } = found;
  const isSquare = ["kernel", "stride", "padding", "dilation"].every(
    (name) => geometry[name][0] === geometry[name][1],
  );
  if (!isSquare || !found.weights) return null;
  const side = (name) => geometry[name][0];
  return {
    found,
    maps: toMaps(found.inputs),
    kernels: toMaps(found.weights).map((one) => one.values),
    geometry: {
      kernel: side("kernel"),
      stride: side("stride"),
      padding: side("padding"),
      dilation: side("dilation"),
    },
  };
}

const NONE = "This network has no convolution with a square kernel on maps.";

export const convolution = {
  name: "convolution",
  title: "Convolution",
  sentences: [
    "A small table of weights, the kernel, slides over the map; at each stop the numbers under it are multiplied with it and added up.",
    "Every stop gives one number of the output map: large where the image looks like the kernel.",
    "The same weights are used everywhere, so a pattern is found wherever it lies, with few parameters.",
  ],
  async show(place, context) {
    const read = await readConvolution(context);
    if (!read) return place.append(el("p", { class: "note" }, NONE));
    const { found, maps, kernels, geometry } = read,
      output = convolve(maps, kernels, found.bias, geometry);
    return slide(place, {
      maps,
      kernels,
      bias: found.bias,
      geometry,
      output,
      names: found.input_names,
      title: `what ${found.layer} gives, map ${found.channel}`,
    });
  },
};

/** Show a kernel sliding over maps while the output map fills. */
export function slide(place, { maps, kernels, bias, geometry, output, names = [], title }) {
  const shown = maps.slice(0, MOST_SHOWN),
    inputs = shown.map((_, index) => makePicture(names[index] ?? `input channel ${index}`)),
    result = makePicture(title),
    detail = el("div", { class: "detail" }),
    words = el("p", { class: "arithmetic", "aria-live": "polite" });
  const reach = reachOfMap(output);
  shown.forEach((map, index) => inputs[index].draw(map, { padding: geometry.padding }));
  const player = makePlayer({
    label: "Where the kernel stands",
    count: () => output.values.length,
    show(step) {
      const row = Math.floor(step / output.width),
        column = step % output.width,
        span = geometry.dilation * (geometry.kernel - 1) + 1;
      const [top, left] = [row, column].map((one) => one * geometry.stride - geometry.padding);
      inputs.forEach((one) => one.frame(top, left, span, span));
      result.draw(output, { reach, known: step });
      result.frame(row, column);
      const { values, isOutside } = windowAt(shown[0], row, column, geometry);
      const products = maps.map((map, index) =>
        dot(windowAt(map, row, column, geometry).values, kernels[index]),
      );
      showDetail(detail, { values, isOutside, kernel: kernels[0], size: geometry.kernel, name: names[0] });
      const sum =
        products.length > 4
          ? `${short(products.reduce((a, b) => a + b, 0))} (${products.length} channels)`
          : products.map(short).join(" + ");
      words.textContent = `row ${row}, column ${column}: products ${sum}, bias ${short(bias)}, together ${short(output.values[step])}`;
    },
  });
  place.append(
    el("div", { class: "stage-row" }, ...inputs.map((one) => one.figure), result.figure),
    maps.length > MOST_SHOWN
      ? el(
          "p",
          { class: "soft" },
          `The first ${MOST_SHOWN} of ${maps.length} input channels are drawn; the sum is over all.`,
        )
      : "",
    player.controls,
    words,
    detail,
  );
  player.go(0);
  return player.stop;
}

function showDetail(place, { values, isOutside, kernel, size, name }) {
  const reach = (some) => some.reduce((most, one) => Math.max(most, Math.abs(one)), 0) || 1;
  const products = Float64Array.from(values, (one, index) => one * kernel[index]);
  const rows = Array.from({ length: size }, (_, row) => isOutside.slice(row * size, (row + 1) * size));
  place.replaceChildren(
    el(
      "div",
      { class: "equation" },
      grid(values, size, size, reach(values), {
        words: name ? `window, ${name}` : "window",
        isPadding: rows,
      }),
      el("span", { class: "sign" }, "×"),
      grid(kernel, size, size, reach(kernel), { words: "kernel" }),
      el("span", { class: "sign" }, "="),
      grid(products, size, size, reach(products), { words: "products" }),
    ),
  );
}

export const strides = {
  name: "stride",
  title: "Stride and padding",
  sentences: [
    "Stride is how far the kernel moves at a time: stride 2 halves rows and columns.",
    "Padding adds cells of zero around the map (hatched), so that the border is seen too and the size can stay.",
    "Dilation spreads the cells of the kernel apart: it sees further with as many weights.",
  ],
  async show(place, context) {
    const read = await readConvolution(context);
    if (!read) return place.append(el("p", { class: "note" }, NONE));
    const { found, maps, kernels } = read,
      geometry = { ...read.geometry },
      inner = el("div"),
      words = el("p", { class: "arithmetic", "aria-live": "polite" });
    let stop = null;
    const again = () => {
      stop?.();
      inner.replaceChildren();
      const size = outputSize(Math.min(maps[0].height, maps[0].width), geometry);
      words.textContent = `output size: ${writeSize(maps[0].height, geometry)}`;
      if (size < 1)
        return inner.append(el("p", { class: "note" }, "The kernel is larger than the padded map."));
      const output = convolve(maps, kernels, found.bias, geometry);
      stop = slide(inner, {
        maps,
        kernels,
        bias: found.bias,
        geometry,
        output,
        names: found.input_names,
        title: `what ${found.layer} gives, map ${found.channel}`,
      });
      return undefined;
    };
    const dial = (name, words_, min, max) =>
      slider(words_, { min, max, value: geometry[name] }, (value) => {
        geometry[name] = value;
        again();
      });
    place.append(
      el(
        "div",
        { class: "dials" },
        dial("stride", "stride", 1, 4),
        dial("padding", "padding", 0, 4),
        dial("dilation", "dilation", 1, 3),
      ),
      words,
      inner,
    );
    again();
    return () => stop?.();
  },
};

export const pooling = {
  name: "pooling",
  title: "Pooling and flatten",
  sentences: [
    "Pooling makes a map smaller: of each window it keeps the largest number (max) or the mean (average).",
    "Global pooling keeps one number of a whole map; where the pattern lay is forgotten, that it was there stays.",
    "Flatten forgets nothing: it writes all numbers of all maps in one row, for a dense layer to weigh.",
  ],
  async show(place, { working, pick }) {
    const [layer, channel] = pick(
      (one) => /Pool/.test(one.kind) && one.shape.length === 3 && one.shape[1] > 1,
      (one) => one.shape.length === 3,
    );
    if (!layer) return place.append(el("p", { class: "note" }, "This network has no maps to pool."));
    const found = await working(layer.name, channel),
      isPool = /Pool/.test(layer.kind),
      [map] = toMaps(isPool ? found.inputs : found.output);
    return showPooling(place, map, `what ${layer.name} is given, map ${channel}`);
  },
};

/** Show a map pooled in three ways, and what is pooled flattened. */
export function showPooling(place, map, title) {
  const input = makePicture(title),
    pooled = makePicture("pooled"),
    flat = makePicture("the pooled map flattened: its numbers in one row"),
    words = el("p", { class: "arithmetic", "aria-live": "polite" });
  const most = Math.min(map.height, map.width),
    state = { how: "max", kernel: Math.min(2, most), stride: Math.min(2, most) };
  const reach = reachOfMap(map);
  let output = null;
  const player = makePlayer({
    label: "Where the window stands",
    count: () => output.values.length,
    show(step) {
      const row = Math.floor(step / output.width),
        column = step % output.width;
      input.frame(row * state.stride, column * state.stride, state.kernel, state.kernel);
      pooled.draw(output, { reach, known: step });
      pooled.frame(row, column);
      const { values } = windowAt(map, row, column, state);
      const listed = values.length <= 9 ? [...values].map(short).join(", ") : `${values.length} numbers`;
      words.textContent = `${state.how === "max" ? "largest" : "mean"} of ${listed}: ${short(output.values[step])}`;
    },
  });
  const again = () => {
    const isGlobal = state.ways === "global";
    state.kernel = isGlobal ? most : Math.min(2, most);
    state.stride = state.kernel;
    output = pool(map, state.how, { kernel: state.kernel, stride: state.stride });
    const count = output.values.length;
    flat.draw(
      { values: output.values, height: 1, width: count },
      {
        reach,
        words: `flatten: ${output.height} · ${output.width} = ${count} number${count === 1 ? "" : "s"}`,
      },
    );
    player.go(0);
  };
  input.draw(map, { reach });
  flat.figure.classList.add("flat");
  place.append(
    choice(
      "how",
      [
        ["max", "max, windows of 2 × 2"],
        ["average", "average, windows of 2 × 2"],
        ["global-average", "global average: the whole map"],
        ["global-max", "global max: the whole map"],
      ],
      "max",
      (value) => {
        state.ways = value.startsWith("global") ? "global" : "";
        state.how = value.endsWith("max") ? "max" : "average";
        again();
      },
    ),
    el("div", { class: "stage-row" }, input.figure, pooled.figure),
    player.controls,
    words,
    flat.figure,
  );
  again();
  return player.stop;
}
