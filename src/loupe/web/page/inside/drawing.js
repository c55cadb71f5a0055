// A board to draw on: white ink on black, sent as it is; the server fits it as the training images are.
import { el } from "../dom.js";

const SIDE = 280;

export function showDrawing(place, facts, keep) {
  const pen = SIDE / Math.max(6, Math.min(14, Math.max(...facts.image_size)));
  const canvas = el("canvas", {
    class: "drawing",
    width: SIDE,
    height: SIDE,
    tabIndex: 0,
    role: "img",
    "aria-label": "Board to draw on with a pointer",
  });
  const context = canvas.getContext("2d");
  let last = null,
    timer = null;
  const clear = () => {
    clearTimeout(timer);
    context.fillStyle = "#000";
    context.fillRect(0, 0, SIDE, SIDE);
  };
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
  };
  const draw = (to) => {
    Object.assign(context, { strokeStyle: "#fff", lineWidth: pen, lineCap: "round", lineJoin: "round" });
    context.beginPath();
    context.moveTo(...(last ?? to));
    context.lineTo(...to);
    context.stroke();
    last = to;
  };
  const send = () => {
    clearTimeout(timer);
    canvas.toBlob((blob) => keep(blob, { kind: "drawing" }), "image/png");
  };
  canvas.addEventListener("pointerdown", (event) => {
    clearTimeout(timer);
    canvas.setPointerCapture(event.pointerId);
    last = null;
    draw(at(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (last) draw(at(event));
  });
  canvas.addEventListener("pointerup", () => {
    last = null;
    timer = setTimeout(() => canvas.isConnected && send(), 500); // a second stroke may follow
  });
  clear();
  place.append(
    canvas,
    el(
      "div",
      { class: "tools" },
      el("button", { type: "button", onclick: clear }, "clear"),
      el("button", { type: "button", onclick: send }, "ask"),
    ),
    el(
      "p",
      { class: "soft" },
      "It is cut out, brought to the size of the training images and put in the middle, as they are.",
    ),
  );
}
