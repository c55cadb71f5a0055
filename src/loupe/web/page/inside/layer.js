// One layer: its maps for the image, or its filters, a page at a time; a click on a map chooses a number.
import { count, el, rove, short } from "../dom.js";
import { turner } from "../images.js";
import { paint, paintFilter, reachOf, unpack } from "../pixels.js";
import { ask, runPath, showProblem } from "../server.js";

export async function showLayer(scene, { what = "maps", page = null, isOwnScale = false } = {}) {
  const { parts, seen, id } = scene,
    layer = seen.layers.find((one) => one.name === scene.layer),
    place = parts.layer;
  const mine = (scene.layerTurn = (scene.layerTurn ?? 0) + 1);
  try {
    const isFilters = what === "filters" && layer.has_filters;
    const wanted = page ?? (isFilters || !scene.spot ? 0 : await findPage(scene, layer));
    const found = isFilters
      ? await ask(runPath(id, "/filters"), { query: { layer: layer.name, page: wanted } })
      : await ask(runPath(id, "/maps"), { query: { image: seen.image, layer: layer.name, page: wanted } });
    if (mine !== scene.layerTurn) return;
    const again = (changes) => showLayer(scene, { what, page: found.page, isOwnScale, ...changes });
    place.replaceChildren(
      el("h2", {}, layer.name),
      el(
        "p",
        { class: "soft" },
        `${layer.kind}, gives ${layer.shape.join(" × ")}; ${count(layer.parameters)} parameters, ${count(layer.multiply_adds)} multiply-adds an image.`,
      ),
      el(
        "div",
        { class: "tools" },
        toggle("maps", "What it gives", !isFilters, () => again({ what: "maps", page: 0 })),
        layer.has_filters
          ? toggle("filters", "Its filters", isFilters, () => again({ what: "filters", page: 0 }))
          : "",
        el(
          "label",
          {},
          el("input", {
            type: "checkbox",
            checked: isOwnScale,
            onchange: (event) => again({ isOwnScale: event.target.checked }),
          }),
          " a scale for each",
        ),
      ),
      scaleWords(found, isOwnScale),
      isFilters ? drawFilters(found, isOwnScale) : drawMaps(scene, found, isOwnScale),
      turner(found, (next) => again({ page: next })),
    );
    mark(scene);
  } catch (error) {
    place.replaceChildren(showProblem(error));
  }
}

async function findPage(scene, layer) {
  const first = await ask(runPath(scene.id, "/maps"), {
    query: { image: scene.seen.image, layer: layer.name },
  });
  return Math.min(first.num_pages - 1, Math.floor(scene.spot[0] / first.maps.shape[0]));
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
      : `${signs}; ${short(found.low)} to ${short(found.high)}, one scale for all ${count(found.total)}.`,
  );
}

function drawMaps(scene, found, isOwnScale) {
  const maps = unpack(found.maps),
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
    const words =
      size === 1
        ? `unit ${channel}: ${short(values[0])}`
        : `map ${channel}${isDead ? ", zero everywhere" : ""}`;
    grid.append(
      el(
        "button",
        {
          type: "button",
          "data-channel": channel,
          "aria-label": words,
          title: words,
          "aria-pressed": "false",
          onclick: (event) => {
            const spot = size === 1 ? [0, 0] : placeOf(event, canvas, height, width);
            enlarge(scene, channel, values, height, width, spot, found, isOwnScale);
            scene.chooseSpot([channel, ...spot]).then(() => mark(scene));
          },
        },
        canvas,
        el("span", {}, size === 1 ? short(values[0]) : String(channel)),
      ),
    );
  }
  rove(grid);
  scene.maps = { found, maps, isOwnScale };
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
  const choose = (next, wait) => {
    move(next);
    clearTimeout(timer);
    timer = setTimeout(() => scene.chooseSpot([channel, ...at]), wait);
  };
  board.addEventListener("click", (event) => choose(placeOf(event, canvas, height, width), 0));
  board.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    choose(
      [Math.min(height - 1, Math.max(0, at[0] + step[0])), Math.min(width - 1, Math.max(0, at[1] + step[1]))],
      150,
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
