// Tables of reports and of the page as text: for a spreadsheet, a Markdown file, a LaTeX paper. No dependencies.
"use strict";

/** Return text as the name of a file: words joined by hyphens. */
function nameFile(...words) {
  const plain = words.map((one) =>
    String(one ?? "")
      .normalize("NFKD")
      .replace(/[^\w.-]+/g, "-")
      .replace(/^[-.]+|[-.]+$/g, ""),
  );
  const known = plain.filter((one, index) => one && plain.indexOf(one) === index);
  return known.join("_").slice(0, 160) || "loupe";
}

const flatten = (text) => text.replace(/\s+/g, " ").trim();

/** Return the text of a cell; of a name that is cut there, the whole of it. */
const readCell = (cell) => flatten(cell.dataset?.whole ?? cell.textContent);

/** Return {rows, numHeads, isNumber} of a table: texts by row, how many rows are its head, which columns are numbers. */
function readTable(table) {
  const lines = [...table.querySelectorAll("tr")].filter((row) => row.children.length);
  const width = Math.max(0, ...lines.map((row) => row.children.length));
  const rows = lines.map((row) => {
    const texts = [...row.children].map(readCell);
    return [...texts, ...Array(width - texts.length).fill("")];
  });
  const numHeads = lines.filter((row) => row.closest("thead")).length;
  const body = lines.slice(numHeads);
  const isNumber = Array.from({ length: width }, (_, column) =>
    body.some((row) => row.children[column]?.classList.contains("n")),
  );
  return { rows, numHeads, isNumber };
}

/** Return the bars of a figure as a table: name, value, and what is said beside it. */
function readBars(bars) {
  const rows = [...bars.children]
    .filter((one) => one.classList.contains("track"))
    .map((track) => [track.previousElementSibling, track.nextElementSibling].map(readCell));
  return { rows: [["", "value"], ...rows], numHeads: 1, isNumber: [false, true] };
}

/** Return rows as text with tabs, which spreadsheets and word processors take as a table. */
function writeTabs({ rows }) {
  return rows.map((row) => row.join("\t")).join("\n");
}

/** Return rows as CSV; a cell that a spreadsheet would carry out as a formula stays text. */
function writeCsv({ rows }) {
  const write = (text) => {
    const safe = /^(?:[=@]|[+-](?![\d.∞]))/.test(text) ? `'${text}` : text;
    return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return rows.map((row) => `${row.map(write).join(",")}\r\n`).join("");
}

/** Return rows as a Markdown table; the first one is its head. */
function writeMarkdown({ rows, numHeads, isNumber }) {
  const write = (row) => `| ${row.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`;
  const [head, ...body] = numHeads ? rows : [isNumber.map(() => ""), ...rows];
  return (
    [write(head), write(isNumber.map((one) => (one ? "---:" : "---"))), ...body.map(write)].join("\n") + "\n"
  );
}

const LATEX = {
  "\\": "\\textbackslash{}",
  "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}",
  "–": "--",
  "−": "$-$",
  "×": "$\\times$",
  "·": "$\\cdot$",
  "→": "$\\to$",
  "±": "$\\pm$",
  "≥": "$\\ge$",
  "≤": "$\\le$",
  "✓": "$\\checkmark$",
};

/** Return rows as a LaTeX table for the package booktabs. */
function writeLatex({ rows, numHeads, isNumber }, caption) {
  const escape = (text) => text.replace(/[\\~^–−×·→±≥≤✓&%$#_{}]/g, (one) => LATEX[one] ?? `\\${one}`);
  const write = (row) => `  ${row.map(escape).join(" & ")} \\\\`;
  return [
    "\\begin{table}",
    "\\centering",
    `\\caption{${escape(caption)}}`,
    `\\begin{tabular}{${isNumber.map((one) => (one ? "r" : "l")).join("")}}`,
    "  \\toprule",
    ...rows.slice(0, numHeads).map(write),
    ...(numHeads ? ["  \\midrule"] : []),
    ...rows.slice(numHeads).map(write),
    "  \\bottomrule",
    "\\end{tabular}",
    "\\end{table}",
    "",
  ].join("\n");
}

globalThis.keptTables = {
  nameFile,
  flatten,
  readTable,
  readBars,
  writeTabs,
  writeCsv,
  writeMarkdown,
  writeLatex,
};
