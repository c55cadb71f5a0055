// One layer: its maps for the image, or its filters, a page at a time; a click on a map chooses a number.
import { count, el, rove, short } from "../dom.js";
import { turner } from "../images.js";
import { paint, reachOf, unpack } from "../pixels.js";
import { ask, runPath, showProblem } from "../server.js";
import { findLesson } from "../theory/kinds.js";
import { take, watch } from "../turns.js";
import { showExciting } from "./exciting.js";
import { nameUnit, showFacts } from "./facts.js";
import { showFilters } from "./filters.js";

export async function showLayer(
  scene,
  { what = scene.view ?? "maps", page = null, isOwnScale = false } = {},
) {
  const { parts, seen } = scene,
    layer = seen.layers.find((one) => one.name === scene.layer),
    place = parts.layer;
  const isWanted = take(place);
  place.setAttribute("aria-busy", "true"); // what is shown meanwhile may be of another layer
  try {
    const view = canShow(scene, layer, what) ? what : "maps";
    const found = await VIEWS[view].fetch(scene, layer, page);
    if (!isWanted()) return;
    const again = (changes) => showLayer(scene, { what: view, page: found.page, isOwnScale, ...changes });
    place.replaceChildren(
      el("h2", {}, layer.name),
      showFacts(layer),
      drawTools(scene, layer, { view, isOwnScale, again }),
      VIEWS[view].hasScale ? scaleWords(found, isOwnScale) : "",
      VIEWS[view].draw(scene, found, isOwnScale),
      turner(found, (next) => again({ page: next })),
    );
    mark(scene);
  } catch (error) {
    if (isWanted()) place.replaceChildren(showProblem(error));
  } finally {
    if (isWanted()) place.removeAttribute("aria-busy");
  }
}

const VIEWS = {
  maps: { title: "What it gives", fetch: fetchMaps, draw: drawMaps, hasScale: true },
  filters: { title: "Its filters", fetch: fetcher("/filters"), draw: showFilters, hasScale: true },
  exciting: {
    title: "What excites it",
    fetch: fetcher("/exciting"),
    draw: showExciting,
    hasScale: false,
  },
};

/** Return whether a layer has such a view: filters to draw, or channels that validation images excite. */
function canShow(scene, layer, view) {
  if (view === "filters") return layer.has_filters;
  if (view === "exciting")
    return scene.facts.num_validation > 0 && (layer.shape.length === 3 || layer.shape.length === 1);
  return true;
}

async function fetchMaps(scene, layer, page) {
  const wanted = page ?? (scene.spot ? await findPage(scene, layer) : 0);
  const query = { image: scene.seen.image, layer: layer.name, page: wanted };
  return ask(runPath(scene.id, "/maps"), { query });
}

function fetcher(path) {
  return (scene, layer, page) =>
    ask(runPath(scene.id, path), { query: { layer: layer.name, page: page ?? 0 } });
}

function drawTools(scene, layer, { view, isOwnScale, again }) {
  const views = Object.keys(VIEWS).filter((one) => canShow(scene, layer, one));
  const choose = (what) => {
    scene.view = what === "maps" ? null : what;
    scene.remember("step");
    return again({ what, page: 0 });
  };
  return el(
    "div",
    { class: "tools" },
    ...views.map((one) => toggle(one, VIEWS[one].title, one === view, () => choose(one))),
    whatItDoes(scene, layer),
    VIEWS[view].hasScale ? ownScale(isOwnScale, again) : "",
  );
}

function ownScale(isOwnScale, again) {
  return el(
    "label",
    {},
    el("input", {
      type: "checkbox",
      checked: isOwnScale,
      onchange: (event) => again({ isOwnScale: event.target.checked }),
    }),
    " a scale for each",
  );
}

async function findPage(scene, layer) {
  const first = await ask(runPath(scene.id, "/maps"), {
    query: { image: scene.seen.image, layer: layer.name },
  });
  return Math.min(first.num_pages - 1, Math.floor(scene.spot[0] / first.maps.shape[0]));
}

/** Return a way to the lesson on such layers; nothing if there is none. */
function whatItDoes(scene, layer) {
  const lesson = findLesson(layer);
  if (!lesson || !scene.openLesson) return "";
  return el(
    "button",
    { type: "button", class: "quiet", onclick: () => scene.openLesson(lesson) },
    "What it does",
  );
}

function toggle(name, words, isOn, click) {
  return el(
    "button",
    { type: "button", "aria-pressed": String(isOn), "data-what": name, onclick: click },
    words,
  );
}

function scaleWords(found, isOwnScale) {
  const signs = found.low < 0 ? "amber above zero, blue below" : "amber above zero";
  return el(
    "p",
    { class: "soft" },
    isOwnScale
      ? `Each has a scale of its own: shades cannot be compared. ${signs}.`
      : `${signs}; ${short(found.low)} to ${short(found.high)}, one scale for all ${count(found.total)}${found.epochs?.length ? " and every epoch" : ""}.`,
  );
}

