// Arrays from the server, painted: one colour scale for everything that can be negative or positive.

/** Return {shape, values, low, high} of an array as the server packs it. */
export function unpack(numbers) {
  const bytes = Uint8Array.from(atob(numbers.data), (letter) => letter.charCodeAt(0));
  return {
    shape: numbers.shape,
    low: numbers.low,
    high: numbers.high,
    values: new Float32Array(bytes.buffer),
  };
}

let isForPaper = false;
const isDark = () => !isForPaper && matchMedia("(prefers-color-scheme: dark)").matches;

const drawings = new WeakMap();

/** Draw on an element; what is drawn in the colours of the theme is drawn anew for paper, which is light. */
export function drawThemed(element, draw) {
  if (element.dataset) element.dataset.themed = "";
  drawings.set(element, draw);
  draw();
}

function drawAnew(forPaper) {
  isForPaper = forPaper;
  for (const one of document.querySelectorAll("[data-themed]")) drawings.get(one)?.();
}
globalThis.addEventListener?.("beforeprint", () => drawAnew(true));
globalThis.addEventListener?.("afterprint", () => drawAnew(false));

const LIGHT = { zero: [246, 246, 244], more: [196, 78, 0], less: [0, 86, 156] };
const DARK = { zero: [30, 34, 40], more: [255, 176, 84], less: [96, 184, 245] };

/** Return the colour of a value as [r, g, b]: nothing at zero, amber above, blue below; `reach` is full colour. */
export function colour(value, reach) {
  const scale = isDark() ? DARK : LIGHT;
  const share = Math.min(1, Math.abs(value) / (reach || 1)) ** 0.8;
  const end = value < 0 ? scale.less : scale.more;
  return scale.zero.map((from, index) => Math.round(from + share * (end[index] - from)));
}

/** Return black or white, whichever can be read better on the colour of a value: a contrast of 4.5 at least. */
export function inkOn(value, reach) {
  const [red, green, blue] = colour(value, reach).map((one) => {
    const share = one / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue; // as WCAG 2.2 defines it
  return luminance > 0.179 ? "#000" : "#fff"; // where both contrasts are equal
}

/** Paint (height, width) values onto a canvas, one pixel each; CSS makes it larger. */
export function paint(canvas, values, height, width, reach) {
  drawThemed(canvas, () => fill(canvas, values, height, width, reach));
}

function fill(canvas, values, height, width, reach) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d"),
    pixels = context.createImageData(width, height);
  for (let place = 0; place < height * width; place++) {
    const [red, green, blue] = colour(values[place], reach);
    pixels.data.set([red, green, blue, 255], 4 * place);
  }
  context.putImageData(pixels, 0, 0);
}

/** Paint (channels, height, width) weights: one channel on the common scale, three as a colour picture about grey. */
export function paintFilter(canvas, values, [channels, height, width], reach) {
  if (channels !== 3) return paint(canvas, values.subarray(0, height * width), height, width, reach);
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d"),
    pixels = context.createImageData(width, height),
    size = height * width;
  for (let place = 0; place < size; place++) {
    const rgb = [0, 1, 2].map((channel) => 127.5 * (1 + values[channel * size + place] / (reach || 1)));
    pixels.data.set([...rgb, 255], 4 * place);
  }
  context.putImageData(pixels, 0, 0);
}

/** Lay a map over a picture's canvas: amber speaks for the class, blue against. */
export function overlay(canvas, map) {
  const [height, width] = map.shape,
    reach = Math.max(Math.abs(map.low), Math.abs(map.high)) || 1;
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d"),
    pixels = context.createImageData(width, height);
  for (let place = 0; place < height * width; place++) {
    const value = map.values[place] / reach;
    pixels.data.set(
      [...(value < 0 ? [40, 140, 255] : [255, 150, 0]), Math.round(215 * Math.min(1, Math.abs(value)))],
      4 * place,
    );
  }
  context.putImageData(pixels, 0, 0);
}

export const reachOf = (low, high) => Math.max(Math.abs(low), Math.abs(high)) || 1;
