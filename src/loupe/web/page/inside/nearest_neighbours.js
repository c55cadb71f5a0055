// The training images most like the chosen one, as the network sees them.
import { count, el, speak } from "../dom.js";
import { picture } from "../images.js";
import { ask, runPath, showProblem } from "../server.js";
import { take } from "../turns.js";

export function showNearestNeighbours(scene) {
  const { parts, id, seen } = scene,
    place = parts.neighbours,
    isWanted = take(place);
  const button = el("button", { type: "button", onclick: () => find() }, "Search the training images");
  const result = el("div");
  async function find(isFirst = true) {
    button.disabled = true;
    if (isFirst) result.textContent = "searching …";
    try {
      const found = await ask(runPath(id, "/nearest-neighbours"), { query: { image: seen.image } });
      if (!isWanted()) return;
      scene.wantsNeighbours = true;
      result.replaceChildren(
        el("div", { class: "strip large" }, ...found.images.map(drawOne)),
        ...tell(found),
      );
      if (isFirst)
        speak(
          `Nearest: ${found.images
            .slice(0, 3)
            .map((one) => one.true_class)
            .join(", ")}.`,
        );
      if (found.num_searched < found.num_wanted)
        setTimeout(() => {
          if (isWanted()) find(false);
        }, 1500);
    } catch (error) {
      result.replaceChildren(showProblem(error));
    }
  }
  place.replaceChildren(
    el("h2", {}, "What it is most like"),
    el(
      "p",
      { class: "soft" },
      "The training images nearest to this one, by what the network's last layer is given of them.",
    ),
    scene.wantsNeighbours ? "" : button,
    result,
  );
  if (scene.wantsNeighbours) find();
}

function drawOne(one) {
  return el(
    "figure",
    {},
    picture(one, `training image: ${one.true_class}`),
    el(
      "figcaption",
      {},
      one.true_class,
      el("br"),
      el("span", { class: "soft" }, `distance ${one.distance.toFixed(3)}`),
    ),
  );
}

function tell({ num_searched, num_wanted, num_training }) {
  const isPart = num_searched < num_training;
  const words = `Nearest first, by the cosine distance of its features, among ${count(num_searched)}${isPart ? ` of ${count(num_training)}` : ""} training images${isPart ? ", drawn evenly from the classes" : ""}.`;
  if (num_searched >= num_wanted) return [el("p", { class: "soft" }, words)];
  return [
    el(
      "p",
      { class: "soft" },
      `${words} The search goes on to ${count(num_wanted)} `,
      el("progress", {
        max: num_wanted,
        value: num_searched,
        "aria-label": "part of the training images that is searched",
      }),
    ),
  ];
}
