// A map as a picture with a name, on which frames can be laid; cells of padding around it are hatched.
import { el, short } from "../dom.js";
import { colour, drawThemed, reachOf } from "../pixels.js";

const FINE = 240; // canvas pixels a side, at least

export const reachOfMap = (map) =>
  map.values.reduce((most, one) => Math.max(most, Number.isFinite(one) ? Math.abs(one) : 0), 0) || 1;

/** Return [red, green, blue] of a value: on the page's scale of colours, or as a pixel from 0 to 255. */
const shade = (value, reach, isPixels) => (isPixels ? [value, value, value] : colour(value, reach));

/** Return a picture of maps: `draw(map, options)` fills it, `frame(row, column, rows, columns)` marks cells. */
export function makePicture(title, { isLarge = false } = {}) {
  const canvas = el("canvas", { role: "img", "aria-label": title }),
    mark = el("span", { class: "spot", hidden: true }),
    caption = el("figcaption", {}, title);
  const board = el("div", { class: "map-board" }, canvas, mark);
  const figure = el("figure", { class: isLarge ? "map-picture large" : "map-picture" }, board, caption);
  let size = { height: 1, width: 1, padding: 0 };

  const draw = (map, options = {}) => drawThemed(canvas, () => drawNow(map, options));
  function drawNow(map, { reach = null, padding = 0, isPixels = false, words = null, known = null }) {
    size = { height: map.height + 2 * padding, width: map.width + 2 * padding, padding };
    const cell = Math.max(2, Math.ceil(FINE / Math.max(size.width, size.height)));
    canvas.width = Math.max(1, size.width * cell);
    canvas.height = Math.max(1, size.height * cell);
    const context = canvas.getContext("2d");
    if (!context) return;
    fillGround(context, canvas.width, canvas.height, padding > 0);
    const most = reach ?? reachOf(-reachOfMap(map), reachOfMap(map));
    for (let row = 0; row < map.height; row++)
      for (let column = 0; column < map.width; column++) {
        const index = row * map.width + column;
        if (known !== null && index > known) continue;
        context.fillStyle = `rgb(${shade(map.values[index], most, isPixels).map(Math.round)})`;
        context.fillRect((column + padding) * cell, (row + padding) * cell, cell, cell);
      }
    canvas.setAttribute("aria-label", `${title}, ${map.height} × ${map.width}`);
    caption.textContent = words ?? `${title}, ${map.height} × ${map.width}`;
  }
  /** Frame cells of the map; rows and columns count from the map's own first cell. */
  function frame(row, column, rows = 1, columns = 1) {
    mark.hidden = false;
    mark.style.top = `${(100 * (row + size.padding)) / size.height}%`;
    mark.style.left = `${(100 * (column + size.padding)) / size.width}%`;
    mark.style.height = `${(100 * rows) / size.height}%`;
    mark.style.width = `${(100 * columns) / size.width}%`;
  }
  return { figure, draw, frame };
}

/** Fill what no number of the map covers: hatched where it is padding, plain where it is not computed yet. */
function fillGround(context, width, height, isPadding) {
  const style = getComputedStyle(document.documentElement);
  context.fillStyle = style.getPropertyValue("--sheet") || "#eee";
  context.fillRect(0, 0, width, height);
  if (!isPadding) return;
  context.strokeStyle = style.getPropertyValue("--soft") || "#888";
  context.lineWidth = 1;
  context.beginPath();
  for (let start = -height; start < width; start += 9) {
    context.moveTo(start, height);
    context.lineTo(start + height, 0);
  }
  context.stroke();
}

/** Return bars of named shares, each from 0 to 1, as long as they are large. */
export function shareBars(rows) {
  return el(
    "div",
    { class: "bars" },
    ...rows.flatMap(({ name, share, text }) => {
      const fill = el("span", { class: "fill" });
      fill.style.width = `${100 * share}%`;
      return [
        el("span", {}, name),
        el("span", { class: "track", "aria-hidden": "true" }, fill),
        el("span", { class: "n" }, text ?? `${(100 * share).toFixed(1)} %`),
      ];
    }),
  );
}

/** Return a chart with a curve and a dot on it: `draw(points, at, words)` fills it, and leaves what stands below it. */
export function makeChart() {
  const figure = el("figure", { class: "lesson-chart" });
  const draw = (points, at, words) => {
    const drawing = curve(points, at, words),
      before = figure.querySelector("svg.curve");
    if (before) before.replaceWith(drawing);
    else figure.prepend(drawing);
  };
  return { figure, draw };
}

/** Return a curve through points of [x, y] with a dot at one of them, as a drawing. */
function curve(points, at, { title, xWords, yWords }) {
  const xs = points.map(([x]) => x),
    ys = points.map(([, y]) => y);
  const [left, right] = [Math.min(...xs), Math.max(...xs)],
    [low, high] = [Math.min(...ys, 0), Math.max(...ys, 1e-9)];
  const x = (value) => 50 + (330 * (value - left)) / (right - left || 1),
    y = (value) => 160 - (140 * (value - low)) / (high - low || 1);
  const parts = [
    svg("line", { x1: 50, x2: 380, y1: y(0), y2: y(0), class: "axis-line" }),
    left <= 0 && right >= 0 ? svg("line", { x1: x(0), x2: x(0), y1: 20, y2: 160, class: "axis-line" }) : null,
    svg("polyline", { points: points.map(([a, b]) => `${x(a)},${y(b)}`).join(" "), class: "curve-line" }),
    svg("circle", { cx: x(at[0]), cy: y(at[1]), r: 6, class: "curve-dot" }),
    svg("text", { x: 380, y: 192, "text-anchor": "end" }, xWords),
    svg("text", { x: 50, y: 12 }, yWords),
    svg("text", { x: 50, y: 178, "text-anchor": "middle" }, short(left)),
    svg("text", { x: 380, y: 178, "text-anchor": "middle" }, short(right)),
    svg("text", { x: 44, y: 24, "text-anchor": "end" }, short(high)),
    svg("text", { x: 44, y: 164, "text-anchor": "end" }, short(low)),
  ].filter(Boolean);
  return svg("svg", { viewBox: "0 0 400 200", class: "curve", role: "img", "aria-label": title }, ...parts);
}

function svg(tag, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
