// Charts that the server draws as the reports have them; here they are put into the page and kept up to date.

const isBusy = (figure) => figure.matches(":hover") || !figure.querySelector(".reset").hidden;

/** Put charts into a place, in the place of older ones; hidden curves stay hidden, one in use is left alone. */
export function placeCharts(place, charts) {
  const old = [...place.children];
  charts.forEach((text, index) => {
    const before = old[index];
    if (before && (before.dataset.text === text || isBusy(before))) return;
    const holder = document.createElement("template");
    holder.innerHTML = text; // drawn by loupe.reports.charts, every word escaped there
    const figure = holder.content.firstElementChild;
    if (before) before.replaceWith(figure);
    else place.append(figure);
    figure.dataset.text = text;
    wire(figure, before);
  });
  old.slice(charts.length).forEach((figure) => figure.remove());
}

/** Bring a chart to life; one that it takes the place of comes back if it says the same or is in use. */
export function settleChart(before, figure) {
  const text = figure.outerHTML;
  if (before && (before.dataset.text === text || isBusy(before))) return figure.replaceWith(before);
  figure.dataset.text = text;
  return wire(figure, before);
}

function wire(figure, before) {
  window.wireChart(figure);
  if (before) keepChoices(before, figure);
}

function keepChoices(before, after) {
  const states = new Map(
    [...before.querySelectorAll("button[data-series]")].map((one) => [
      one.textContent,
      one.getAttribute("aria-pressed"),
    ]),
  );
  for (const button of after.querySelectorAll("button[data-series]")) {
    const wanted = states.get(button.textContent);
    if (wanted && wanted !== button.getAttribute("aria-pressed")) button.click();
  }
}

/** Return a small curve without axes; words say what it shows. Its ends, if given, are those of its scale. */
export function sparkline(values, words, [least, most] = []) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 100 30");
  svg.setAttribute("class", "spark");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", words);
  if (values.length > 1) {
    const low = least ?? Math.min(...values),
      high = most ?? Math.max(...values);
    const points = values.map(
      (value, index) =>
        `${(100 * index) / (values.length - 1)},${(28 - 26 * ((value - low) / (high - low || 1))).toFixed(2)}`,
    );
    const line = document.createElementNS(space, "polyline");
    line.setAttribute("points", points.join(" "));
    const title = document.createElementNS(space, "title");
    title.textContent = words;
    svg.append(title, line);
  }
  return svg;
}
