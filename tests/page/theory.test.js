// Lessons: the arithmetic by hand (against torch: tests/web/test_theory_arithmetic.py), and controls without motion.
import assert from "node:assert/strict";
import test from "node:test";

import { Window } from "happy-dom";

import { load } from "./loading.js";

const window = new Window();
const { document } = window;
Object.assign(globalThis, { document, window });
const arithmetic = await load("theory/arithmetic.js");
const { makePlayer } = await load("theory/player.js");
const { makeDraws } = await load("theory/lessons/values.js");
const { findLesson } = await load("theory/kinds.js");
const { toPixel } = await load("inside/grids.js");

const map = (rows) => ({
  values: Float64Array.from(rows.flat()),
  height: rows.length,
  width: rows[0].length,
});

test("the output size is written out as in a book", () => {
  const { writeSize } = arithmetic;
  assert.equal(writeSize(28, { kernel: 3, padding: 1 }), "(28 + 2·1 − 3)/1 + 1 = 28");
  assert.equal(writeSize(8, { kernel: 3, stride: 2 }), "⌊(8 + 2·0 − 3)/2⌋ + 1 = 3");
  assert.equal(writeSize(9, { kernel: 3, dilation: 2 }), "(9 + 2·0 − 2·(3 − 1) − 1)/1 + 1 = 5");
});

test("a window says which of its cells are padding", () => {
  const found = arithmetic.windowAt(
    map([
      [1, 2],
      [3, 4],
    ]),
    0,
    0,
    { kernel: 2, padding: 1 },
  );
  assert.deepEqual([...found.values], [0, 0, 0, 1]);
  assert.deepEqual(found.isOutside, [true, true, true, false]);
});

test("padding is never the largest, and counts in a mean", () => {
  const one = map([
    [-1, -2],
    [-3, -4],
  ]);
  const geometry = { kernel: 2, stride: 2, padding: 1 };
  assert.deepEqual([...arithmetic.pool(one, "max", geometry).values], [-1, -2, -3, -4]);
  assert.deepEqual([...arithmetic.pool(one, "average", geometry).values], [-0.25, -0.5, -0.75, -1]);
});

test("dropout keeps the mean over many draws and drops as many as it says", () => {
  const ones = new Array(20000).fill(1),
    draws = makeDraws(3, ones.length),
    made = arithmetic.dropout(ones, 0.3, (index) => draws[index]);
  const dropped = made.filter((value) => value === 0).length / ones.length;
  assert.ok(Math.abs(dropped - 0.3) < 0.02, String(dropped));
  assert.ok(Math.abs(made.reduce((a, b) => a + b, 0) / ones.length - 1) < 0.03);
  assert.deepEqual(makeDraws(3, 5), makeDraws(3, 5), "the same seed draws the same");
  assert.notDeepEqual(makeDraws(3, 5), makeDraws(4, 5));
});

test("a normalised pixel is found again", () => {
  for (const pixel of [0, 17, 255])
    assert.ok(Math.abs(toPixel(arithmetic.normalise(pixel, 0.3, 0.4), 0.3, 0.4) - pixel) < 1e-9);
});

test("a small step of descent lowers the loss", () => {
  const logits = [1, 2, 0.5],
    after = arithmetic.descend(logits, [0.3, -1, 2], 0, 0.01).logits;
  assert.ok(arithmetic.crossEntropy(after, 0) < arithmetic.crossEntropy(logits, 0));
});

test("a layer's kind leads to its lesson; the logits lead to softmax", () => {
  const of = (kind, names = []) => findLesson({ kind, unit_names: names });
  assert.equal(of("Conv2d"), "convolution");
  assert.equal(of("FastMaxPool2d"), "pooling");
  assert.equal(of("Linear"), undefined);
  assert.equal(of("Linear", ["cat"]), "softmax");
});

for (const isStill of [true, false])
  test(`steps are taken by hand; ${isStill ? "without motion wanted nothing plays" : "it can be played"}`, () => {
    globalThis.matchMedia = () => ({ matches: isStill });
    const shown = [];
    const player = makePlayer({ label: "Steps", count: () => 3, show: (step) => shown.push(step) });
    player.go(0);
    const button = (name) => player.controls.querySelector(`[aria-label="${name}"]`);
    button("One step on").click();
    button("One step on").click();
    button("One step on").click();
    button("One step back").click();
    assert.deepEqual(shown, [0, 1, 2, 0, 2]);
    const texts = [...player.controls.querySelectorAll("button")].map((one) => one.textContent);
    assert.equal(texts.includes("Play"), !isStill);
    delete globalThis.matchMedia;
  });
