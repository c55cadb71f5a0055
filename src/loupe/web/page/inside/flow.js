// The network as one picture: the way from pixels to probabilities, to scale; a station opens its layers.
import { count, el, rove } from "../dom.js";
import { paint, reachOf, unpack } from "../pixels.js";
import { ask, runPath, showProblem } from "../server.js";
import { svg } from "../svg.js";
import { take } from "../turns.js";
import { drawShares } from "./shares.js";

const LEAST_WIDTH = 60,
  MOST_WIDTH = 200,
  PIXELS_A_MILLIMETRE = 6.2; // at which its words are as large as those around it

/** Return the place of the picture, which fills as soon as the server has traced the network. */
export function drawFlow(scene) {
  const place = el("div", { class: "flow-place" }, el("p", { class: "soft" }, "Following the picture …"));
  const image = scene.seen.image,
    isWanted = take(scene.parts.network);
  requestAnimationFrame(async () => {
    const room = place.clientWidth || 900,
      width = Math.min(MOST_WIDTH, Math.max(LEAST_WIDTH, Math.floor(room / PIXELS_A_MILLIMETRE)));
    try {
      const flow = await ask(runPath(scene.id, "/flow"), { query: { image, width } });
      if (!isWanted()) return;
      place.replaceChildren(...showFlow(scene, flow, room));
      markStation(scene);
    } catch (error) {
      if (isWanted()) place.replaceChildren(showProblem(error));
    }
  });
  return place;
}

/** Show which station holds the chosen layer. */
export function markStation(scene) {
  for (const one of scene.parts.network.querySelectorAll(".flow [data-layers]"))
    one.setAttribute("aria-pressed", String(one.dataset.layers.split(" ").includes(scene.layer)));
}

function showFlow(scene, flow, room) {
  const whole = room / flow.width,
    near = Math.max(whole, 4);
  let scale = Math.min(near, PIXELS_A_MILLIMETRE * 1.3);
  const drawing = drawAll(scene, flow);
  const frame = el(
    "div",
    { class: "flow scroll", role: "group", tabIndex: 0, "aria-label": "The network, drawn; scrolls" },
    drawing,
  );
  const resize = (next) => {
    scale = Math.min(40, Math.max(Math.min(whole, 2), next));
    drawing.setAttribute("width", scale * flow.width);
    drawing.setAttribute("height", scale * flow.height);
  };
  resize(scale);
  const told = el("div", { class: "flow-told soft", "aria-live": "polite" }, "Choose a station.");
  scene.tellStation = (station) => told.replaceChildren(...describe(scene, station));
  rove(drawing, "[data-layers]");
  const button = (words, label, change) =>
    el("button", { type: "button", "aria-label": label, onclick: () => resize(change()) }, words);
  return [
    el(
      "div",
      { class: "tools" },
      button("+", "Larger", () => scale * 1.4),
      button("−", "Smaller", () => scale / 1.4),
      button("Whole", "The whole width", () => whole),
      el("span", { class: "soft" }, `${flow.scale}.`),
    ),
    frame,
    told,
  ];
}

function drawAll(scene, flow) {
  const drawing = svg("svg", {
    viewBox: `0 0 ${flow.width} ${flow.height}`,
    role: "group",
    "aria-label": "Stations from pixels to the answer",
  });
  drawing.append(
    svg(
      "defs",
      {},
      ...["way", "shortcut", "gate"].map((kind) =>
        svg(
          "marker",
          {
            id: `flow-end-${kind}`,
            viewBox: "0 0 4 4",
            refX: 3.4,
            refY: 2,
            markerWidth: 1.5,
            markerHeight: 1.5,
            markerUnits: "userSpaceOnUse",
            orient: "auto",
          },
          svg("path", { d: "M0,0 L4,2 L0,4 z", class: `flow-end ${kind}` }),
        ),
      ),
    ),
    ...flow.frames.map((one) => drawFrame(one)),
    ...flow.routes.map((one) => drawRoute(one)),
    ...flow.stations.map((one) => drawStation(scene, flow, one)),
    ...flow.marks.map((one) => drawMark(flow, one)),
  );
  return drawing;
}

function drawFrame(frame) {
  const name = `${frame.block} (${frame.kind})`,
    most = Math.max(3, Math.floor(frame.width / 1.2));
  return svg(
    "g",
    {},
    svg("rect", {
      class: "flow-frame",
      x: frame.x,
      y: frame.y,
      width: frame.width,
      height: frame.height,
      rx: 0.8,
    }),
    svg(
      "text",
      { class: "flow-block", x: frame.x + 0.8, y: frame.y + 2.3 },
      name.length <= most ? name : frame.block.slice(-most),
    ),
  );
}

