// Elements from a few words, and numbers for people.

/** Return an element; `on…` are listeners, `class` and `data-…` as in HTML, other names are properties. */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name in element && !name.includes("-")) element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
    ...children.flat().filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

export function link(href, ...children) {
  return el("a", { href }, ...children);
}

/** Say something to those who listen. */
export function speak(text) {
  document.getElementById("spoken").textContent = text;
}

/** Say what is shown in the title of the page, which the browser's history and tabs have. */
export function entitle(words) {
  document.title = words ? `${words} – Loupe` : "Loupe";
}

export function percent(share, digits = 2) {
  return share === null || share === undefined ? "" : `${(100 * share).toFixed(digits)} %`;
}

export function count(number) {
  return number === null || number === undefined ? "" : Math.round(number).toLocaleString("en");
}

export function short(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return String(value);
  return size >= 1e5 || size < 1e-4 ? value.toExponential(1) : String(+value.toPrecision(3));
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60
    ? `${minutes} min`
    : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** A value as its metric writes it. */
export function figure(score) {
  return score ? score.text : "";
}

/** The ends of its interval as its metric writes them; its last two words stay on one line. */
export function interval(score) {
  return score ? score.interval.replace(" %", "\u00a0%") : "";
}

/** What further metrics say of a split: a line each. */
export function furtherFigures(run, split) {
  return Object.values(run.metrics[split] ?? {}).map((one) =>
    el("small", { class: "soft further" }, `${one.metric.title} ${one.text}`),
  );
}

/** Let the arrow keys move among the buttons of a container; Tab enters and leaves it. */
export function rove(container, selector = "button") {
  const items = () => [...container.querySelectorAll(selector)].filter((one) => !one.disabled);
  const settle = (chosen) =>
    items().forEach((one) => {
      one.tabIndex = one === chosen ? 0 : -1;
    });
  settle(container.querySelector(`${selector}[aria-pressed="true"]`) ?? items()[0]);
  container.addEventListener("keydown", (event) => {
    const all = items(),
      place = all.indexOf(document.activeElement);
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: perRow(all), ArrowUp: -perRow(all) }[event.key];
    if (place < 0 || !step) return;
    const next = all[Math.min(all.length - 1, Math.max(0, place + step))];
    event.preventDefault();
    settle(next);
    next.focus();
  });
  container.addEventListener("focusin", (event) => {
    if (event.target.matches(selector)) settle(event.target);
  });
}

function perRow(items) {
  const top = items[0]?.getBoundingClientRect().top;
  const wrapped = items.findIndex((one) => one.getBoundingClientRect().top > top + 4);
  return wrapped < 0 ? 1 : wrapped;
}
