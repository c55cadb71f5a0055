// Where a picture comes from: validation images, a file, the clipboard, a drawing, the camera.
import { el, rove } from "../dom.js";
import { offerImages } from "../images.js";
import { runPath, showProblem, upload } from "../server.js";
import { showCamera } from "./camera.js";
import { showDrawing } from "./drawing.js";

/** Fill the picker; returns the first image that is offered, if there is one. */
export async function showPicker(scene) {
  const { parts, facts, id } = scene,
    panel = el("div", { class: "panel" }),
    problem = el("div");
  const ways = [
    {
      name: "known",
      words: "Validation images",
      fill: (place) => fillKnown(place, scene),
      can: facts.num_validation > 0,
    },
    { name: "file", words: "Upload or paste", fill: (place) => fillFile(place, facts, keep), can: true },
    { name: "draw", words: "Draw", fill: (place) => showDrawing(place, facts, keep), can: facts.can_draw },
    {
      name: "camera",
      words: "Camera",
      fill: (place) => {
        stop = showCamera(place, keep);
      },
      can: Boolean(navigator.mediaDevices?.getUserMedia),
    },
  ].filter((way) => way.can);
  let stop = null;

  async function keep(blob, fields = {}) {
    const isWanted = scene.wait();
    problem.replaceChildren();
    try {
      const kept = await upload(runPath(id, "/images"), blob, fields);
      if (isWanted()) await scene.chooseImage(kept.image); // else a later picture has overtaken it
    } catch (error) {
      if (isWanted()) problem.replaceChildren(showProblem(error));
    } finally {
      scene.settle(isWanted);
    }
  }

  function choose(way) {
    stop?.();
    stop = null;
    for (const tab of tabs.children) tab.setAttribute("aria-pressed", String(tab.dataset.way === way.name));
    panel.replaceChildren();
    problem.replaceChildren();
    return way.fill(panel);
  }

  const paste = (event) => {
    const item = [...(event.clipboardData?.items ?? [])].find((one) => one.type.startsWith("image/"));
    if (item) keep(item.getAsFile(), { fit: facts.fit ?? "pad" });
  };
  document.addEventListener("paste", paste);
  scene.stop = () => {
    stop?.();
    document.removeEventListener("paste", paste);
  };

  const tabs = el(
    "div",
    { class: "ways", role: "group", "aria-label": "Where the picture comes from" },
    ...ways.map((way) =>
      el("button", { type: "button", "data-way": way.name, onclick: () => choose(way) }, way.words),
    ),
  );
  rove(tabs);
  parts.picker.replaceChildren(
    el("h2", {}, "A picture"),
    tabs,
    facts.problem ? el("p", { class: "note" }, `No validation images: ${facts.problem}`) : "",
    panel,
    problem,
  );
  return choose(ways[0]);
}

/** Offer validation images; returns the first of them, if there is one. */
async function fillKnown(place, scene) {
  const { facts, id, chooseImage } = scene;
  const grid = el("div", { class: "known" });
  const fill = offerImages(grid, id, chooseImage, () => scene.chosen);
  const which = el(
    "select",
    { "aria-label": "Class" },
    el("option", { value: "" }, "every class"),
    ...facts.class_names.map((name, index) =>
      el("option", { value: index }, `${name} (${facts.counts[index]})`),
    ),
  );
  const only = el(
    "select",
    { "aria-label": "Which images" },
    el("option", { value: "all" }, "all"),
    ...(facts.num_mistakes === null
      ? []
      : [
          el("option", { value: "mistakes" }, `mistakes (${facts.num_mistakes})`),
          el("option", { value: "unsure" }, "least sure first"),
        ]),
  );
  const refill = () => fill({ true: which.value, only: only.value });
  which.addEventListener("change", refill);
  only.addEventListener("change", refill);
  place.append(
    el("div", { class: "tools" }, which, only),
    grid,
    el("p", { class: "soft" }, "Test images are not offered: the test set is locked."),
  );
  const found = await refill();
  return found?.images[0]?.image ?? null;
}

/** Offer to take a file; `keep(blob, fields)` is handed it. */
function fillFile(place, facts, keep) {
  const fit = el(
    "select",
    { "aria-label": "How another size is fitted" },
    ...[
      ["pad", "whole, with a border"],
      ["crop", "middle, cut out"],
      ["resize", "stretched"],
    ].map(([value, words]) => el("option", { value }, words)),
  );
  fit.value = facts.fit ?? "pad";
  const file = el("input", {
    type: "file",
    accept: "image/png,image/jpeg,image/webp,image/gif,image/bmp",
    onchange: () => file.files[0] && keep(file.files[0], { fit: fit.value }),
  });
  const zone = el(
    "label",
    { class: "drop" },
    el("b", {}, "Choose a file"),
    " drop one here, or paste with Ctrl-V",
    file,
  );
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    const dropped = event.dataTransfer.files[0];
    if (dropped) keep(dropped, { fit: fit.value });
  });
  place.append(
    zone,
    el("p", {}, el("label", {}, "Another size than ", `${facts.image_size.join(" × ")} is shown `, fit)),
    el(
      "p",
      { class: "soft" },
      "The picture goes to this machine's own server, is not stored, and is forgotten when it ends.",
    ),
  );
}