function drawRoute(route) {
  return svg("polyline", {
    class: `flow-route ${route.kind}${route.is_assumed ? " assumed" : ""}`,
    points: route.points.map((point) => point.join(",")).join(" "),
    "marker-end": `url(#flow-end-${route.kind})`,
  });
}

function drawMark(flow, mark) {
  const station = flow.stations[mark.station];
  return svg(
    "g",
    { "aria-hidden": "true" },
    svg("line", { class: "flow-route way", x1: mark.x + mark.radius, y1: mark.y, x2: station.x, y2: mark.y }),
    svg("circle", { class: "flow-mark", cx: mark.x, cy: mark.y, r: mark.radius }),
    svg("text", { class: "flow-sign", x: mark.x, y: mark.y + 0.95 }, mark.sign),
  );
}

function drawStation(scene, flow, station) {
  const { x, y, width, height, role } = station;
  const isOpen = station.layers.length > 0 || role === "softmax";
  const choose = () => {
    scene.tellStation(station);
    if (role === "softmax") scene.openLesson?.("softmax");
    else if (station.layers.length) scene.chooseLayer(station.layers[0]);
  };
  const properties = isOpen
    ? {
        role: "button",
        tabindex: -1,
        "aria-pressed": "false",
        "data-layers": station.layers.join(" "),
        onclick: choose,
        onkeydown: (event) => {
          if (event.key !== "Enter" && event.key !== " ") return;
          event.preventDefault();
          choose();
        },
      }
    : {};
  return svg(
    "g",
    { class: `flow-station ${role}`, ...properties },
    svg("rect", {
      class: "flow-touch",
      x: x - 1,
      y: y - 1,
      width: width + station.depth[0] + 2,
      height: height + 2,
    }),
    role === "softmax" ? drawShares(flow, station) : drawVolume(scene, station),
    // it is called by what stands on it; a space between lines, so that they are not read as one word
    ...station.lines.flatMap((line, number) => [
      svg(
        "text",
        {
          class: number ? "flow-words" : "flow-title",
          x: station.label[0],
          y: station.label[1] + 2 + number * flow.line_height,
        },
        line,
      ),
      " ",
    ]),
  );
}

function drawVolume(scene, station) {
  const { x, y, width, height, experts } = station,
    [right, up] = station.depth;
  const parts = [];
  if (right) {
    const top = [x, y, x + right, y - up, x + width + right, y - up, x + width, y],
      side = [
        x + width,
        y,
        x + width + right,
        y - up,
        x + width + right,
        y + height - up,
        x + width,
        y + height,
      ];
    parts.push(
      svg("polygon", { class: "flow-top", points: top.join(" ") }),
      svg("polygon", { class: "flow-side", points: side.join(" ") }),
    );
    for (let number = 1; number < experts; number++) {
      const [dx, dy] = [(right * number) / experts, (-up * number) / experts];
      const corners = [x + dx, y + dy, x + width + dx, y + dy, x + width + dx, y + height + dy];
      parts.push(svg("polyline", { class: "flow-expert", points: corners.join(" ") }));
    }
  }
  parts.push(
    svg("image", { href: pictureOf(scene, station), x, y, width, height, preserveAspectRatio: "none" }),
    svg("rect", { class: "flow-face", x, y, width, height }),
  );
  if (station.role === "gate" && station.values) {
    const shares = unpack(station.values).values;
    if (shares.length <= 8)
      shares.forEach((share, number) =>
        parts.push(
          svg(
            "text",
            {
              class: "flow-share",
              x: x + width + 0.7,
              y: y + (height * (number + 0.5)) / shares.length + 0.7,
            },
            `${(100 * share).toFixed(0)}%`,
          ),
        ),
      );
  }
  return svg("g", {}, ...parts);
}

/** Return what a station gives as a picture's address, in the colours of the page. */
function pictureOf(scene, station) {
  if (!station.values) return scene.seen.picture;
  const { shape, values, low, high } = unpack(station.values),
    [rows, columns] = shape.length === 2 ? shape : [values.length, 1];
  const canvas = document.createElement("canvas");
  paint(canvas, values, rows, columns, reachOf(low, high));
  return canvas.toDataURL();
}

/** Return what is said of a chosen station: all of its numbers, and the way to each of its layers. */
function describe(scene, station) {
  const known = new Set(scene.seen.layers.map((one) => one.name)),
    shown = station.channel === null ? "" : `; shown: channel ${station.channel}, which varies most`;
  const inside = station.block ? ` in ${station.block}` : "";
  return [
    el("b", {}, station.title),
    ` ${station.words.join(", ")}${inside}: gives ${station.shape.join(" × ")}, ${count(station.parameters)} parameters${shown}. `,
    ...station.layers
      .filter((name) => known.has(name))
      .map((name) =>
        el("button", { type: "button", class: "quiet", onclick: () => scene.chooseLayer(name) }, name),
      ),
  ];
}
