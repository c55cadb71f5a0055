// Figures of reports and of the page as files: drawings as SVG that needs no style sheet, all as PNG. No dependencies.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const KEPT_STYLES = [
  ...[
    "fill",
    "fill-opacity",
    "stroke",
    "stroke-width",
    "stroke-opacity",
    "stroke-dasharray",
    "stroke-linecap",
  ],
  ...[
    "stroke-linejoin",
    "vector-effect",
    "paint-order",
    "opacity",
    "text-anchor",
    "font-size",
    "font-weight",
  ],
];
const FONT = "system-ui, 'DejaVu Sans', Arial, sans-serif";
const LEGEND = 13; // px: size of the letters of title and legend
const DENSITY = 3; // pixels of a PNG for one of the drawing

/** Return what a function says while the page has the colours of paper, whatever its theme. */
function onPaper(run) {
  const root = document.documentElement;
  root.classList.add("on-paper");
  try {
    return run();
  } finally {
    root.classList.remove("on-paper");
  }
}

function makeSvg(tag, attributes, ...children) {
  const one = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) one.setAttribute(name, value);
  one.append(...children);
  return one;
}

/** Return a copy of a drawing that looks the same without style sheets; what is hidden is left out. */
function copyDrawing(source) {
  const copy = source.cloneNode(true);
  const pairs = [
    [source, copy],
    ...[...source.querySelectorAll("*")].map((one, index) => [one, copy.querySelectorAll("*")[index]]),
  ];
  const gone = [];
  for (const [from, to] of pairs) {
    const style = getComputedStyle(from);
    if (style.visibility === "hidden" || style.display === "none") gone.push(to);
    if (!["title", "defs"].includes(from.localName))
      for (const name of KEPT_STYLES) {
        const value = style.getPropertyValue(name);
        if (value && value !== "none" && value !== "normal") to.setAttribute(name, value);
        else if (name === "fill" || name === "stroke") to.setAttribute(name, "none");
      }
    for (const name of ["class", "style", "tabindex", "data-class", "data-series"]) to.removeAttribute(name);
  }
  gone.forEach((one) => one.remove());
  return copy;
}

/** Return the marks of a legend and the height they take, in lines of a width. */
function drawLegend(figure, width, top) {
  const group = makeSvg("g", { "font-size": LEGEND });
  const measure = document.createElement("canvas").getContext("2d");
  measure.font = `${LEGEND}px ${FONT}`;
  let [left, line] = [8, top];
  for (const one of figure.querySelectorAll('.legend button[aria-pressed="true"], .legend .mark-label')) {
    const text = one.textContent.trim(),
      wide = measure.measureText(text).width + 40;
    if (left + wide > width && left > 8) [left, line] = [8, line + 20];
    const style = getComputedStyle(one),
      colour = style.getPropertyValue("--stroke").trim() || style.color,
      key = one.querySelector("svg.key path");
    const mark = key
      ? makeSvg("path", {
          d: key.getAttribute("d"),
          fill: colour,
          transform: `translate(${left + 10} ${line - 4}) scale(1.2)`,
        })
      : makeSvg("line", {
          ...{ x1: left, x2: left + 20, y1: line - 4, y2: line - 4, stroke: colour, "stroke-width": 3 },
          "stroke-dasharray": one.matches(".mark-label") ? "2 3" : getDashes(one),
        });
    group.append(mark, makeSvg("text", { x: left + 26, y: line, fill: style.color }, text));
    left += wide;
  }
  return [group, line + 12];
}

/** Return the dashes of a curve from its place in a legend, "none" for an unbroken one. */
function getDashes(entry) {
  const line = entry.querySelector(".curve-key line");
  return line ? getComputedStyle(line).strokeDasharray : "none";
}

/** Return a chart or map with its title and legend, as an <svg> element that stands alone. */
function drawAlone(figure, title) {
  return onPaper(() => {
    const source = figure.querySelector(":scope > svg");
    const { width, height } = source.viewBox.baseVal;
    const ink = getComputedStyle(document.body).color;
    const [legend, top] = drawLegend(figure, width, 44);
    const inner = copyDrawing(source);
    for (const [name, value] of Object.entries({ x: 0, y: top, width, height }))
      inner.setAttribute(name, value);
    return frameDrawing(width, top + height, [
      makeSvg("text", { x: 8, y: 20, "font-size": 15, "font-weight": 600, fill: ink }, title),
      legend,
      inner,
    ]);
  });
}

function frameDrawing(width, height, children) {
  return makeSvg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, width, height, "font-family": FONT },
    makeSvg("rect", { width, height, fill: "#fff" }),
    ...children,
  );
}

/** Return bars, which the page has as boxes, as a drawing. */
function drawBars(bars, title) {
  return onPaper(() => {
    const [names, wide, ink] = [190, 330, getComputedStyle(document.body).color];
    const tracks = [...bars.children].filter((one) => one.classList.contains("track"));
    const share = (part, name) => parseFloat(part?.style[name] || "0") / 100;
    const rows = tracks.flatMap((track, index) => {
      const y = 44 + 26 * index;
      const fill = track.querySelector(".fill"),
        reach = track.querySelector(".reach"),
        overall = track.querySelector(".overall");
      const text = (x, anchor, from) =>
        makeSvg(
          "text",
          { x, y: y + 13, fill: ink, "text-anchor": anchor },
          globalThis.keptTables.flatten(from.textContent),
        );
      const left = names + wide * share(reach, "left");
      const mid = names + wide * share(overall, "left");
      return [
        text(names - 10, "end", track.previousElementSibling),
        makeSvg("rect", { x: names, y, width: wide, height: 18, fill: "#f0f2f5" }),
        makeSvg("rect", {
          x: names,
          y,
          width: wide * share(fill, "width"),
          height: 18,
          fill: getComputedStyle(fill).backgroundColor,
          "fill-opacity": 0.55,
        }),
        ...(reach
          ? [
              makeSvg("rect", {
                x: left,
                y: y + 8,
                width: wide * share(reach, "width"),
                height: 2,
                fill: ink,
              }),
            ]
          : []),
        ...(overall
          ? [
              makeSvg("line", {
                x1: mid,
                x2: mid,
                y1: y - 4,
                y2: y + 22,
                stroke: ink,
                "stroke-width": 2,
                "stroke-dasharray": "2 3",
              }),
            ]
          : []),
        text(names + wide + 12, "start", track.nextElementSibling),
      ];
    });
    return frameDrawing(640, 52 + 26 * tracks.length, [
      makeSvg("text", { x: 8, y: 20, "font-size": 15, "font-weight": 600, fill: ink }, title),
      makeSvg("g", { "font-size": LEGEND }, ...rows),
    ]);
  });
}

const writeSvg = (drawing) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(drawing)}\n`;

/** Return a drawing as a PNG blob, dense enough for print. */
async function paintPng(drawing) {
  const picture = new Image();
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(writeSvg(drawing))}`;
  await picture.decode();
  const canvas = document.createElement("canvas");
  canvas.width = DENSITY * Number(drawing.getAttribute("width"));
  canvas.height = DENSITY * Number(drawing.getAttribute("height"));
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

globalThis.keptFigures = { drawAlone, drawBars, writeSvg, paintPng };
