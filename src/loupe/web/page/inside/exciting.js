// The validation images that excite each channel of a layer most, with the pixels that count.
import { count, el, short } from "../dom.js";
import { picture } from "../images.js";
import { nameUnit } from "./facts.js";

/** Return a row a channel; an image leads to the number it makes there. */
export function showExciting(scene, found) {
  const [height, width] = scene.facts.image_size;
  const pictures = new Map(found.pictures.map((one) => [one.image, one]));
  const isMap = scene.seen.layers.find((one) => one.name === found.layer).shape.length === 3;
  const rows = found.channels.map((channel) =>
    el(
      "li",
      {},
      el(
        "span",
        { class: "channel" },
        `${isMap ? "channel" : "unit"} ${channel.channel}${nameUnit(scene, channel.channel)}`,
      ),
      channel.is_silent
        ? el("span", { class: "soft" }, "never above zero on these images")
        : el(
            "div",
            { class: "strip" },
            ...channel.images.map((one) => drawImage(scene, found.layer, channel.channel, one, pictures)),
          ),
    ),
  );
  const frame = found.channels.some((channel) =>
    channel.images.some((one) => !isWhole(one.field, height, width)),
  );
  return el(
    "div",
    {},
    el(
      "p",
      { class: "soft" },
      `The images on which a channel has its largest number, among ${count(found.num_images)} validation images; the largest first. ${frame ? "The frame holds the pixels that this number depends on. " : ""}An image leads to its number.`,
    ),
    el("ul", { class: "exciting" }, ...rows),
  );
}

function drawImage(scene, layer, channel, one, pictures) {
  const [height, width] = scene.facts.image_size,
    shown = pictures.get(one.image),
    at = [channel, ...one.place].join(".");
  const query = new URLSearchParams({ image: one.image, layer, at });
  const board = el("span", { class: "framed" }, picture(shown));
  if (!isWhole(one.field, height, width)) {
    const [firstRow, lastRow, firstColumn, lastColumn] = one.field,
      box = el("span", { class: "sees", "aria-hidden": "true" });
    box.style.top = `${(100 * firstRow) / height}%`;
    box.style.left = `${(100 * firstColumn) / width}%`;
    box.style.height = `${(100 * (lastRow - firstRow + 1)) / height}%`;
    box.style.width = `${(100 * (lastColumn - firstColumn + 1)) / width}%`;
    board.append(box);
  }
  return el(
    "a",
    {
      class: "tiny",
      href: `#/inside/${encodeURIComponent(scene.id)}?${query}`,
      title: `${one.image}, ${shown.true_class}: ${short(one.value)} at row ${one.place[0]}, column ${one.place[1]}`,
    },
    board,
    el("span", {}, shown.true_class),
    el("span", { class: "soft" }, short(one.value)),
  );
}

const isWhole = ([firstRow, lastRow, firstColumn, lastColumn], height, width) =>
  firstRow === 0 && firstColumn === 0 && lastRow === height - 1 && lastColumn === width - 1;
