// Validation images, a page at a time, as buttons or as links into the network.
import { count, el, percent, rove } from "./dom.js";
import { ask, runPath, showProblem } from "./server.js";
import { latest, take } from "./turns.js";

/** Fill a place with links to images that fit a query. */
export async function showImages(place, id, query, title, page = 0) {
  try {
    const found = await latest(place, ask(runPath(id, "/images"), { query: { ...query, page } }));
    if (!found) return;
    const strip = el(
      "div",
      { class: "strip" },
      ...found.images.map((one) =>
        el(
          "a",
          { class: "tiny", href: `#/inside/${encodeURIComponent(id)}?image=${one.image}` },
          picture(one),
          el(
            "span",
            { class: one.predicted === null || one.predicted === one.true_class ? "" : "wrong" },
            one.predicted === null || one.predicted === one.true_class
              ? one.true_class
              : `${one.true_class} → ${one.predicted}`,
          ),
          el("span", { class: "soft" }, percent(one.probability, 1)),
        ),
      ),
    );
    place.replaceChildren(
      el("h3", {}, `${title}: ${count(found.total)}`),
      found.total ? strip : el("p", {}, "None."),
      turner(found, (wanted) => showImages(place, id, query, title, wanted)),
    );
  } catch (error) {
    place.replaceChildren(showProblem(error));
  }
}

/** Show which of the images offered is chosen. */
export function markChosen(place, image) {
  for (const one of place.querySelectorAll("button[data-image]"))
    one.setAttribute("aria-pressed", String(one.dataset.image === image));
}

/**
 * Fill a place with images to choose from; `choose(image)` is told, `getChosen()` asked which one is chosen.
 * Returns how to show another page or query.
 */
export function offerImages(place, id, choose, getChosen) {
  async function fill(query, page = 0) {
    const isWanted = take(place);
    try {
      const found = await ask(runPath(id, "/images"), { query: { ...query, page } });
      if (!isWanted()) return found;
      const grid = el(
        "div",
        { class: "choices", role: "group", "aria-label": "Validation images" },
        ...found.images.map((one) =>
          el(
            "button",
            {
              type: "button",
              "data-image": one.image,
              title: describe(one),
              "aria-label": describe(one),
              class: one.predicted !== null && one.predicted !== one.true_class ? "wrong" : "",
              onclick: () => choose(one.image),
            },
            picture(one),
          ),
        ),
      );
      place.replaceChildren(
        grid,
        el(
          "p",
          { class: "soft" },
          `${count(found.total)} images${query.only === "mistakes" ? ", most confident first" : found.images.some((one) => one.predicted !== null && one.predicted !== one.true_class) ? "; dashed: the network is wrong" : ""}`,
        ),
        turner(found, (wanted) => fill(query, wanted)),
      );
      markChosen(grid, getChosen());
      rove(grid);
      return found;
    } catch (error) {
      if (isWanted()) place.replaceChildren(showProblem(error));
      return null;
    }
  }
  return fill;
}

const describe = (one) =>
  `${one.image}: ${one.true_class}${one.predicted === null ? "" : one.predicted === one.true_class ? ", predicted rightly" : `, predicted as ${one.predicted}`}`;

export function picture(one, alt = "") {
  return el("img", { class: "pixel", src: one.picture, alt });
}

/** Return buttons that turn pages; nothing if there is one. */
export function turner(found, turn) {
  if (found.num_pages < 2) return "";
  const button = (words, page) =>
    el(
      "button",
      {
        type: "button",
        class: "quiet",
        disabled: page < 0 || page >= found.num_pages,
        onclick: () => turn(page),
      },
      words,
    );
  return el(
    "p",
    { class: "turner" },
    button("‹ back", found.page - 1),
    ` page ${found.page + 1} of ${found.num_pages} `,
    button("on ›", found.page + 1),
  );
}
