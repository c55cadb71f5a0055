// Numbers as tables in colour: a window, its weights, its pixels; cells of padding are hatched.
import { el, short } from "../dom.js";
import { colour, drawThemed, inkOn } from "../pixels.js";

const LARGEST_TABLE = 11; // rows or columns; in a larger one only the colours are shown

/**
 * Return (height, width) values as a table on the common scale of colours.
 * `words` is its caption; cells for which `isPadding` holds are hatched.
 */
export function grid(values, height, width, reach, { words, isPadding = null }) {
  return table(height, width, words, isPadding, (place) => ({
    text: String(+values[place].toFixed(2)),
    title: String(values[place]),
    shades: () => [colour(values[place], reach), inkOn(values[place], reach)],
  }));
}

/** Return the pixel that was normalised to a value, from 0 to 255. */
export const toPixel = (value, mean, std) => 255 * (value * std + mean);

/** Return a window of the image as pixels from 0 to 255, in the shade of their channel. */
export function pixelGrid(facts, channel, values, [height, width], isPadding) {
  const [mean, std] = [facts.mean[channel], facts.std[channel]];
  return table(height, width, "pixels 0–255", isPadding, (place) => {
    const pixel = Math.round(toPixel(values[place], mean, std));
    const shades = [0, 1, 2].map((one) => (facts.in_channels === 1 || one === channel ? pixel : 0));
    const luminance = shades
      .map((one) => (one / 255) ** 2.2)
      .reduce((sum, one, index) => sum + [0.2126, 0.7152, 0.0722][index] * one, 0);
    return {
      text: String(pixel),
      title: `pixel ${pixel}, normalised ${values[place]}`,
      shades: () => [shades, luminance > 0.179 ? "#000" : "#fff"],
    };
  });
}

function table(height, width, words, isPadding, describe) {
  const isWritten = Math.max(height, width) <= LARGEST_TABLE;
  const made = el(
    "table",
    { class: isWritten ? "cells-of-numbers" : "cells-of-numbers dense" },
    el("caption", {}, words),
  );
  for (let row = 0; row < height; row++) {
    const cells = Array.from({ length: width }, (_, column) => {
      const { text, title, shades } = describe(row * width + column);
      const isOutside = Boolean(isPadding?.[row]?.[column]);
      const cell = el("td", { class: isOutside ? "hatched" : "" }, isWritten ? text : "");
      cell.title = isOutside ? `padding: ${title}` : title;
      if (!isOutside)
        drawThemed(cell, () => {
          const [ground, ink] = shades();
          cell.style.backgroundColor = `rgb(${ground})`;
          cell.style.color = ink;
        });
      return cell;
    });
    made.append(el("tr", {}, ...cells));
  }
  return el("div", { class: "scroll" }, made);
}

/** Return in words what normalisation makes of black and white, channel by channel. */
export function normalisationWords(facts, names) {
  const ends = names.map((name, channel) => {
    const [mean, std] = [facts.mean[channel], facts.std[channel]];
    return `${name}: 0 becomes ${short(-mean / std)}, 255 becomes ${short((1 - mean) / std)}`;
  });
  return el(
    "p",
    { class: "soft" },
    `The network is given normalised pixels, (pixel / 255 − mean) / std. ${ends.join("; ")}.`,
  );
}
