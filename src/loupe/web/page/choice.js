// Runs to choose from, where a page needs one.
import { el, figure, link } from "./dom.js";
import { ask } from "./server.js";

export async function chooseRun(place, title, question, address, words) {
  const { runs } = await ask("runs");
  const usable = runs
    .flatMap((run) => (run.seeds.length ? run.seeds : [run]))
    .filter((run) => run.has_weights);
  place.append(
    el("h1", {}, title),
    usable.length
      ? el("p", {}, question)
      : el("p", {}, "No run has weights yet. Train one: ", el("code", {}, "loupe train digits")),
    el(
      "ul",
      { class: "choose-run" },
      ...usable.map((run) =>
        el(
          "li",
          {},
          link(address(run), run.id),
          " ",
          el("span", { class: "soft" }, `${words(run)}, ${figure(run.test ?? run.validation)}`),
        ),
      ),
    ),
  );
}
