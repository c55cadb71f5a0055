// A first visit, led through one picture in five steps; each is done by the visitor, or shown.
import { el } from "../dom.js";
import { reach } from "./reaching.js";

const KEPT = "loupe-tour";
// What "Show me" clicks: the first that is there, and failing that what leads to it.
const KNOWN = '[data-way="known"]';
const PICTURE = ".part-picker .choices button:is(:nth-child(2), :only-child)";
const PICTURE_AGAIN = `.desk:has(.part-answer > [role="alert"]) ${PICTURE}`;
const LAYER = ".part-network button[data-layer]";
const MAPS = ".part-layer:not([aria-busy])";
const METHOD = ".part-answer:not([aria-busy]) [data-method]";

const STEPS = [
  {
    wait: "picture",
    part: "picker",
    words: "Choose a picture the network never trained on; or upload one, or draw one.",
    show: [
      PICTURE,
      `${KNOWN}[aria-pressed="false"]`,
      `.part-picker:has([role="alert"]) ${KNOWN}`, // asks for them again
    ],
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
    show: [LAYER, PICTURE_AGAIN],
  },
  {
    wait: "number",
    part: "layer",
    words:
      "Each little picture is what one filter found. Click a spot, and see the arithmetic that made that number.",
    show: [
      `${MAPS} button[data-channel]`,
      `${MAPS} [data-what="maps"][aria-pressed="false"]`,
      `.part-network:has(~ .desk ${MAPS}:empty, ~ .desk ${MAPS} > [role="alert"]) button[data-layer]`,
      PICTURE_AGAIN,
    ],
  },
  {
    wait: "why",
    part: "answer",
    words: "Last, ask why: which pixels speak for the answer?",
    show: [`${METHOD}[aria-pressed="false"]`, `${METHOD}[aria-pressed="true"]`, PICTURE_AGAIN],
  },
];

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

/** Let a press count though the page scrolls on before it ends, and takes the button from under the pointer. */
function keepPresses(place) {
  place.addEventListener("pointerdown", (begin) => {
    const button = begin.target.closest("button"),
      over = new AbortController();
    if (!button || begin.button !== 0) return;
    const release = (end) => {
      over.abort();
      const isStill = Math.hypot(end.clientX - begin.clientX, end.clientY - begin.clientY) < 10;
      const isElsewhere = !button.contains(end.target); // where it is not, the browser itself makes a click of it
      if (isStill && isElsewhere && button.isConnected) button.click();
    };
    addEventListener("pointerup", release, { signal: over.signal });
    addEventListener("pointercancel", () => over.abort(), { signal: over.signal });
  });
}

/** Lead through the page; `scene.tell(what)` says what was done. */
export function startTour(scene) {
  const place = scene.parts.tour;
  const steps = STEPS.filter((step) => step.wait !== "why" || scene.facts.methods.length);
  const canShow = (step) => step.show && (step.wait !== "picture" || scene.facts.num_validation > 0);
  let number = 0,
    isOn = false,
    stop = () => {}; // looking for what is to be shown
  /** Put into the place what comes next; whoever stood on a button there stands on its next one. */
  const put = (...children) => {
    const isInside = place.contains(document.activeElement);
    place.replaceChildren(...children);
    if (isInside) place.querySelector("button").focus({ preventScroll: true });
  };
  let isMoved = false; // the first step stands where the visitor is
  const light = (part) => {
    if (part && isMoved) scrollTo(scene.parts[part], place);
    isMoved = true;
    for (const [name, one] of Object.entries(scene.parts)) one.classList.toggle("lit", name === part);
  };
  const end = () => {
    stop();
    localStorage.setItem(KEPT, "done");
    isOn = false;
    light(null);
    put(el("button", { type: "button", class: "quiet", onclick: begin }, "Show me round in five steps"));
  };
  const draw = () => {
    stop();
    const step = steps[number];
    if (!step) {
      put(
        el(
          "div",
          { class: "step" },
          el("span", {}, el("b", {}, "That was it. "), "Every layer, map and number answers the same way."),
          el("button", { type: "button", onclick: end }, "Done"),
        ),
      );
      light(null);
      isOn = false;
      localStorage.setItem(KEPT, "done");
      return;
    }
    light(step.part);
    put(
      el(
        "div",
        { class: "step", role: "status" },
        el("b", {}, `${number + 1} of ${steps.length}`),
        el("span", {}, step.words),
        el(
          "span",
          { class: "step-buttons" },
          canShow(step)
            ? el("button", { type: "button", onclick: (event) => show(step, event.target) }, "Show me")
            : el("button", { type: "button", onclick: next }, "Next"),
          canShow(step) ? el("button", { type: "button", class: "quiet", onclick: next }, "skip") : "",
          el("button", { type: "button", class: "quiet", onclick: end }, "end the tour"),
        ),
      ),
    );
  };
  const show = (step, button) => {
    if (button.ariaDisabled) return; // it is on its way
    const settle = () => {
      button.ariaDisabled = null;
      button.textContent = "Show me";
    };
    button.ariaDisabled = "true";
    button.textContent = "On its way …";
    stop = reach(place.parentElement, step.show, settle);
  };
  const next = () => {
    number += 1;
    draw();
  };
  const begin = () => {
    number = 0;
    isOn = true;
    draw();
  };
  scene.tell = (what) => {
    if (isOn && steps[number]?.wait === what) next();
  };
  keepPresses(place);
  if (localStorage.getItem(KEPT)) end();
  else begin();
}
