// Hover, show/hide and zoom for the charts that loupe.reports.charts draws. No dependencies.
"use strict";

/** Return round numbers between two ends, about six of them; whole ones where only these have a meaning. */
function niceTicks(low, high, isWhole) {
  const rough = (high - low) / 6;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  let step = [1, 2, 5, 10].map((factor) => factor * magnitude).find((size) => size >= rough);
  if (isWhole) step = Math.max(1, Math.round(step));
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9; i++)
    ticks.push(+(i * step).toPrecision(12));
  return ticks;
}

/** Return the values of shown series, ends of their bands included, between two ends of the axis. */
function listValues(chart, isShown, [from, to]) {
  const isInView = (value, index) => value !== null && chart.x[index] >= from && chart.x[index] <= to;
  const lines = chart.series.flatMap((series, index) =>
    isShown(index) ? [series.values, ...series.ends] : [],
  );
  return lines.flatMap((line) => line.filter(isInView));
}

/** Return the lowest and highest number that an axis shows for some values, with a margin. */
function findReach(values, hasZeroLine) {
  const known = hasZeroLine ? [...values, 0] : values;
  const least = Math.min(...known);
  const most = Math.max(...known);
  const margin = 0.06 * (most - least) || 0.1 * Math.abs(most) || 0.05;
  return [least - margin, most + margin];
}

/** Return the index of the point of the axis that is nearest to a number. */
function findNearest(points, wanted) {
  let nearest = 0;
  points.forEach((x, index) => {
    if (Math.abs(x - wanted) < Math.abs(points[nearest] - wanted)) nearest = index;
  });
  return nearest;
}

/** Return what the shown series say at a point of the axis, as one line of text. */
function readOut(chart, isShown, index) {
  const write = (value) => (value * chart.scale).toFixed(chart.digits);
  const lines = chart.series.flatMap((series, number) => {
    if (!isShown(number) || series.values[index] === null) return [];
    const hasBand = series.ends.length && series.ends[0][index] !== null;
    const band = hasBand ? ` (${series.ends.map((end) => write(end[index])).join(" to ")})` : "";
    return [`${series.name}: ${write(series.values[index])}${band}`];
  });
  return [`${chart.xLabel} ${chart.x[index]}`, ...lines].join("   ·   ");
}

/** Return the ticks and grid of a chart as SVG: [of the upright axis, of the level one]. */
function drawTicks(chart, view, [low, high]) {
  const [left, top, width, height] = chart.plot;
  const upright = niceTicks(low, high, false).map((tick) => {
    const y = top + (height * (high - tick)) / (high - low);
    return (
      `<line class="grid" x1="${left}" x2="${left + width}" y1="${y}" y2="${y}"/>` +
      `<text x="${left - 8}" y="${y + 4}" text-anchor="end">${+(tick * chart.scale).toPrecision(12)}</text>`
    );
  });
  const level = niceTicks(view[0], view[1], chart.whole).map((tick) => {
    const x = left + (width * (tick - view[0])) / (view[1] - view[0]);
    return `<text x="${x}" y="${top + height + 18}" text-anchor="middle">${tick}</text>`;
  });
  return [upright.join(""), level.join("")];
}

function wireChart(figure) {
  const chart = JSON.parse(figure.dataset.chart);
  const [left, , width] = chart.plot;
  const svg = figure.querySelector("svg");
  const plot = figure.querySelector(".plot");
  const cursor = figure.querySelector(".cursor");
  const readout = figure.querySelector(".readout");
  const reset = figure.querySelector(".reset");
  const buttons = [...figure.querySelectorAll("button[data-series]")];
  const isShown = (index) => buttons[index].getAttribute("aria-pressed") === "true";
  const whole = chart.range.slice(0, 2);
  let view = whole;
  let dragStart = null;

  function redraw() {
    const values = listValues(chart, isShown, view);
    if (!values.length) return;
    const reach = findReach(values, chart.zeroLine);
    plot.setAttribute("viewBox", `${view[0]} ${-reach[1]} ${view[1] - view[0]} ${reach[1] - reach[0]}`);
    const [upright, level] = drawTicks(chart, view, reach);
    figure.querySelector(".y-ticks").innerHTML = upright;
    figure.querySelector(".x-ticks").innerHTML = level;
    reset.hidden = view === whole;
  }

  function xAt(event) {
    const box = svg.getBoundingClientRect();
    const across = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
    const share = Math.min(1, Math.max(0, (across - left) / width));
    return view[0] + share * (view[1] - view[0]);
  }

  function hover(event) {
    const nearest = findNearest(chart.x, xAt(event));
    cursor.setAttribute("x1", chart.x[nearest]);
    cursor.setAttribute("x2", chart.x[nearest]);
    cursor.setAttribute("visibility", "visible");
    readout.hidden = false;
    readout.textContent = readOut(chart, isShown, nearest);
  }

  buttons.forEach((button, index) =>
    button.addEventListener("click", () => {
      const shown = !isShown(index);
      button.setAttribute("aria-pressed", String(shown));
      figure
        .querySelector(`g[data-series="${index}"]`)
        .setAttribute("visibility", shown ? "visible" : "hidden");
      redraw();
    }),
  );
  reset.addEventListener("click", () => {
    view = whole;
    redraw();
  });
  svg.addEventListener("pointermove", hover);
  svg.addEventListener("pointerleave", () => {
    cursor.setAttribute("visibility", "hidden");
    readout.hidden = true;
  });
  svg.addEventListener("pointerdown", (event) => {
    dragStart = xAt(event);
    svg.setPointerCapture(event.pointerId);
  });
  svg.addEventListener("pointercancel", () => {
    dragStart = null;
  });
  svg.addEventListener("pointerup", (event) => {
    if (dragStart === null) return;
    const ends = [dragStart, xAt(event)].sort((a, b) => a - b);
    dragStart = null;
    if (ends[1] - ends[0] > 0.02 * (view[1] - view[0]) && (!chart.whole || ends[1] - ends[0] >= 1)) {
      view = ends;
      redraw();
    }
  });
}

document.querySelectorAll(".chart").forEach(wireChart);
