// The filters of a layer, and what they were along the training where the run kept them.
import { count, el } from "../dom.js";
import { paint, paintFilter, reachOf, unpack } from "../pixels.js";
import { ask, runPath, showProblem } from "../server.js";
import { latest } from "../turns.js";

/** Return a page of filters; with a slider over the epochs at which they were kept. */
export function showFilters(scene, found, isOwnScale) {
  const place = el("div", {}, drawFilters(found, isOwnScale));
  if (!found.epochs.length) return place;
  const stops = [...found.epochs, null]; // the last are the best weights, which all else here shows
  const words = el("output", {}, nameStop(null));
  const slider = el("input", {
    type: "range",
    min: 0,
    max: stops.length - 1,
    value: stops.length - 1,
    "aria-label": "Epoch of the training",
    "aria-valuetext": nameStop(null),
    oninput: async () => {
      const epoch = stops[Number(slider.value)];
      words.textContent = nameStop(epoch);
      slider.setAttribute("aria-valuetext", nameStop(epoch));
      const query = { layer: found.layer, page: found.page };
      if (epoch !== null) query.epoch = epoch;
      try {
        const then = await latest(place, ask(runPath(scene.id, "/filters"), { query }));
        if (then) place.replaceChildren(drawFilters(then, isOwnScale));
      } catch (error) {
        place.replaceChildren(showProblem(error));
      }
    },
  });
  return el("div", {}, el("label", { class: "along" }, "Along the training ", slider, " ", words), place);
}

const nameStop = (epoch) =>
  epoch === null ? "best weights" : epoch === 0 ? "before training" : `after epoch ${epoch}`;

/** Return the filters of a page of them. */
function drawFilters(found, isOwnScale) {
  const filters = unpack(found.maps),
    [number, channels, height, width] = filters.shape,
    each = channels * height * width;
  const grid = el("div", { class: "map-grid filters", role: "list", "aria-label": "Filters" });
  const many = channels !== 1 && channels !== 3;
  for (let index = 0; index < number; index++) {
    const values = filters.values.subarray(index * each, (index + 1) * each);
    const reach = isOwnScale
      ? reachOf(Math.min(...values), Math.max(...values))
      : reachOf(found.low, found.high);
    const pictures = many
      ? Array.from({ length: Math.min(channels, 8) }, (_, channel) => {
          const canvas = el("canvas", { "aria-hidden": "true" });
          paint(
            canvas,
            values.subarray(channel * height * width, (channel + 1) * height * width),
            height,
            width,
            reach,
          );
          return canvas;
        })
      : [el("canvas", { "aria-hidden": "true" })];
    if (!many) paintFilter(pictures[0], values, [channels, height, width], reach);
    grid.append(
      el(
        "div",
        {
          class: many ? "filter many" : "filter",
          role: "listitem",
          "aria-label": `filter ${found.first + index}`,
        },
        el("span", {}, String(found.first + index)),
        el("div", { class: "kernels" }, ...pictures),
      ),
    );
  }
  return el(
    "div",
    {},
    grid,
    many && channels > 8
      ? el(
          "p",
          { class: "soft" },
          `Of each filter the kernels of the first 8 of ${count(channels)} input channels; loupe inspect RUN --layer ${found.layer} draws them all.`,
        )
      : channels === 3
        ? el("p", { class: "soft" }, "Red, green and blue weights as a colour; mid-grey is zero.")
        : "",
  );
}