function drawMaps(scene, found, isOwnScale) {
  const { layer } = scene,
    maps = unpack(found.maps),
    [number, height, width] = maps.shape,
    size = height * width;
  const grid = el("div", {
    class: size === 1 ? "unit-grid" : "map-grid",
    role: "group",
    "aria-label": size === 1 ? "Units" : "Maps",
  });
  for (let index = 0; index < number; index++) {
    const channel = found.first + index,
      values = maps.values.subarray(index * size, (index + 1) * size);
    const canvas = el("canvas", { "aria-hidden": "true" });
    paint(
      canvas,
      values,
      height,
      width,
      isOwnScale ? reachOf(Math.min(...values), Math.max(...values)) : reachOf(found.low, found.high),
    );
    const isDead = size > 1 && values.every((one) => one === 0);
    const name = nameUnit(scene, channel);
    const words =
      size === 1
        ? `unit ${channel}${name}: ${short(values[0])}`
        : `map ${channel}${isDead ? ", zero everywhere" : ""}`;
    grid.append(
      el(
        "button",
        {
          type: "button",
          "data-channel": channel,
          "aria-label": name ? null : words, // a named unit is called by what stands on it
          title: words,
          "aria-pressed": "false",
          onclick: (event) => {
            const spot = size === 1 ? [0, 0] : placeOf(event, canvas, height, width);
            enlarge(scene, channel, values, height, width, spot, found, isOwnScale);
            scene.chooseSpot([channel, ...spot], layer).then(() => mark(scene));
          },
        },
        canvas,
        name ? el("span", { class: "unseen" }, `unit ${channel},`) : "",
        name ? el("span", { class: "unit-name" }, `${name.slice(2)}:`) : "",
        el("span", {}, size === 1 ? short(values[0]) : String(channel)),
      ),
    );
  }
  rove(grid);
  scene.maps = { layer, found, maps, isOwnScale };
  return el("div", { class: "maps-and-large" }, grid, el("div", { class: "large-map" }));
}

function placeOf(event, canvas, height, width) {
  const box = canvas.getBoundingClientRect();
  if (!event.clientX && !event.clientY) return [Math.floor(height / 2), Math.floor(width / 2)]; // from the keyboard
  const inside = (share, length) => Math.min(length - 1, Math.max(0, Math.floor(share * length)));
  return [
    inside((event.clientY - box.top) / box.height, height),
    inside((event.clientX - box.left) / box.width, width),
  ];
}

/** Show one map large, with a cursor that clicks and arrow keys move. */
function enlarge(scene, channel, values, height, width, spot, found, isOwnScale) {
  const place = scene.parts.layer.querySelector(".large-map");
  if (!place || height * width === 1) return place?.replaceChildren();
  const canvas = el("canvas", { "aria-hidden": "true" }),
    cursor = el("div", { class: "cursor" });
  paint(
    canvas,
    values,
    height,
    width,
    isOwnScale ? reachOf(Math.min(...values), Math.max(...values)) : reachOf(found.low, found.high),
  );
  const readout = el("p", { class: "soft", "aria-live": "polite" });
  const board = el(
    "div",
    {
      class: "board",
      tabIndex: 0,
      role: "application",
      "aria-label": `Map ${channel}, ${height} × ${width}. Arrow keys move the cursor.`,
    },
    canvas,
    cursor,
  );
  board.style.aspectRatio = `${width} / ${height}`;
  const { layer } = scene.maps; // of the maps on the page: another may be on its way
  let at = spot,
    timer = null;
  const move = (next) => {
    at = next;
    cursor.style.left = `${(100 * at[1]) / width}%`;
    cursor.style.top = `${(100 * at[0]) / height}%`;
    cursor.style.width = `${100 / width}%`;
    cursor.style.height = `${100 / height}%`;
    readout.textContent = `map ${channel}, row ${at[0]}, column ${at[1]}: ${short(values[at[0] * width + at[1]])}`;
  };
  const choose = (next, wait, how) => {
    move(next);
    clearTimeout(timer);
    const isWanted = watch(scene.parts.layer); // whoever asks for another layer wants no number of this one
    timer = setTimeout(() => isWanted() && scene.chooseSpot([channel, ...at], layer, how), wait);
  };
  board.addEventListener("click", (event) => choose(placeOf(event, canvas, height, width), 0, "step"));
  board.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    choose(
      [Math.min(height - 1, Math.max(0, at[0] + step[0])), Math.min(width - 1, Math.max(0, at[1] + step[1]))],
      150,
      "here", // a way back over every pixel would be none
    );
  });
  move(spot);
  place.replaceChildren(board, readout);
}

/** Show which map is chosen; after a page is drawn anew, its large picture too. */
function mark(scene) {
  const { spot, parts, maps } = scene;
  for (const one of parts.layer.querySelectorAll("[data-channel]"))
    one.setAttribute("aria-pressed", String(spot !== null && Number(one.dataset.channel) === spot[0]));
  const place = parts.layer.querySelector(".large-map");
  if (!spot || !place || place.children.length) return;
  const [number, height, width] = maps.maps.shape,
    index = spot[0] - maps.found.first;
  if (index < 0 || index >= number || spot[1] >= height || spot[2] >= width) return;
  enlarge(
    scene,
    spot[0],
    maps.maps.values.subarray(index * height * width, (index + 1) * height * width),
    height,
    width,
    [spot[1], spot[2]],
    maps.found,
    maps.isOwnScale,
  );
}
