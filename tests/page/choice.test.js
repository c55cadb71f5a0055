// Questions to the server, and the choice of a run made from its answer.
import assert from "node:assert/strict";
import test from "node:test";

import { Window } from "happy-dom";

import { load } from "./loading.js";

const window = new Window();
Object.assign(globalThis, { document: window.document, window });
const { ask, Problem, runPath, showProblem } = await load("server.js");
const { chooseRun } = await load("choice.js");

/** Let the server answer with JSON of a status; returns the addresses it was asked for. */
function answer(body, status = 200) {
  const asked = [];
  globalThis.fetch = async (address) => {
    asked.push(address);
    return new Response(typeof body === "string" ? body : JSON.stringify(body), { status });
  };
  return asked;
}

test("a question is written as an address: lists repeated, what is empty left out, names escaped", async () => {
  const asked = answer({});
  await ask(runPath("a/b ?", "/images"), { query: { run: ["x", "y"], page: 0, only: "", target: null } });
  assert.deepEqual(asked, ["/api/runs/a%2Fb%20%3F/images?run=x&run=y&page=0"]);
});

test("a mistake comes back in the server's words", async () => {
  answer({ error: "There is no run.", got: "x", allowed: "y", next: "look" }, 404);
  const error = await ask("runs/x").catch((one) => one);
  assert.ok(error instanceof Problem);
  assert.equal(showProblem(error).textContent, "There is no run.got: xallowed: ynext: look");
});

test("a server that breaks off or is gone is said", async () => {
  answer("<html>", 502);
  assert.match((await ask("runs").catch((one) => one)).message, /502/);
  globalThis.fetch = async () => {
    throw new TypeError("failed to fetch");
  };
  assert.match((await ask("runs").catch((one) => one)).message, /does not answer/);
});

const run = (id, more = {}) => ({
  id,
  seeds: [],
  has_weights: true,
  objective: "classification",
  model: "lenet",
  test: null,
  validation: { value: 0.9, text: "90.00 %" },
  ...more,
});

async function choose(runs) {
  answer({ runs });
  const place = window.document.createElement("main");
  const address = (one) => `#/inside/${one.id}`;
  await chooseRun(place, "Inside", "Into which network?", address, (one) => one.model);
  return place;
}

test("runs with weights are offered, and of a series its seeds", async () => {
  const series = run("s", {
    has_weights: false,
    seeds: [run("s/seed-0"), run("s/seed-1", { has_weights: false })],
  });
  const place = await choose([
    run("a", { test: { value: 0.8, text: "80.00 %" } }),
    run("b", { has_weights: false }),
    series,
  ]);
  assert.deepEqual(
    [...place.querySelectorAll("li")].map((one) => one.textContent),
    ["a lenet, 80.00 %", "s/seed-0 lenet, 90.00 %"],
  );
  assert.equal(place.querySelector("a").getAttribute("href"), "#/inside/a");
});

test("without one it says how to train one", async () => {
  assert.match((await choose([])).textContent, /loupe train digits/);
});
