// The picture and what the network says of it, with the reasons laid over it.
import { count, el, percent, rove } from "../dom.js";
import { overlay, unpack } from "../pixels.js";
import { ask, runPath, showProblem } from "../server.js";
import { latest, take } from "../turns.js";

const SHOWN_CLASSES = 5, // the most probable
  MORE_CLASSES = 40; // at a time
const WHY_WORDS = "Lay over the picture which pixels speak for the class; click a class to ask for that one.";

export function showAnswer(scene) {
  const { seen, parts } = scene;
  const prediction = seen.prediction,
    isWrong =
      seen.true_class !== null && prediction.class_name !== null && seen.true_class !== prediction.class_name;
  const stage = el(
    "div",
    { class: "stage" },
    el("img", {
      class: "pixel",
      src: seen.picture,
      alt: seen.true_class ? `${seen.image}: ${seen.true_class}` : "the chosen image",
    }),
    el("canvas", { class: "over", "aria-hidden": "true" }),
    el("div", { class: "field", hidden: true }),
  );
  stage.style.aspectRatio = `${scene.facts.image_size[1]} / ${scene.facts.image_size[0]}`;
  const truth =
    seen.true_class === null
      ? ""
      : el(
          "span",
          { class: isWrong ? "wrong" : "right" },
          isWrong
            ? `✗ it is ${seen.true_class}`
            : prediction.class_name === null
              ? seen.true_class
              : `✓ it is ${seen.true_class}`,
        );
  parts.answer.dataset.image = seen.image; // what the answer is about, for whoever waits for it
  parts.answer.replaceChildren(
    el("h2", {}, "The answer"),
    el(
      "div",
      { class: "answer-row" },
      el(
        "figure",
        { class: "chosen-picture" },
        stage,
        el("figcaption", { class: "soft" }, "as the network gets it", el("br"), truth),
      ),
      prediction.class_name === null ? showRemade(prediction) : showClasses(scene, prediction),
    ),
  );
}

function showRemade(prediction) {
  return el(
    "figure",
    { class: "chosen-picture" },
    el(
      "div",
      { class: "stage" },
      el("img", { class: "pixel", src: prediction.remade, alt: "what the network gave back" }),
    ),
    el(
      "figcaption",
      { class: "soft" },
      `as it gives it back: mean squared error ${prediction.error.toPrecision(3)}`,
    ),
  );
}

/** Return the less probable classes, folded and not drawn until they are asked for; there may be thousands. */
function showOthers(others, rows) {
  if (!others.length) return "";
  const details = el(
    "details",
    {},
    el("summary", {}, others.length === 1 ? "the other class" : `the other ${count(others.length)} classes`),
  );
  const draw = (start) => {
    const end = start + MORE_CLASSES,
      drawn = rows(others.slice(start, end));
    details.append(drawn);
    if (end >= others.length) return drawn;
    const left = others.length - end,
      more = el(
        "button",
        { type: "button", class: "quiet" },
        left > MORE_CLASSES ? `${MORE_CLASSES} more of ${count(left)}` : `the last ${left}`,
      );
    more.addEventListener("click", () => {
      more.remove();
      draw(end).querySelector("button").focus();
    });
    details.append(more);
    return drawn;
  };
  details.addEventListener("toggle", () => draw(0), { once: true });
  return details;
}

function showClasses(scene, prediction) {
  const ranked = Object.entries(prediction.probabilities).sort((a, b) => b[1] - a[1]);
  const rows = (some) =>
    el(
      "div",
      { class: "bars" },
      ...some.flatMap(([name, share]) => {
        const fill = el("span", { class: "fill" });
        fill.style.width = `${100 * share}%`;
        return [
          el(
            "button",
            {
              type: "button",
              class: "quiet class-name",
              title: `why ${name}?`,
              onclick: () => {
                const method = scene.method ?? scene.facts.methods[0].name;
                why(scene, method, scene.facts.class_names.indexOf(name));
              },
            },
            name,
          ),
          el("span", { class: "track", "aria-hidden": "true" }, fill),
          el("span", { class: "n" }, percent(share, 1)),
        ];
      }),
    );
  const methods = el(
    "div",
    { class: "methods", role: "group", "aria-label": "Ways to say why" },
    ...scene.facts.methods.map((method) =>
      el(
        "button",
        {
          type: "button",
          "aria-pressed": "false",
          "data-method": method.name,
          onclick: () => why(scene, method.name),
        },
        method.title,
      ),
    ),
  );
  rove(methods);
  return el(
    "div",
    { class: "said" },
    el(
      "p",
      { class: "verdict" },
      el("strong", {}, prediction.class_name),
      ` ${percent(prediction.probability, 1)} sure`,
    ),
    rows(ranked.slice(0, SHOWN_CLASSES)),
    showOthers(ranked.slice(SHOWN_CLASSES), rows),
    scene.facts.methods.length
      ? el(
          "div",
          { class: "why" },
          el("h3", {}, "Why?"),
          methods,
          el("div", { class: "why-words soft", "aria-live": "polite" }, WHY_WORDS),
        )
      : "",
  );
}

