// Numbers for people.
import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./loading.js";

const { count, duration, figure, interval, percent, short } = await load("dom.js");

test("shares are percentages; what is not known is nothing", () => {
  assert.equal(percent(0.98765), "98.77 %");
  assert.equal(percent(0.5, 0), "50 %");
  assert.equal(percent(0), "0.00 %");
  assert.equal(percent(null) + percent(undefined), "");
});

test("counts have thousands set apart", () => {
  assert.equal(count(17813.4), "17,813");
  assert.equal(count(0), "0");
  assert.equal(count(null), "");
});

test("a number has three digits, or an exponent where it is far from one", () => {
  const found = [0, 1.23456, -0.012345, 99999, 123456, 0.00001234, Infinity].map(short);
  assert.deepEqual(found, ["0", "1.23", "-0.0123", "100000", "1.2e+5", "1.2e-5", "Infinity"]);
});

test("times are told as people tell them", () => {
  const found = [0, 9.94, 10, 59.4, 61, 3599, 3600, 7505].map(duration);
  assert.deepEqual(found, [
    "0.0 s",
    "9.9 s",
    "10 s",
    "59 s",
    "1 min",
    "1 h 00 min",
    "1 h 00 min",
    "2 h 05 min",
  ]);
  assert.equal(duration(null), "");
});

test("a figure and its interval are shown as the metric writes them", () => {
  const score = { value: 0.03361, text: "3.36 %", interval: "3.00 to 3.66 %" };
  assert.equal(figure(score), "3.36 %");
  assert.equal(figure(null), "");
  assert.equal(interval(score), "3.00 to 3.66\u00a0%");
  assert.equal(interval({ ...score, interval: "0.0300 to 0.0366" }), "0.0300 to 0.0366");
  assert.equal(interval({ ...score, interval: "" }), "");
  assert.equal(interval(null), "");
});
