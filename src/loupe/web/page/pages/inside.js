// Inside a network: a picture, the answer, the layers, a number, the attributions, the nearest neighbours.
import { el } from "../dom.js";
import { chooseRun } from "../choice.js";
import { ask, runPath } from "../server.js";
import { nameStep, readPlace } from "../inside/address.js";
import { showPicker } from "../inside/picker.js";
import { findWanted, makeScene, restore } from "../inside/scene.js";
import { startTour } from "../inside/tour.js";
import { latest, watch } from "../turns.js";

export async function show(place, [id], query) {
  if (!id)
    return chooseRun(
      place,
      "Inside",
      "Into which network?",
      (run) => `#/inside/${encodeURIComponent(run.id)}`,
      (run) => `${run.model} on ${run.data}`,
    );
  const facts = await latest(place, ask(runPath(id, "/inside")));
  if (!facts) return undefined; // another page is shown, with a tour of its own
  const parts = placeParts(place, id, facts),
    visitor = watchVisitor(),
    { image, ...asked } = readPlace(query),
    scene = makeScene(place, id, facts, parts, asked);
  const leave = () => {
    visitor.leave();
    scene.stop?.();
    scene.stopLesson?.();
  };
  const follow = ([other], wanted) => {
    if (other !== id) return false;
    restore(scene, wanted);
    return true;
  };
  parts.answer.append(el("p", { class: "soft" }, "Asking the network …"));
  startTour(scene); // before the picker, which it would push down under a pen
  const isUntouched = watch(parts.answer);
  const first = await showPicker(scene);
  scene.first = image ?? first;
  const ways = { leave, follow, name: () => nameStep(id, scene) };
  if (!isUntouched()) return ways; // a quick visitor has chosen already
  const wanted = findWanted(scene);
  if (scene.first) {
    await scene.chooseImage(scene.first, { how: "here", asked });
    await scene.lessonShown;
    if (!visitor.hasActed() && place.isConnected) wanted?.scrollIntoView({ block: "start" });
  } else parts.answer.replaceChildren(el("p", { class: "soft" }, "Choose, upload or draw a picture."));
  return ways;
}

/** Watch for anything the visitor does from now on, until the page is left. */
function watchVisitor() {
  const end = new AbortController();
  let acted = false;
  for (const kind of ["wheel", "touchmove", "keydown", "pointerdown"])
    addEventListener(kind, () => (acted = true), { signal: end.signal, passive: true });
  return { hasActed: () => acted, leave: () => end.abort() };
}

/** Put the heading and the empty parts of the page into its place; returns the parts by name. */
function placeParts(place, id, facts) {
  const parts = {};
  for (const name of ["tour", "picker", "answer", "network", "layer", "number", "theory", "neighbours"])
    parts[name] = el("section", { class: `part part-${name}`, id: `part-${name}`, "aria-label": name });
  place.append(
    el("h1", {}, "Inside ", el("a", { href: `#/run/${encodeURIComponent(id)}` }, id)),
    el(
      "p",
      { class: "soft" },
      `${facts.model}, ${facts.epoch ? `weights of epoch ${facts.epoch}, the best on validation` : "best weights"}; images of ${facts.image_size.join(" × ")} pixels, ${facts.in_channels === 1 ? "grey" : "colour"}.`,
    ),
    parts.tour,
    el("div", { class: "desk" }, parts.picker, parts.answer),
    parts.network,
    el("div", { class: "desk wide" }, parts.layer, parts.number),
    parts.theory,
    parts.neighbours,
  );
  return parts;
}
