// Inside a network: a picture, the answer, the layers, a number, the attributions, the nearest neighbours.
import { el, speak } from "../dom.js";
import { chooseRun } from "../choice.js";
import { markChosen } from "../images.js";
import { ask, runPath, send, showProblem } from "../server.js";
import { showAnswer } from "../inside/answer.js";
import { markStation } from "../inside/flow.js";
import { showNearestNeighbours } from "../inside/nearest_neighbours.js";
import { showLayer } from "../inside/layer.js";
import { showNetwork } from "../inside/network.js";
import { showNumber } from "../inside/number.js";
import { showPicker } from "../inside/picker.js";
import { startTour } from "../inside/tour.js";
import { showTheory } from "../theory/panel.js";
import { latest, take, watch } from "../turns.js";

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
    visitor = watchVisitor();
  const scene = { id, facts, parts, seen: null, layer: query.get("layer"), spot: readSpot(query) };
  scene.lesson = query.get("lesson");
  scene.remember = () => {
    if (!place.isConnected) return; // the address is another page's by now
    const words = new URLSearchParams();
    if (scene.seen) words.set("image", scene.seen.image);
    if (scene.layer) words.set("layer", scene.layer);
    if (scene.spot) words.set("at", scene.spot.join("."));
    if (scene.lesson) words.set("lesson", scene.lesson);
    history.replaceState(null, "", `#/inside/${encodeURIComponent(id)}?${words}`);
  };
  scene.wait = () => {
    // for the answer about another picture; what is shown meanwhile is about the former one
    parts.answer.setAttribute("aria-busy", "true");
    return take(parts.answer);
  };
  scene.settle = (isWanted) => {
    if (isWanted()) parts.answer.removeAttribute("aria-busy");
  };
  scene.chooseImage = async (image, isChosen = true) => {
    const isWanted = scene.wait();
    scene.chosen = image; // while the one seen is still the former
    markChosen(parts.picker, image);
    try {
      const seen = await send(runPath(id, "/inspect"), { image });
      if (!isWanted()) return;
      scene.seen = seen;
      showSeen(scene);
      if (isChosen) scene.tell("picture"); // else it is the one shown at the start
      scene.remember();
      if (scene.layer && seen.layers.some((one) => one.name === scene.layer))
        await scene.chooseLayer(scene.layer, false);
    } catch (error) {
      if (!isWanted()) return;
      delete parts.answer.dataset.image;
      parts.answer.replaceChildren(showProblem(error));
    } finally {
      scene.settle(isWanted);
    }
  };
  scene.chooseLayer = async (layer, isNew = true) => {
    if (isNew) scene.spot = null;
    scene.layer = layer;
    for (const one of parts.network.querySelectorAll("button[data-layer]"))
      one.setAttribute("aria-pressed", String(one.dataset.layer === layer));
    markStation(scene);
    const isWanted = take(parts.number); // no number of the former layer
    parts.number.setAttribute("aria-busy", "true");
    await showLayer(scene);
    if (isNew) scene.tell("layer");
    if (!isWanted()) return;
    if (scene.spot) await showNumber(scene);
    else {
      parts.number.replaceChildren();
      parts.number.removeAttribute("aria-busy");
    }
    scene.remember();
  };
  scene.chooseSpot = async (spot, layer = scene.layer) => {
    if (layer !== scene.layer) return scene.follow(layer, spot); // its maps are still there, not the next one's
    scene.spot = spot;
    scene.remember();
    if (await showNumber(scene)) scene.tell("number");
  };
  scene.follow = async (layer, spot) => {
    scene.spot = spot;
    await scene.chooseLayer(layer, false);
  };

  const leave = () => {
    visitor.leave();
    scene.stop?.();
    scene.stopLesson?.();
  };
  parts.answer.append(el("p", { class: "soft" }, "Asking the network …"));
  startTour(scene); // before the picker, which it would push down under a pen
  const isUntouched = watch(parts.answer);
  const first = await showPicker(scene);
  const image = query.get("image") ?? first;
  if (!isUntouched()) return leave; // a quick visitor has chosen already
  const wanted = findWanted(scene);
  if (image) {
    await scene.chooseImage(image, false);
    await scene.lessonShown;
    if (!visitor.hasActed() && place.isConnected) wanted?.scrollIntoView({ block: "start" });
  } else parts.answer.replaceChildren(el("p", { class: "soft" }, "Choose, upload or draw a picture."));
  return leave;
}

/** Show what the network says of the picture, and the parts that are about this picture. */
function showSeen(scene) {
  showAnswer(scene);
  showNetwork(scene);
  scene.lessonShown = showTheory(scene);
  showNearestNeighbours(scene);
  const { prediction } = scene.seen;
  speak(
    prediction.class_name
      ? `The network says ${prediction.class_name}, ${(100 * prediction.probability).toFixed(0)} percent sure.`
      : "The network gave the image back.",
  );
}

/** Return the part of the page that its address asks for: a lesson, a number, a layer; undefined for none. */
function findWanted({ lesson, spot, layer, parts }) {
  if (lesson) return parts.theory;
  if (layer) return spot ? parts.number : parts.layer;
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

function readSpot(query) {
  const spot = (query.get("at") ?? "").split(".").map(Number);
  return spot.length === 3 && spot.every(Number.isInteger) ? spot : null;
}
