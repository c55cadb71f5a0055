// Hover, show/hide and zoom for the charts that loupe.reports.charts draws. No dependencies.
"use strict";

function niceTicks(low, high, whole) {
  const rough = (high - low) / 6;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  let step = [1, 2, 5, 10].map((f) => f * magnitude).find((s) => s >= rough);
  if (whole) step = Math.max(1, Math.round(step));
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9; i++)
    ticks.push(+(i * step).toPrecision(12));
  return ticks;
}

function wireChart(figure) {
  const chart = JSON.parse(figure.dataset.chart);
  const [left, top, width, height] = chart.plot;
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

  function valuesInView() {
    return chart.series.flatMap((series, index) =>
      isShown(index)
        ? [series.values, ...series.ends].flatMap((line) =>
            line.filter((v, i) => v !== null && chart.x[i] >= view[0] && chart.x[i] <= view[1]),
          )
        : [],
    );
  }

  function redraw() {
    const values = valuesInView();
    if (!values.length) return;
    if (chart.zeroLine) values.push(0);
    const least = Math.min(...values),
      most = Math.max(...values);
    const margin = 0.06 * (most - least) || 0.1 * Math.abs(most) || 0.05;
    const low = least - margin,
      high = most + margin;
    plot.setAttribute("viewBox", `${view[0]} ${-high} ${view[1] - view[0]} ${high - low}`);
    figure.querySelector(".y-ticks").innerHTML = niceTicks(low, high, false)
      .map((tick) => {
        const y = top + (height * (high - tick)) / (high - low);
        return (
          `<line class="grid" x1="${left}" x2="${left + width}" y1="${y}" y2="${y}"/>` +
          `<text x="${left - 8}" y="${y + 4}" text-anchor="end">${+(tick * chart.scale).toPrecision(12)}</text>`
        );
      })
      .join("");
    figure.querySelector(".x-ticks").innerHTML = niceTicks(view[0], view[1], chart.whole)
      .map(
        (tick) =>
          `<text x="${left + (width * (tick - view[0])) / (view[1] - view[0])}" y="${top + height + 18}" ` +
          `text-anchor="middle">${tick}</text>`,
      )
      .join("");
    reset.hidden = view === whole;
  }

  function xAt(event) {
    const box = svg.getBoundingClientRect();
    const across = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
    const share = Math.min(1, Math.max(0, (across - left) / width));
    return view[0] + share * (view[1] - view[0]);
  }

  function hover(event) {
    const wanted = xAt(event);
    let nearest = 0;
    chart.x.forEach((x, i) => {
      if (Math.abs(x - wanted) < Math.abs(chart.x[nearest] - wanted)) nearest = i;
    });
    const lines = chart.series.flatMap((series, index) =>
      isShown(index) && series.values[nearest] !== null
        ? [
            `${series.name}: ${(series.values[nearest] * chart.scale).toFixed(chart.digits)}` +
              (series.ends.length && series.ends[0][nearest] !== null
                ? ` (${series.ends.map((end) => (end[nearest] * chart.scale).toFixed(chart.digits)).join(" to ")})`
                : ""),
          ]
        : [],
    );
    cursor.setAttribute("x1", chart.x[nearest]);
    cursor.setAttribute("x2", chart.x[nearest]);
    cursor.setAttribute("visibility", "visible");
    readout.hidden = false;
    readout.textContent = [`${chart.xLabel} ${chart.x[nearest]}`, ...lines].join("   ·   ");
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
