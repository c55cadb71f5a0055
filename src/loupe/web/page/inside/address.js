// What is shown of a network, as the page's address has it, so that a link and the way back lead to it again.

const VIEWS = ["filters", "exciting"]; // of a layer; its maps need no word

/** Return what an address asks for: picture, layer, its view, a number, reasons, a lesson; null for what it does not. */
export function readPlace(query) {
  const spot = (query.get("at") ?? "").split(".").map(Number),
    method = query.get("why"),
    target = query.get("for");
  return {
    image: query.get("image"),
    layer: query.get("layer"),
    view: VIEWS.includes(query.get("view")) ? query.get("view") : null,
    spot: spot.length === 3 && spot.every(Number.isInteger) ? spot : null,
    reasons: method ? { method, target: /^\d+$/.test(target ?? "") ? Number(target) : null } : null,
    lesson: query.get("lesson"),
  };
}

/** Return the address of what is shown of a network. */
export function writePlace(id, { image, layer, view, spot, reasons, lesson }) {
  const words = new URLSearchParams();
  if (image) words.set("image", image);
  if (layer) words.set("layer", layer);
  if (layer && view) words.set("view", view);
  if (spot) words.set("at", spot.join("."));
  if (reasons) words.set("why", reasons.method);
  if (reasons && reasons.target !== null) words.set("for", reasons.target);
  if (lesson) words.set("lesson", lesson);
  return `#/inside/${encodeURIComponent(id)}?${words}`;
}

/** Return what a step inside a network is called, so that each has a name of its own in the browser's history. */
export function nameStep(id, { seen, layer, view, spot, reasons, lesson }) {
  const [channel, row, column] = spot ?? [];
  const words = [
    seen?.image,
    layer && (view ? `${layer}, ${view}` : layer),
    spot && `number ${channel} at ${row}, ${column}`,
    reasons && `why: ${reasons.method}`,
    lesson && `lesson ${lesson}`,
  ];
  return [...words.filter(Boolean), `inside ${id}`].join(" – ");
}

const ARRIVED = { isArrived: true }; // kept with an address; one that a link led to has nothing yet

/**
 * Have the address say what is shown: `note` is "step" for what the way back undoes, "here" for what belongs to the
 * step before, "none" where the address has it already.
 */
export function note(address, how) {
  if (how === "none") return;
  const isNew = how === "step" && address !== location.hash;
  history[isNew ? "pushState" : "replaceState"](ARRIVED, "", address);
}

/** Return whether a link, and not the way back or on, led to the address; it is asked once. */
export function isLinked() {
  const isNew = !history.state?.isArrived;
  if (isNew) history.replaceState(ARRIVED, "");
  return isNew;
}
