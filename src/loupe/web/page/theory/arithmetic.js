// What the operations compute, on plain arrays; a map is {values, height, width}, row by row.

/** Return the output size along one axis. */
export function outputSize(size, { kernel, stride = 1, padding = 0, dilation = 1 }) {
  return Math.floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
}

/** Return the formula of the output size, filled in. */
export function writeSize(size, { kernel, stride = 1, padding = 0, dilation = 1 }) {
  const reach = dilation > 1 ? `${dilation}·(${kernel} − 1)` : `${kernel}`;
  const inside = `(${size} + 2·${padding} − ${reach}${dilation > 1 ? " − 1" : ""})/${stride}`;
  const isWhole = (size + 2 * padding - dilation * (kernel - 1) - 1) % stride === 0;
  return `${isWhole ? inside : `⌊${inside}⌋`} + 1 = ${outputSize(size, { kernel, stride, padding, dilation })}`;
}

/** Return the cells of a map under a window: values, zeros beyond the border, and which are beyond it. */
export function windowAt(map, row, column, { kernel, stride = 1, padding = 0, dilation = 1 }) {
  const values = new Float64Array(kernel * kernel),
    isOutside = new Array(kernel * kernel).fill(false);
  for (let down = 0; down < kernel; down++)
    for (let across = 0; across < kernel; across++) {
      const y = row * stride - padding + down * dilation,
        x = column * stride - padding + across * dilation,
        place = down * kernel + across;
      if (y < 0 || x < 0 || y >= map.height || x >= map.width) isOutside[place] = true;
      else values[place] = map.values[y * map.width + x];
    }
  return { values, isOutside };
}

/** Return the convolution of maps (one an input channel) with a kernel each, as a map. */
export function convolve(maps, kernels, bias, geometry) {
  const height = outputSize(maps[0].height, geometry),
    width = outputSize(maps[0].width, geometry);
  return fill(Math.max(0, height), Math.max(0, width), (row, column) =>
    maps.reduce(
      (sum, map, channel) => sum + dot(windowAt(map, row, column, geometry).values, kernels[channel]),
      bias,
    ),
  );
}

export const dot = (a, b) => a.reduce((sum, value, place) => sum + value * b[place], 0);

/** Return the pooled map; `how` is "max" or "average", whose padding counts. */
export function pool(map, how, geometry) {
  const height = outputSize(map.height, geometry),
    width = outputSize(map.width, geometry);
  return fill(height, width, (row, column) => {
    const { values, isOutside } = windowAt(map, row, column, geometry);
    if (how === "average") return values.reduce((a, b) => a + b, 0) / values.length;
    return values.reduce((most, one, place) => (isOutside[place] ? most : Math.max(most, one)), -Infinity);
  });
}

export const relu = (map) => ({ ...map, values: map.values.map((one) => Math.max(0, one)) });

/** Return mean and biased variance. */
export function moments(values) {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return { mean, variance: values.reduce((sum, one) => sum + (one - mean) ** 2, 0) / values.length };
}

export function batchNorm(map, { mean, variance, scale = 1, shift = 0, eps = 1e-5 }) {
  const factor = scale / Math.sqrt(variance + eps);
  return { ...map, values: map.values.map((one) => (one - mean) * factor + shift) };
}

export const normalise = (pixel, mean, std) => (pixel / 255 - mean) / std;

/** Return what inverted dropout makes of values: zero where `draw` (in [0, 1)) is below p, the rest grown. */
export const dropout = (values, p, draw) => values.map((one, place) => (draw(place) < p ? 0 : one / (1 - p)));

export function softmax(logits, temperature = 1) {
  const most = Math.max(...logits),
    powers = logits.map((one) => Math.exp((one - most) / temperature)),
    total = powers.reduce((a, b) => a + b, 0);
  return powers.map((one) => one / total);
}

/** Return −log of the probability of the target, in nats. */
export function crossEntropy(logits, target) {
  const most = Math.max(...logits),
    total = logits.reduce((sum, one) => sum + Math.exp(one - most), 0);
  return Math.log(total) + most - logits[target];
}

/**
 * Return the logits after one step of gradient descent on the last layer, for this image alone.
 * The gradient of the loss is (p − y) by the logits, (p − y)·features by the weights and (p − y) by the bias.
 */
export function descend(logits, features, target, rate) {
  const errors = softmax(logits).map((one, index) => one - (index === target ? 1 : 0));
  const length = features.reduce((sum, one) => sum + one * one, 0) + 1; // 1: the bias
  return { logits: logits.map((one, index) => one - rate * errors[index] * length), errors };
}

/** Return a share of one array and the rest of another. */
export const mix = (one, other, share) =>
  Array.from(one, (value, place) => share * value + (1 - share) * other[place]);

/** Return dense logits of features: weights (outputs · inputs) row by row. */
export const dense = (features, weights, bias) =>
  bias.map((one, output) =>
    features.reduce((sum, value, input) => sum + value * weights[output * features.length + input], one),
  );

/** Return the logits of the playground's network and what it makes on the way. */
export function runNetwork(image, { kernels, kernelBias, weights, bias }) {
  const maps = kernels.map((kernel, index) =>
    convolve([image], [kernel], kernelBias[index], { kernel: Math.sqrt(kernel.length) }),
  );
  const rectified = maps.map(relu);
  const pooled = rectified.map((map) => pool(map, "max", { kernel: 2, stride: 2 }));
  const features = pooled.flatMap((map) => [...map.values]);
  return { maps, rectified, pooled, features, logits: dense(features, weights, bias) };
}

function fill(height, width, compute) {
  const values = new Float64Array(height * width);
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) values[row * width + column] = compute(row, column);
  return { values, height, width };
}
