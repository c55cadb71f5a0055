// Tables as text for other programs: what is read of them, how each format writes what it would take for an order.
import assert from "node:assert/strict";
import test from "node:test";

import { Window } from "happy-dom";

import { loadReportScript, plain } from "./loading.js";

const { keptTables } = loadReportScript("kept_tables.js");
const { document } = new Window();

function read(html) {
  document.body.innerHTML = html;
  return plain(keptTables.readTable(document.querySelector("table")));
}

const TABLE = `<table><thead><tr><th>arm</th><th class="n">test</th></tr></thead>
  <tbody><tr><td>wide &amp; deep
     <small>best</small></td><td class="n">98.06 %</td></tr><tr><td>a_b</td><td class="n">−1 | "2"</td></tr></tbody></table>`;

test("a table is read as rows of texts; columns of numbers are known", () => {
  assert.deepEqual(read(TABLE), {
    rows: [
      ["arm", "test"],
      ["wide & deep best", "98.06 %"],
      ["a_b", '−1 | "2"'],
    ],
    numHeads: 1,
    isNumber: [false, true],
  });
});

test("rows of different lengths are filled up", () => {
  assert.deepEqual(read("<table><tr><td>a</td></tr><tr><td>b</td><td>c</td></tr></table>").rows, [
    ["a", ""],
    ["b", "c"],
  ]);
});

test("a name that is cut in its cell is read as a whole", () => {
  const cut =
    '<table><tr><th data-whole="a very long name" title="a very long name">a v…me</th></tr></table>';
  assert.deepEqual(read(cut).rows, [["a very long name"]]);
});

test("bars are a table of names and values", () => {
  document.body.innerHTML = `<div class="bars"><span>cat</span><span class="track"></span><span>90.0 % <i>9/10</i></span></div>`;
  assert.deepEqual(plain(keptTables.readBars(document.querySelector(".bars")).rows), [
    ["", "value"],
    ["cat", "90.0 % 9/10"],
  ]);
});

test("tabs, CSV, Markdown and LaTeX say the same", () => {
  const table = read(TABLE);
  assert.equal(keptTables.writeTabs(table), 'arm\ttest\nwide & deep best\t98.06 %\na_b\t−1 | "2"');
  assert.equal(keptTables.writeCsv(table), 'arm,test\r\nwide & deep best,98.06 %\r\na_b,"−1 | ""2"""\r\n');
  assert.equal(
    keptTables.writeMarkdown(table),
    '| arm | test |\n| --- | ---: |\n| wide & deep best | 98.06 % |\n| a_b | −1 \\| "2" |\n',
  );
  const latex = keptTables.writeLatex(table, "50 % of it");
  assert.match(latex, /\\caption\{50 \\% of it\}/);
  assert.match(latex, /\\begin\{tabular\}\{lr\}/);
  assert.match(latex, /wide \\& deep best & 98\.06 \\% \\\\/);
  assert.match(latex, /a\\_b & \$-\$1 \| "2" \\\\/);
});

test("LaTeX's own signs are written once", () => {
  const table = { rows: [["\\alpha^2 {x} ~ #1 $3 12 × 3 → 4"]], numHeads: 0, isNumber: [false] };
  assert.match(
    keptTables.writeLatex(table, ""),
    /\\textbackslash\{\}alpha\\textasciicircum\{\}2 \\\{x\\\} \\textasciitilde\{\} \\#1 \\\$3 12 \$\\times\$ 3 \$\\to\$ 4/,
  );
});

test("a spreadsheet is given no formula, and numbers stay numbers", () => {
  const rows = [["=1+1", "@x", "-cmd", "+2.1", "-0.5 to 1", "a,b"]];
  assert.equal(keptTables.writeCsv({ rows }), `'=1+1,'@x,'-cmd,+2.1,-0.5 to 1,"a,b"\r\n`);
});

test("the name of a file is made of words, whatever they hold", () => {
  assert.equal(
    keptTables.nameFile("good-2026", null, "../conv1", "Feature maps (test)"),
    "good-2026_conv1_Feature-maps-test",
  );
  assert.equal(keptTables.nameFile("", undefined), "loupe");
  assert.ok(keptTables.nameFile("x".repeat(500)).length <= 160);
});
