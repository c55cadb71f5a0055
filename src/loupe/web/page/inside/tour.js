// A first visit, led through one picture in five steps; each is done by the visitor, or shown.
import { el } from "../dom.js";

const KEPT = "loupe-tour";
const STEPS = [
  {
    wait: "picture",
    part: "picker",
    words: "Choose a picture the network never trained on; or upload one, or draw one.",
    show: (scene) => scene.parts.picker.querySelector(".choices button:nth-child(2)")?.click(),
  },
  {
    wait: null,
    part: "answer",
    words: "This is the answer: how probable it finds each class. ✗ means it is wrong.",
  },
  {
    wait: "layer",
    part: "network",
    words: "The image goes through these layers, one after the other. Choose the first.",
    show: (scene) => scene.parts.network.querySelector("button[data-layer]")?.click(),
  },
  {
    wait: "number",
    part: "layer",
    words:
      "Each little picture is what one filter found. Click a spot, and see the arithmetic that made that number.",
    show: (scene) => scene.parts.layer.querySelector("button[data-channel]")?.click(),
  },
  {
    wait: "why",
    part: "answer",
    words: "Last, ask why: which pixels speak for the answer?",
    show: (scene) => scene.parts.answer.querySelector("[data-method]")?.click(),
  },
];

let current = null;

/** Bring a part into view below the step that speaks of it, unless its beginning is there to be seen. */
function scrollTo(part, step) {
  requestAnimationFrame(() => {
    const { top } = part.getBoundingClientRect();
    const covered = step.getBoundingClientRect().bottom;
    if (top >= covered && top < innerHeight * 0.5) return;
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    part.scrollIntoView({ behavior: isStill ? "auto" : "smooth", block: "start" });
  });
}

/** Tell the tour that something was done. */
export function tell(what) {
  current?.(what);
}

export function startTour(scene) {
  const place = scene.parts.tour;
  const steps = STEPS.filter((step) => step.wait !== "why" || scene.facts.methods.length);
  let number = 0,
    isFirstPicture = true;
  let isMoved = false; // the first step stands where the visitor is
  const light = (part) => {
    if (part && isMoved) scrollTo(scene.parts[part], place);
    isMoved = true;
    for (const [name, one] of Object.entries(scene.parts)) one.classList.toggle("lit", name === part);
  };
  const end = () => {
    localStorage.setItem(KEPT, "done");
    current = null;
    light(null);
    place.replaceChildren(
      el("button", { type: "button", class: "quiet", onclick: begin }, "Show me round in five steps"),
    );
  };
  const draw = () => {
    const step = steps[number];
    if (!step) {
      place.replaceChildren(
        el(
          "div",
          { class: "step" },
          el("span", {}, el("b", {}, "That was it. "), "Every layer, map and number answers the same way."),
          el("button", { type: "button", onclick: end }, "Done"),
        ),
      );
      light(null);
      current = null;
      localStorage.setItem(KEPT, "done");
      return;
    }
    light(step.part);
    place.replaceChildren(
      el(
        "div",
        { class: "step", role: "status" },
        el("b", {}, `${number + 1} of ${steps.length}`),
        el("span", {}, step.words),
        el(
          "span",
          { class: "step-buttons" },
          step.show
            ? el("button", { type: "button", onclick: () => step.show(scene) }, "Show me")
            : el("button", { type: "button", onclick: next }, "Next"),
          step.show ? el("button", { type: "button", class: "quiet", onclick: next }, "skip") : "",
          el("button", { type: "button", class: "quiet", onclick: end }, "end the tour"),
        ),
      ),
    );
  };
  const next = () => {
    number += 1;
    draw();
  };
  const begin = () => {
    number = 0;
    current = (what) => {
      if (what === "picture" && isFirstPicture) {
        isFirstPicture = false;
        return;
      } // the one shown at the start
      if (steps[number]?.wait === what) next();
    };
    draw();
  };
  if (localStorage.getItem(KEPT)) end();
  else begin();
  isFirstPicture = scene.seen === null;
}
