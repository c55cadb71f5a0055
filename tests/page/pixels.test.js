// Arrays painted: the scale of colours, the ink on it, pictures of maps and filters.
import assert from "node:assert/strict";
import test from "node:test";

import { inTheme, load, makeCanvas } from "./loading.js";

const { colour, inkOn, overlay, paint, paintFilter, reachOf, unpack } = await load("pixels.js");

const luminance = (rgb) => {
  const [red, green, blue] = rgb.map((one) => {
    const share = one / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const contrast = (a, b) => {
  const [dark, light] = [luminance(a), luminance(b)].sort((one, other) => one - other);
  return (light + 0.05) / (dark + 0.05);
};
const parse = (hex) => [...hex.slice(1)].map((digit) => 17 * parseInt(digit, 16));

test("an array arrives as it was packed", () => {
  const values = new Float32Array([0, -1.5, 2.25, 1e-8]);
  const data = Buffer.from(values.buffer).toString("base64");
  const found = unpack({ data, shape: [2, 2], low: -1.5, high: 2.25 });
  assert.deepEqual([...found.values], [...values]);
  assert.deepEqual([found.shape, found.low, found.high], [[2, 2], -1.5, 2.25]);
});

for (const theme of ["light", "dark"]) {
  test(`zero is the ground, amber above and blue below, in the ${theme} theme`, () =>
    inTheme(theme, () => {
      const zero = colour(0, 1);
      assert.ok(
        zero.every((one) => Math.abs(one - zero[0]) < 12),
        "without a tint",
      );
      assert.ok(colour(1, 1)[0] > colour(1, 1)[2]);
      assert.ok(colour(-1, 1)[2] > colour(-1, 1)[0]);
      assert.deepEqual(colour(5, 1), colour(1, 1), "beyond the reach is full colour");
      assert.deepEqual(colour(0, 0), zero, "a map that is zero everywhere has a reach of zero");
    }));

  test(`a number can be read on its colour, in the ${theme} theme`, () =>
    inTheme(theme, () => {
      for (let step = -100; step <= 100; step++) {
        const value = step / 100;
        const found = contrast(parse(inkOn(value, 1)), colour(value, 1));
        assert.ok(found >= 4.5, `${value}: ${found.toFixed(2)}`);
      }
    }));
}

test("a map is painted row by row, one pixel a value", () =>
  inTheme("light", () => {
    const canvas = makeCanvas();
    paint(canvas, new Float32Array([0, 1, -1, 0, 0, 0]), 2, 3, 1);
    assert.deepEqual([canvas.width, canvas.height], [3, 2]);
    assert.deepEqual([...canvas.pixels.subarray(4, 8)], [...colour(1, 1), 255]);
    assert.deepEqual([...canvas.pixels.subarray(8, 12)], [...colour(-1, 1), 255]);
  }));

test("a filter over three channels is a colour about grey; over one, on the common scale", () =>
  inTheme("light", () => {
    const canvas = makeCanvas();
    paintFilter(canvas, new Float32Array([1, -1, 0]), [3, 1, 1], 1);
    assert.deepEqual([...canvas.pixels], [255, 0, 128, 255]);
    paintFilter(canvas, new Float32Array([1]), [1, 1, 1], 1);
    assert.deepEqual([...canvas.pixels], [...colour(1, 1), 255]);
  }));

test("a map laid over a picture hides nothing where it is zero", () => {
  const canvas = makeCanvas();
  overlay(canvas, { shape: [1, 3], values: new Float32Array([0, 2, -1]), low: -1, high: 2 });
  const alphas = [3, 7, 11].map((index) => canvas.pixels[index]);
  assert.equal(alphas[0], 0);
  assert.ok(alphas[1] > alphas[2] && alphas[2] > 0);
});

test("the reach of a scale is its larger end", () => {
  assert.equal(reachOf(-3, 2), 3);
  assert.equal(reachOf(0, 0), 1);
});
