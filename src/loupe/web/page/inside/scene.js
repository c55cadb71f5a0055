// What is shown of a network, and the steps that a visitor takes: another picture, layer, number, reasons, lesson.
import { entitle, speak } from "../dom.js";
import { markChosen } from "../images.js";
import { runPath, send, showProblem } from "../server.js";
import { showTheory } from "../theory/panel.js";
import { take } from "../turns.js";
import { isLinked, nameStep, note, readPlace, writePlace } from "./address.js";
import { hideField, showAnswer, showReasons } from "./answer.js";
import { markStation } from "./flow.js";
import { showLayer } from "./layer.js";
import { showNearestNeighbours } from "./nearest_neighbours.js";
import { showNetwork } from "./network.js";
import { showNumber } from "./number.js";

/** Return the scene of a network in its parts of the page, with nothing shown yet; `asked` is what the address has. */
export function makeScene(place, id, facts, parts, asked) {
  const scene = { id, facts, parts, seen: null, ...asked, reasons: null };
  scene.remember = (how) => {
    if (!place.isConnected) return; // the address is another page's by now
    note(writePlace(id, { ...scene, image: scene.seen?.image }), how);
    entitle(nameStep(id, scene)); // after: the step that is left keeps its own
  };
  addPictures(scene);
  addLayers(scene);
  return scene;
}

function addPictures(scene) {
  const { id, parts } = scene;
  scene.wait = () => {
    // for the answer about another picture; what is shown meanwhile is about the former one
    parts.answer.setAttribute("aria-busy", "true");
    scene.isAwaiting = true;
    return take(parts.answer);
  };
  scene.arrive = () => {
    if (!scene.isAwaiting) return;
    scene.isAwaiting = false;
    if (parts.answer.querySelector(".why-words")) scene.askWhy?.(); // was asked before the picture was there
  };
  scene.settle = (isWanted) => {
    if (!isWanted()) return;
    parts.answer.removeAttribute("aria-busy");
    scene.arrive();
  };
  /** Show another picture; with it the layer, number, reasons and lesson of `asked`, else those that are shown. */
  scene.chooseImage = async (image, { how = "step", asked = {} } = {}) => {
    const isWanted = scene.wait();
    scene.chosen = image; // while the one seen is still the former
    markChosen(parts.picker, image);
    try {
      const seen = await send(runPath(id, "/inspect"), { image });
      if (!isWanted()) return;
      Object.assign(scene, { view: null }, asked, { seen, reasons: null, hasFailed: false });
      showSeen(scene);
      scene.arrive();
      if (how === "step") scene.tell("picture"); // else it is the one shown at the start, or again
      scene.remember(how);
      if (asked.reasons) showReasons(scene, asked.reasons, how);
      if (seen.layers.some((one) => one.name === scene.layer))
        await scene.chooseLayer(scene.layer, {
          spot: scene.spot,
          view: scene.view,
          how: how === "step" ? "here" : how,
        });
      else scene.forgetLayer();
    } catch (error) {
      if (!isWanted()) return;
      delete parts.answer.dataset.image;
      scene.hasFailed = true; // the answer about the picture seen before is not shown any more
      parts.answer.replaceChildren(showProblem(error));
    } finally {
      scene.settle(isWanted);
    }
  };
}

function addLayers(scene) {
  const { parts } = scene;
  const mark = () => {
    for (const one of parts.network.querySelectorAll("button[data-layer]"))
      one.setAttribute("aria-pressed", String(one.dataset.layer === scene.layer));
    markStation(scene);
  };
  scene.chooseLayer = async (layer, { spot = null, view = null, how = "step" } = {}) => {
    Object.assign(scene, { layer, spot, view });
    mark();
    const isWanted = take(parts.number); // no number of the former layer
    parts.number.setAttribute("aria-busy", "true");
    await showLayer(scene);
    if (how === "step" && !spot) scene.tell("layer");
    if (!isWanted()) return;
    scene.remember(how);
    if (scene.spot) await showNumber(scene);
    else clearNumber(scene);
  };
  scene.forgetLayer = () => {
    Object.assign(scene, { layer: null, spot: null, view: null });
    mark();
    take(parts.layer); // from maps that may be on their way
    parts.layer.replaceChildren();
    parts.layer.removeAttribute("aria-busy");
    take(parts.number);
    clearNumber(scene);
  };
  scene.chooseSpot = async (spot, layer = scene.layer, how = "step") => {
    if (layer !== scene.layer) return scene.chooseLayer(layer, { spot }); // its maps are still there, not the next one's
    scene.spot = spot;
    scene.remember(how);
    if (await showNumber(scene)) scene.tell("number");
  };
}

function clearNumber(scene) {
  scene.parts.number.replaceChildren();
  scene.parts.number.removeAttribute("aria-busy");
  hideField(scene);
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

const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** Show what an address asks for, from what is shown now: the way back, the way on, or a link within the page. */
export async function restore(scene, query) {
  const { image, ...asked } = readPlace(query),
    wanted = image ?? scene.first,
    isNew = isLinked();
  scene.askWhy = null; // an open question stays with the step that is left
  if (scene.isAwaiting || scene.hasFailed || wanted !== scene.seen?.image) {
    await scene.chooseImage(wanted, { how: "none", asked });
    await scene.lessonShown;
  } else await restoreParts(scene, asked);
  scene.remember("none");
  if (isNew) findWanted(scene)?.scrollIntoView({ block: "start" }); // the browser knows where others were left
}

async function restoreParts(scene, { layer, spot, view, reasons, lesson }) {
  if (!isSame(reasons, scene.reasons)) showReasons(scene, reasons);
  if (lesson !== scene.lesson) scene.changeLesson?.(lesson);
  if (isSame([layer, spot, view], [scene.layer, scene.spot, scene.view])) return;
  if (scene.seen.layers.some((one) => one.name === layer))
    await scene.chooseLayer(layer, { spot, view, how: "none" });
  else scene.forgetLayer();
}

/** Return the part of the page that its address asks for: a lesson, a number, a layer; undefined for none. */
export function findWanted({ lesson, spot, layer, parts }) {
  if (lesson) return parts.theory;
  if (layer) return spot ? parts.number : parts.layer;
}
