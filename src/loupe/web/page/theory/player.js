// A moving picture in steps: play, pause, one step on or back, or drag; never moves by itself.
import { el } from "../dom.js";

const PACE = 420; // milliseconds a step

/** Return controls over `count()` steps; `show(step)` draws one. Without motion wanted, steps are taken by hand. */
export function makePlayer({ label, count, show }) {
  let step = 0,
    timer = null;
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const place = el("input", {
    type: "range",
    min: 0,
    value: 0,
    "aria-label": label,
    oninput: () => go(Number(place.value)),
  });
  const play = el("button", { type: "button", onclick: () => (timer ? stop() : start()) }, "Play");
  const number = el("span", { class: "soft" });
  const controls = el(
    "div",
    { class: "player", role: "group", "aria-label": label },
    el("button", { type: "button", "aria-label": "One step back", onclick: () => hand(-1) }, "‹"),
    isStill ? "" : play,
    el("button", { type: "button", "aria-label": "One step on", onclick: () => hand(1) }, "›"),
    place,
    number,
  );

  function go(wanted) {
    const total = Math.max(1, count());
    step = ((wanted % total) + total) % total;
    place.max = total - 1;
    place.value = step;
    number.textContent = `${step + 1} of ${total}`;
    show(step);
  }
  function hand(by) {
    stop();
    go(step + by);
  }
  function start() {
    play.textContent = "Pause";
    timer = setInterval(() => (controls.isConnected ? go(step + 1) : stop()), PACE);
  }
  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  }
  return { controls, go, again: () => go(step), stop };
}

/** Return a labelled slider; `change(value)` is told. */
export function slider(words, { min, max, step = 1, value }, change, write = String) {
  const shown = el("output", {}, write(value));
  const input = el("input", {
    type: "range",
    min,
    max,
    step,
    value,
    oninput: () => {
      shown.textContent = write(Number(input.value));
      change(Number(input.value));
    },
  });
  return el("label", { class: "slider" }, el("span", {}, words), input, shown);
}

/** Return a labelled choice of [value, words]; `change(value)` is told. */
export function choice(words, options, value, change) {
  const select = el(
    "select",
    { onchange: () => change(select.value) },
    ...options.map(([name, text]) => el("option", { value: name }, text)),
  );
  select.value = value;
  return el("label", { class: "slider" }, el("span", {}, words), select);
}
