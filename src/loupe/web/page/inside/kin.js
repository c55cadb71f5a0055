// The training images most like the chosen one, as the network sees them.
import { count, el } from "../dom.js";
import { picture } from "../images.js";
import { ask, runPath, showProblem } from "../server.js";

export function showKin(scene) {
  const { parts, id, seen } = scene, place = parts.kin;
  const button = el("button", { type: "button", onclick: () => find() }, "Search the training images");
  const result = el("div", { "aria-live": "polite" });
  async function find() {
    button.disabled = true;
    result.textContent = "searching; the first time takes seconds …";
    try {
      const found = await ask(runPath(id, "/kin"), { query: { image: seen.image } });
      if (scene.seen !== seen) return;
      scene.wantsKin = true;
      result.replaceChildren(el("div", { class: "strip large" }, ...found.images.map((one) => el("figure", {}, picture(one, `training image: ${one.true_class}`), el("figcaption", {}, one.true_class, el("br"), el("span", { class: "soft" }, `distance ${one.distance.toFixed(3)}`))))),
        el("p", { class: "soft" }, `Nearest first, by the cosine distance of its features, among ${count(found.num_searched)}${found.num_searched < found.num_training ? ` of ${count(found.num_training)}` : ""} training images.`));
    } catch (error) {
      result.replaceChildren(showProblem(error));
    }
  }
  place.replaceChildren(el("h2", {}, "What it is most like"), el("p", { class: "soft" }, "The training images nearest to this one, by what the network's last layer is given of them."), scene.wantsKin ? "" : button, result);
  if (scene.wantsKin) find();
}
