// The address of what is shown inside a network.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./loading.js";

const { readPlace, writePlace } = await load("inside/address.js");
const NOTHING = { image: null, layer: null, view: null, spot: null, reasons: null, lesson: null };
const read = (address) => readPlace(new URLSearchParams(address.split("?")[1]));

test("what is written is read again", () => {
  const place = {
    image: "validation-3",
    layer: "conv1",
    view: "filters",
    spot: [2, 0, 7],
    reasons: { method: "grad-cam", target: 0 },
    lesson: "softmax",
  };
  assert.deepEqual(read(writePlace("a run", place)), place);
  assert.deepEqual(read(writePlace("a run", NOTHING)), NOTHING);
  const reasons = { method: "grad-cam", target: null };
  assert.deepEqual(read(writePlace("a run", { ...NOTHING, reasons })), { ...NOTHING, reasons });
  assert.match(writePlace("@study:one/two", NOTHING), /^#\/inside\/%40study%3Aone%2Ftwo\?$/);
});

test("what is no number, view or class is left out", () => {
  assert.deepEqual(read("?at=1.2&view=maps&for=3"), NOTHING);
  assert.deepEqual(read("?at=a.2.3&why=occlusion&for=three").reasons, { method: "occlusion", target: null });
});