/**
 * Lay the reasons of a method over the picture; asked for twice, take them away. A question that is open while
 * another picture is chosen is asked of that one.
 */
export function why(scene, method, target = null) {
  const isShown = scene.parts.answer.querySelector(
    `[data-method="${CSS.escape(method)}"][aria-pressed="true"]`,
  );
  if (!scene.isAwaiting && target === null && isShown) {
    showReasons(scene, null);
    scene.remember("step");
    return undefined;
  }
  scene.method = method;
  scene.askWhy = () => layOver(scene, { method, target }, "step");
  if (!scene.isAwaiting) return scene.askWhy();
  scene.parts.answer.querySelector(".why-words").textContent = "asking …"; // of the picture chosen, once it is there
  return undefined;
}

/** Show such reasons as the address has them, or none. */
export function showReasons(scene, reasons, how = "none") {
  const { canvas, words } = clearReasons(scene, null);
  scene.askWhy = scene.reasons = null;
  if (reasons && words) return layOver(scene, reasons, how);
  if (canvas) take(canvas); // from an answer that may be on its way
  if (words) words.textContent = WHY_WORDS;
  return undefined;
}

function clearReasons({ parts }, method) {
  const canvas = parts.answer.querySelector(".over");
  for (const one of parts.answer.querySelectorAll("[data-method]"))
    one.setAttribute("aria-pressed", String(one.dataset.method === method));
  if (canvas) canvas.width = 0; // there is none where the picture could not be had
  return { canvas, words: parts.answer.querySelector(".why-words") };
}

async function layOver(scene, reasons, how) {
  const { canvas, words } = clearReasons(scene, reasons.method);
  words.textContent = "asking …";
  try {
    const query = { image: scene.seen.image, ...reasons };
    const found = await latest(canvas, ask(runPath(scene.id, "/attributions"), { query }));
    if (!found || scene.isAwaiting) return;
    scene.askWhy = null;
    scene.reasons = reasons;
    scene.remember(how);
    overlay(canvas, unpack(found.map));
    words.replaceChildren(
      `Amber speaks for “${found.target}” (${percent(found.probability, 1)})${found.is_signed ? ", blue against it" : ""}: ${found.note}. This is what the method says, not proof of what the network used: compare methods. A map that stays the same when the weights are replaced by random ones shows the picture, not what was learned; Loupe's Python interface has a sanity check for that.`,
    );
    if (found.map.low === 0 && found.map.high === 0) words.append(" This map is zero everywhere.");
    if (how === "step") scene.tell("why");
  } catch (error) {
    scene.askWhy = null;
    clearReasons(scene, null);
    words.replaceChildren(showProblem(error));
  }
}

/** Take the frame of a number from the picture, or keep one from coming. */
export function hideField(scene) {
  const frame = scene.parts.answer.querySelector(".field");
  if (!frame) return;
  take(frame);
  frame.hidden = true;
}

/** Frame the pixels that a number can depend on. */
export async function frameField(scene, layer, row, column) {
  const frame = scene.parts.answer.querySelector(".field");
  if (!frame) return;
  frame.hidden = true;
  try {
    const query = { layer, row, column };
    const field = await latest(frame, ask(runPath(scene.id, "/field"), { query }));
    if (!field) return;
    const [height, width] = scene.facts.image_size;
    frame.style.top = `${(100 * field.first_row) / height}%`;
    frame.style.left = `${(100 * field.first_column) / width}%`;
    frame.style.height = `${(100 * (field.last_row - field.first_row + 1)) / height}%`;
    frame.style.width = `${(100 * (field.last_column - field.first_column + 1)) / width}%`;
    frame.title = "all pixels the chosen number can depend on";
    frame.hidden = false;
  } catch {
    /* the frame is an extra; the number itself is shown */
  }
}
