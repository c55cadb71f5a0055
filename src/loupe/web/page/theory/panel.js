// What each operation does, on this network and this picture: a choice of lessons, one shown at a time.
import { el, rove } from "../dom.js";
import { ask, runPath, showProblem } from "../server.js";
import { take } from "../turns.js";
import { descending, losing, softening } from "./lessons/answer.js";
import { augmentation, mixing, normalisation } from "./lessons/pixels.js";
import { dropping, normalising, rectifying } from "./lessons/values.js";
import { convolution, pooling, strides } from "./lessons/windows.js";

export const LESSONS = [
  ...[normalisation, augmentation, mixing],
  ...[convolution, strides, rectifying, pooling, normalising, dropping],
  ...[softening, losing, descending],
];

/** Fill the theory part of the page for the image that is seen; what was open stays open. */
export function showTheory(scene) {
  const { parts, id } = scene;
  scene.stopLesson?.();
  if (scene.facts.objective !== "classification") return parts.theory.replaceChildren();
  const stage = el("div", { class: "lesson", "aria-live": "off" });
  const tabs = el(
    "div",
    { class: "ways", role: "group", "aria-label": "Operations" },
    ...LESSONS.map((one) =>
      el(
        "button",
        { type: "button", "data-lesson": one.name, "aria-pressed": "false", onclick: () => open(one) },
        one.title,
      ),
    ),
  );
  const image = scene.seen.image;
  let facts = null;
  const working = (layer, channel) => ask(runPath(id, "/working"), { query: { image, layer, channel } });

  /** Return the layer that a lesson is shown on, and its channel: the chosen one if it fits, else the first that does. */
  function pick(...tests) {
    const { layers } = scene.seen,
      chosen = layers.find((one) => one.name === scene.layer);
    if (chosen && tests[0](chosen)) return [chosen, scene.spot?.[0] ?? 0];
    return [tests.map((test) => layers.find(test)).find(Boolean), 0];
  }

  /** Show a lesson; returns whether it is shown, or what stood in the way. */
  async function open(lesson, how = "step") {
    const isWanted = take(stage);
    scene.stopLesson?.();
    scene.stopLesson = null;
    scene.lesson = lesson.name;
    scene.remember(how);
    for (const tab of tabs.children)
      tab.setAttribute("aria-pressed", String(tab.dataset.lesson === lesson.name));
    const place = el("div");
    try {
      facts ??= await ask(runPath(id, "/theory"), { query: { image } });
      const stop = await lesson.show(place, {
        scene,
        theory: facts,
        working,
        pick,
        layers: scene.seen.layers,
      });
      if (!isWanted()) return false;
      scene.stopLesson = typeof stop === "function" ? stop : null;
      stage.replaceChildren(el("h3", {}, lesson.title), el("p", {}, lesson.sentences.join(" ")), place);
      stage.dataset.shown = lesson.name;
    } catch (error) {
      if (isWanted()) stage.replaceChildren(showProblem(error));
    }
    return isWanted();
  }

  parts.theory.replaceChildren(
    el("h2", {}, "What each operation does"),
    el(
      "p",
      { class: "soft" },
      "On this network and this picture; computed in your browser, and held against what the network itself computes.",
    ),
    tabs,
    stage,
  );
  rove(tabs);
  scene.openLesson = async (name) => {
    if (!(await open(LESSONS.find((one) => one.name === name)))) return;
    parts.theory.scrollIntoView({ block: "start" });
    tabs.querySelector(`[data-lesson="${name}"]`).focus({ preventScroll: true });
  };
  scene.changeLesson = (name) => {
    const other = LESSONS.find((one) => one.name === name);
    if (other) return open(other, "none");
    take(stage); // from a lesson that may be on its way
    scene.stopLesson?.();
    scene.stopLesson = scene.lesson = null;
    for (const tab of tabs.children) tab.setAttribute("aria-pressed", "false");
    stage.replaceChildren();
    delete stage.dataset.shown;
    return undefined;
  };
  const wanted = LESSONS.find((one) => one.name === scene.lesson);
  return wanted ? open(wanted, "none") : undefined;
}
