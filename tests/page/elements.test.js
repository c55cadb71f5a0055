// Elements, tables, buttons that arrow keys move among, charts kept up to date: in happy-dom, a browser without pictures.
import assert from "node:assert/strict";
import test from "node:test";

import { Window } from "happy-dom";

import { load } from "./loading.js";

const window = new Window();
const { document } = window;
Object.assign(globalThis, { document, window });
const { el, furtherFigures, link, rove } = await load("dom.js");
const { makeSortable, valueOf } = await load("tables.js");
const { placeCharts, settleChart, sparkline } = await load("charts.js");

const texts = (root, selector) => [...root.querySelectorAll(selector)].map((one) => one.textContent);

test("an element takes classes, listeners, properties and attributes; nothing comes of what is not there", () => {
  let clicks = 0;
  const button = el(
    "button",
    { class: "quiet", type: "button", "data-run": "a", hidden: false, title: null, onclick: () => clicks++ },
    "go",
    ["on", null, false, undefined],
    el("b", {}, "now"),
  );
  button.click();
  assert.equal(clicks, 1);
  assert.equal(button.outerHTML, '<button class="quiet" type="button" data-run="a">goon<b>now</b></button>');
});

test("text stays text", () => {
  assert.equal(link("#/x", "<img onerror=alert(1)>").innerHTML, "&lt;img onerror=alert(1)&gt;");
});

const TABLE = `<table class="sortable"><caption>Trials</caption>
  <thead><tr><th class="n">trial</th><th class="n">score</th><th>name</th><th class="n">time</th></tr></thead>
  <tbody>
    <tr><td>1</td><td>9.50 %</td><td>b2</td><td data-value="70">1 min 10 s</td></tr>
    <tr><td>2</td><td></td><td>b10</td><td data-value=""></td></tr>
    <tr><td>3</td><td>10.20 %</td><td>a</td><td data-value="9.5">9.5 s</td></tr>
  </tbody></table>`;

function makeTable(sorting) {
  document.body.innerHTML = TABLE;
  const table = document.querySelector("table");
  makeSortable(table, sorting);
  return table;
}

test("a table is sorted by a click: numbers from the largest, names from A, what is missing last", () => {
  const table = makeTable({ column: null, isDown: false });
  const order = () => texts(table, "tbody td:first-child").join();
  const click = (index) => table.querySelectorAll("th button")[index].click();
  assert.equal(order(), "1,2,3");
  click(1);
  assert.equal(order(), "3,1,2");
  assert.equal(table.querySelector("[aria-sort]").getAttribute("aria-sort"), "descending");
  click(1);
  assert.equal(order(), "1,3,2");
  click(2);
  assert.equal(order(), "3,1,2");
  click(2);
  assert.equal(order(), "2,1,3");
  click(3);
  assert.equal(order(), "1,3,2", "by the seconds, not by the words");
  assert.equal(table.querySelectorAll("[aria-sort]").length, 1);
});

test("a table drawn anew keeps how it was sorted; a column that is gone does not matter", () => {
  assert.deepEqual(texts(makeTable({ column: 0, isDown: true }), "tbody td:first-child"), ["3", "2", "1"]);
  assert.deepEqual(texts(makeTable({ column: 9, isDown: true }), "tbody td:first-child"), ["1", "2", "3"]);
});

test("a text is a number where it is nothing else", () => {
  const cells = ["1,200", "98.25 %", "1e-05", "-0.4", "", "relu", "2 h 05 min"].map((text) =>
    el("td", {}, text),
  );
  assert.deepEqual(cells.map(valueOf), [1200, 98.25, 1e-5, -0.4, null, "relu", "2 h 05 min"]);
  assert.equal(valueOf(undefined), null, "a row may be short");
});

test("arrow keys move among buttons, and Tab finds the one they left", () => {
  const group = el("div", {}, ...["a", "b", "c"].map((name) => el("button", { type: "button" }, name)));
  document.body.replaceChildren(group);
  rove(group);
  const press = (key) =>
    document.activeElement.dispatchEvent(new window.KeyboardEvent("keydown", { key, bubbles: true }));
  group.children[0].focus();
  press("ArrowRight");
  press("ArrowRight");
  press("ArrowRight");
  assert.equal(document.activeElement.textContent, "c");
  press("ArrowLeft");
  assert.deepEqual(
    [...group.children].map((one) => one.tabIndex),
    [-1, 0, -1],
  );
});

test("a sparkline spans its box, and one value draws nothing", () => {
  const points = (values) => sparkline(values, "w").querySelector("polyline")?.getAttribute("points");
  assert.equal(points([0.2, 0.4, 0.3]), "0,28.00 50,2.00 100,15.00");
  assert.equal(points([1, 1]), "0,28.00 100,28.00");
  assert.equal(points([1]), undefined);
});

test("sparklines with the ends of a metric have one scale, and say what they show", () => {
  const drawn = sparkline([0.1, 0.115], "validation accuracy", [0, 1]);
  assert.equal(drawn.querySelector("polyline").getAttribute("points"), "0,25.40 100,25.01");
  assert.equal(drawn.querySelector("title").textContent, "validation accuracy");
});

test("a chart that did not change stays, hidden curves stay hidden, one too many goes", () => {
  window.wireChart = (figure) => {
    for (const one of figure.querySelectorAll("button[data-series]"))
      one.addEventListener("click", () =>
        one.setAttribute("aria-pressed", String(one.getAttribute("aria-pressed") !== "true")),
      );
  };
  const draw = (title) =>
    `<figure class="chart"><figcaption>${title}</figcaption><button data-series="0" aria-pressed="true">loss</button>` +
    '<button class="reset" hidden>back</button></figure>';
  const place = el("div");
  placeCharts(place, [draw("one"), draw("two")]);
  const [first, second] = place.children;
  second.querySelector("[data-series]").click();
  placeCharts(place, [draw("one"), draw("two, later")]);
  assert.equal(place.children[0], first);
  assert.deepEqual(texts(place, "figcaption"), ["one", "two, later"]);
  assert.equal(place.children[1].querySelector("[data-series]").getAttribute("aria-pressed"), "false");
  place.children[1].querySelector(".reset").hidden = false; // somebody has zoomed into it
  placeCharts(place, [draw("one"), draw("two, later still")]);
  assert.deepEqual(texts(place, "figcaption"), ["one", "two, later"]);
  placeCharts(place, [draw("one")]);
  assert.equal(place.children.length, 1);
});

test("a chart of a part drawn anew comes back as it was, if it says the same", () => {
  window.wireChart = () => {};
  const draw = (title) => {
    const holder = el("div");
    holder.innerHTML = `<figure class="chart">${title}<button class="reset" hidden>back</button></figure>`;
    return holder;
  };
  const [first, second, third] = [draw("a"), draw("a"), draw("b")];
  const chart = first.firstElementChild;
  settleChart(undefined, chart);
  settleChart(chart, second.firstElementChild);
  assert.equal(second.firstElementChild, chart);
  settleChart(chart, third.firstElementChild);
  assert.match(third.textContent, /^b/);
});

test("further metrics are a line each, of the split that was asked for", () => {
  const one = { metric: { title: "Cohen's kappa" }, text: "0.823" };
  const run = { metrics: { validation: { cohen_kappa: one } } };
  assert.deepEqual(
    furtherFigures(run, "validation").map((line) => line.textContent),
    ["Cohen's kappa 0.823"],
  );
  assert.deepEqual(furtherFigures(run, "test"), []);
});
