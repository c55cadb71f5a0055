// The arithmetic of the reports' charts: ticks, reach, what a pointer reads.
import assert from "node:assert/strict";
import test from "node:test";

import { loadReportScript, plain } from "./loading.js";

const { niceTicks, listValues, findReach, findNearest, readOut, drawTicks } = loadReportScript("charts.js");

const CHART = {
  plot: [60, 10, 500, 200],
  x: [1, 2, 3, 4],
  xLabel: "epoch",
  scale: 100,
  digits: 1,
  whole: true,
  series: [
    { name: "validation", values: [0.5, 0.6, null, 0.8], ends: [] },
    {
      name: "mean",
      values: [0.4, 0.5, 0.6, 0.7],
      ends: [
        [0.3, 0.4, 0.5, null],
        [0.5, 0.6, 0.7, null],
      ],
    },
  ],
};

test("ticks are round, lie between the ends and are about six", () => {
  assert.deepEqual(plain(niceTicks(0, 100, false)), [0, 20, 40, 60, 80, 100]);
  assert.deepEqual(plain(niceTicks(0.913, 0.987, false)), [0.92, 0.94, 0.96, 0.98]);
  assert.deepEqual(plain(niceTicks(-0.3, 0.3, false)), [-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3]);
  for (const [low, high] of [
    [0, 1],
    [-7, 12],
    [1e-6, 3e-6],
    [99.99, 100.01],
    [0, 12345],
  ]) {
    const ticks = plain(niceTicks(low, high, false));
    assert.ok(ticks.length >= 2 && ticks.length <= 7, `${ticks}`);
    assert.ok(ticks.every((tick) => tick >= low - 1e-9 && tick <= high + 1e-9));
  }
});

test("an axis of epochs has no half epoch", () => {
  assert.deepEqual(plain(niceTicks(1, 3, true)), [1, 2, 3]);
  assert.ok(plain(niceTicks(1, 4, true)).every(Number.isInteger));
});

test("only shown series count, only what is in view, gaps left out", () => {
  assert.deepEqual(plain(listValues(CHART, (index) => index === 0, [2, 4])), [0.6, 0.8]);
  assert.deepEqual(plain(listValues(CHART, () => false, [1, 4])), []);
  assert.deepEqual(plain(listValues(CHART, (index) => index === 1, [4, 4])), [0.7]);
});

test("an axis reaches a little further than the values, and to zero if it has a line there", () => {
  const [low, high] = findReach([1, 2], false);
  assert.ok(low < 1 && low > 0.9 && high > 2 && high < 2.1);
  assert.ok(findReach([1, 2], true)[0] < 0);
  for (const value of [0, 5, -5]) {
    const [under, over] = findReach([value, value], false);
    assert.ok(under < value && value < over, "a flat curve still has room");
  }
});

test("the nearest point is read", () => {
  assert.equal(findNearest(CHART.x, 2.4), 1);
  assert.equal(findNearest(CHART.x, -9), 0);
  assert.equal(findNearest(CHART.x, 99), 3);
});

test("a point says each shown series with its band, and nothing of what is not known", () => {
  const all = () => true;
  assert.equal(readOut(CHART, all, 0), "epoch 1   ·   validation: 50.0   ·   mean: 40.0 (30.0 to 50.0)");
  assert.equal(readOut(CHART, all, 2), "epoch 3   ·   mean: 60.0 (50.0 to 70.0)");
  assert.equal(readOut(CHART, all, 3), "epoch 4   ·   validation: 80.0   ·   mean: 70.0");
  assert.equal(
    readOut(CHART, () => false, 0),
    "epoch 1",
  );
});

test("ticks are drawn inside the plot, scaled as the axis is", () => {
  const [upright, level] = drawTicks(CHART, [1, 4], [0.4, 0.8]);
  assert.match(upright, />40<\/text>/);
  const heights = [...upright.matchAll(/y1="([\d.]+)"/g)].map((match) => Number(match[1]));
  assert.ok(heights.length >= 3 && heights.every((y) => y >= 10 && y <= 210));
  const places = [...level.matchAll(/x="([\d.]+)"/g)].map((match) => Number(match[1]));
  assert.ok(Math.min(...places) >= 60 && Math.max(...places) <= 560);
});
