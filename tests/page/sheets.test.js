// Style sheets of the page stand beside the reports' own: a class has one owner, or the one speaks for the other.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const read = (path) => readFileSync(new URL(`../../src/loupe/${path}`, import.meta.url), "utf8");

/** Return the classes that a sheet gives a look of their own, wherever they stand. */
function listOwn(sheet) {
  const rules = sheet.replace(/\/\*.*?\*\//gs, "").matchAll(/([^{}]+)\{/g);
  const selectors = [...rules].flatMap(([, text]) => text.split(",").map((one) => one.trim()));
  return new Set(selectors.map((one) => /^\.([a-z][\w-]*)$/i.exec(one)?.[1]).filter(Boolean));
}

const SHEETS = {
  reports: listOwn(
    ["style", "charts", "blocks"].map((name) => read(`reports/templates/${name}.css`)).join("\n"),
  ),
  page: listOwn(read("web/page/page.css")),
  inside: listOwn(read("web/page/inside.css")),
  theory: listOwn(read("web/page/theory.css")),
};
const SHARED = ["strip"]; // wider on the page than in a report, and meant so

test("sheets are read", () => {
  assert.ok(
    ["answer", "chart", "bars"].every((name) => SHEETS.reports.has(name)) &&
      SHEETS.page.has("masthead") &&
      SHEETS.inside.has("stage"),
  );
});

for (const [one, other] of [
  ["reports", "page"],
  ["reports", "inside"],
  ["page", "inside"],
  ...["reports", "page", "inside"].map((sheet) => [sheet, "theory"]),
])
  test(`no class means one thing in ${one} and another in ${other}`, () => {
    const both = [...SHEETS[one]].filter((name) => SHEETS[other].has(name) && !SHARED.includes(name));
    assert.deepEqual(both, []);
  });
