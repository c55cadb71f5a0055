// Computes what it is asked on standard input, a list of [function, arguments], with the page's own arithmetic.
import { readFileSync } from "node:fs";

import { load } from "./loading.js";

const arithmetic = await load("theory/arithmetic.js");
const asked = JSON.parse(readFileSync(0, "utf8"));
const plainly = (name, value) => (ArrayBuffer.isView(value) ? Array.from(value) : value);
console.log(
  JSON.stringify(
    asked.map(([name, args]) => arithmetic[name](...args)),
    plainly,
  ),
);
