// Buttons beside every figure and table: save the one, copy the other. They work in a report opened from the disk.
"use strict";

const TABLES = globalThis.keptTables;
const FIGURES = globalThis.keptFigures;

/** Return what figures and tables are of: the report's subject, or the run, image and layer in the page's address. */
function nameSubject() {
  const subject = document.body.dataset.subject;
  if (subject !== undefined) return [subject];
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const asked = new URLSearchParams(query);
  const [page, ...words] = path.split("/").map(decodeURIComponent);
  const [channel] = (asked.get("at") ?? "").split(".");
  return [
    ...(words.length ? words : [page]),
    asked.get("image"),
    asked.get("layer"),
    channel && `channel-${channel}`,
  ];
}

/** Return the title of a figure or table: its own caption, else the heading before it. */
function nameThing(thing) {
  const own = thing.querySelector?.("caption, figcaption")?.textContent ?? thing.getAttribute("alt") ?? "";
  if (TABLES.flatten(own) && TABLES.flatten(own).length < 60) return TABLES.flatten(own);
  const heads = [...document.querySelectorAll("h1, h2, h3, h4")];
  const before = heads.filter((one) => one.compareDocumentPosition(thing) & Node.DOCUMENT_POSITION_FOLLOWING);
  return TABLES.flatten(before.at(-1)?.textContent ?? "") || "figure";
}

function saveFile(content, name) {
  const isBlob = content instanceof Blob;
  const way = document.createElement("a");
  way.href = isBlob ? URL.createObjectURL(content) : content;
  way.download = name;
  way.click();
  if (isBlob) setTimeout(() => URL.revokeObjectURL(way.href), 10_000);
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = document.createElement("textarea"); // where a page may not write to the clipboard by itself
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
}

/** Return a row of small buttons, [[text, what it does in words, act]]; it says what has been done. */
function makeKeeping(choices) {
  const row = document.createElement("div");
  row.className = "keeping";
  const said = document.createElement("output");
  for (const [text, words, act] of choices) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.setAttribute("aria-label", `${text}: ${words}`);
    button.addEventListener("click", async () => {
      try {
        said.textContent = await act();
      } catch (error) {
        said.textContent = `not done: ${error.message}`;
      }
    });
    row.append(button);
  }
  row.append(said);
  return row;
}

/** Return the buttons of a table; `read()` gives what it holds now. */
function keepTable(thing, read) {
  const title = () => nameThing(thing);
  const copied = async (text) => {
    await copyText(text);
    return "copied";
  };
  return [
    ["copy", "the table with tabs", () => copied(TABLES.writeTabs(read()))],
    [
      "CSV",
      "save the table",
      () => {
        const name = `${TABLES.nameFile(...nameSubject(), title())}.csv`;
        saveFile(new Blob(["\ufeff", TABLES.writeCsv(read())], { type: "text/csv" }), name);
        return `saved as ${name}`;
      },
    ],
    ["Markdown", "copy the table", () => copied(TABLES.writeMarkdown(read()))],
    ["LaTeX", "copy the table", () => copied(TABLES.writeLatex(read(), title()))],
  ];
}

/** Return the buttons of a drawing; `draw(title)` gives it as an <svg> element. */
function keepDrawing(thing, draw) {
  const save = async (ending, make) => {
    const title = nameThing(thing),
      name = `${TABLES.nameFile(...nameSubject(), title)}.${ending}`;
    saveFile(await make(draw(title)), name);
    return `saved as ${name}`;
  };
  return [
    [
      "SVG",
      "save the figure",
      () => save("svg", (one) => new Blob([FIGURES.writeSvg(one)], { type: "image/svg+xml" })),
    ],
    ["PNG", "save the figure", () => save("png", FIGURES.paintPng)],
  ];
}

/** Return the button of a picture that is made of pixels: `find()` gives its address. */
function keepPicture(thing, find) {
  const save = () => {
    const name = `${TABLES.nameFile(...nameSubject(), nameThing(thing))}.png`;
    saveFile(find(), name);
    return `saved as ${name}`;
  };
  return [["PNG", "save the figure", save]];
}

/** Stand the buttons after each figure and table in a place that has none yet. */
function offerKeeping(place) {
  const offer = (thing, choices, after = thing) => {
    if (after.nextElementSibling?.matches(".keeping") || thing.querySelector(".keeping")) return;
    if (thing.matches("figure")) thing.append(makeKeeping(choices));
    else after.after(makeKeeping(choices));
  };
  for (const one of place.querySelectorAll("table:not(.cells-of-numbers, .terms)"))
    offer(
      one,
      keepTable(one, () => TABLES.readTable(one)),
      one.closest(".scroll") ?? one,
    );
  for (const one of place.querySelectorAll("figure.chart, figure.map, figure.lesson-chart"))
    offer(
      one,
      keepDrawing(one, (title) => FIGURES.drawAlone(one, title)),
    );
  for (const one of place.querySelectorAll(".bars:has(> .track)"))
    offer(one, [
      ...keepDrawing(one, (title) => FIGURES.drawBars(one, title)),
      ...keepTable(one, () => TABLES.readBars(one)).slice(0, 2),
    ]);
  for (const one of place.querySelectorAll("img.figure, figure.figure img"))
    offer(
      one,
      keepPicture(one, () => one.src),
      one.closest(".scroll") ?? one,
    );
  for (const one of place.querySelectorAll(".large-map .board canvas, .map-picture :is(canvas, img)"))
    offer(
      one,
      keepPicture(one, () => one.src ?? one.toDataURL("image/png")),
      one.closest(".board, .map-board") ?? one,
    );
}

offerKeeping(document);
