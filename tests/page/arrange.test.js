// The table of runs: what is filtered, what is sorted.
import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./loading.js";

const { COLUMNS, arrange } = await load("arrange.js");

const make = (name, more = {}) => ({
  name,
  model: "lenet",
  data: "digits",
  recipe: "digits",
  status: "finished",
  tags: [],
  seconds: 1,
  started: 0,
  validation: null,
  test: null,
  ...more,
});
const RUNS = [
  make("run-2", { started: 3, validation: { value: 0.9 }, tags: ["lecture 3"] }),
  make("run-10", { started: 1, validation: { value: 0.7 }, model: "resnet" }),
  make("alpha", { started: 2, status: "failed" }),
];
const names = (how) => arrange(RUNS, { sort: "started", isDown: true, ...how }).map((run) => run.name);

test("numbers in names are numbers", () => {
  assert.deepEqual(names({ sort: "name", isDown: false }), ["alpha", "run-2", "run-10"]);
});

test("a run without a figure stands below those with one", () => {
  assert.deepEqual(names({ sort: "validation" }), ["run-2", "run-10", "alpha"]);
});

test("every word has to be found, in any of the columns or tags, whatever its case", () => {
  assert.deepEqual(names({ text: "LECTURE run" }), ["run-2"]);
  assert.deepEqual(names({ text: "resnet lecture" }), []);
  assert.deepEqual(names({ text: "  " }), ["run-2", "alpha", "run-10"]);
  assert.deepEqual(names({ state: "failed" }), ["alpha"]);
});

test("each column that has a value can be sorted by", () => {
  for (const { key } of COLUMNS.filter((one) => one.value)) assert.equal(names({ sort: key }).length, 3);
});
