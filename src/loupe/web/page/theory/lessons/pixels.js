// What happens to the image before the network: normalisation, augmentation, mixing.
import { el, percent, short } from "../../dom.js";
import { toPixel } from "../../inside/grids.js";
import { unpack } from "../../pixels.js";
import { mix, normalise } from "../arithmetic.js";
import { makePicture, shareBars } from "../picture.js";
import { makePlayer, slider } from "../player.js";

const namesOf = (facts) => (facts.in_channels === 3 ? ["red", "green", "blue"] : ["grey"]);

/** Return the channels of an image as maps. */
function split(numbers) {
  const { shape, values } = unpack(numbers),
    [channels, height, width] = shape;
  return Array.from({ length: channels }, (_, channel) => ({
    values: values.subarray(channel * height * width, (channel + 1) * height * width),
    height,
    width,
  }));
}

export const normalisation = {
  name: "normalisation",
  title: "Normalisation",
  sentences: [
    "A pixel is a whole number from 0 (black) to 255 (full light).",
    "The network is given (pixel / 255 − mean) / std: how far a pixel lies from the mean of the training images, in standard deviations.",
    "So inputs lie around 0 and are about 1 in size, which suits the weights a training begins with.",
  ],
  show(place, { scene, theory }) {
    const { facts } = scene,
      maps = split(theory.pixels),
      names = namesOf(facts);
    const from = makePicture("pixels, 0 to 255"),
      to = makePicture("normalised");
    const words = el("p", { class: "arithmetic", "aria-live": "polite" });
    const map = maps[0],
      [mean, std] = [facts.mean[0], facts.std[0]];
    from.draw(map, { isPixels: true, words: `${names[0] ?? "channel 0"}: pixels, 0 to 255` });
    to.draw({ ...map, values: map.values.map((one) => normalise(one, mean, std)) });
    const player = makePlayer({
      label: "Pixel by pixel",
      count: () => map.values.length,
      show(step) {
        const [row, column] = [Math.floor(step / map.width), step % map.width],
          pixel = map.values[step];
        from.frame(row, column);
        to.frame(row, column);
        words.textContent = `row ${row}, column ${column}: (${pixel} / 255 − ${short(mean)}) / ${short(std)} = ${short(normalise(pixel, mean, std))}`;
      },
    });
    const ends = names.map((name, channel) =>
      el(
        "tr",
        {},
        el("th", { scope: "row" }, name),
        ...[facts.mean[channel], facts.std[channel]].map((one) => el("td", { class: "n" }, short(one))),
        ...[0, 255].map((one) =>
          el("td", { class: "n" }, short(normalise(one, facts.mean[channel], facts.std[channel]))),
        ),
        el("td", { class: "n" }, short(toPixel(0, facts.mean[channel], facts.std[channel]))),
      ),
    );
    const heads = ["channel", "mean", "std", "pixel 0 becomes", "pixel 255 becomes", "0 stands for pixel"];
    place.append(
      el("div", { class: "stage-row" }, from.figure, to.figure),
      player.controls,
      words,
      el(
        "div",
        { class: "scroll", tabIndex: 0 },
        el(
          "table",
          {},
          el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))),
          el("tbody", {}, ...ends),
        ),
      ),
    );
    player.go(0);
  },
};

export const augmentation = {
  name: "augmentation",
  title: "Augmentation",
  sentences: [
    "In training, an image is changed a little and at random each time it is shown: moved, mirrored, tinted.",
    "The class stays, so the network learns what does not matter for it, as if there were more images.",
    "Validation and test images are never augmented: they are measured as they are.",
  ],
  show(place, { scene, theory }) {
    const { names, is_example: isExample, draws } = theory.augmentation;
    const shown = el("img", { class: "pixel lesson-picture", alt: "a draw of the augmentation" }),
      words = el("figcaption", { "aria-live": "polite" });
    const player = makePlayer({
      label: "Draw by draw",
      count: () => draws.length,
      show(step) {
        shown.src = draws[step];
        words.textContent = `draw ${step + 1}`;
      },
    });
    place.append(
      el(
        "p",
        {},
        isExample
          ? `This run augments nothing; ${names.join(" and ")} would make of it:`
          : `This run's own: ${names.join(", then ")}.`,
      ),
      el(
        "div",
        { class: "stage-row" },
        el(
          "figure",
          { class: "map-picture" },
          el("img", { class: "pixel lesson-picture", src: scene.seen.picture, alt: "the image as it is" }),
          el("figcaption", {}, "as it is, and as it is measured"),
        ),
        el("figure", { class: "map-picture" }, shown, words),
      ),
      player.controls,
    );
    player.go(0);
  },
};

export const mixing = {
  name: "mixup",
  title: "MixUp",
  sentences: [
    "MixUp trains on blends: a share λ of one image and 1 − λ of another, pixel by pixel.",
    "The label is blended in the same shares, so that the right answer to a blend is not one class.",
    "Accuracy on blends is therefore low however good the network is; only clean images tell.",
  ],
  show(place, { scene, theory }) {
    if (!theory.mix)
      return place.append(el("p", { class: "note" }, "The run's images are not at hand to mix with."));
    const { mix: found } = theory,
      own = split(theory.pixels),
      other = split(found.pixels),
      names = scene.facts.class_names,
      said = theory.target ?? theory.probabilities.indexOf(Math.max(...theory.probabilities));
    const canvas = el("canvas", { class: "lesson-picture pixel", role: "img" }),
      answer = el("div"),
      words = el("p", { class: "arithmetic", "aria-live": "polite" });
    const draw = (index) => {
      const share = found.shares[index];
      paintColours(
        canvas,
        own.map((map, channel) => mix(map.values, other[channel].values, share)),
        own[0],
      );
      canvas.setAttribute("aria-label", `${percent(share, 0)} of this image`);
      words.textContent = `λ = ${share.toFixed(1)}: pixels λ · this + (1 − λ) · the other; label ${names[said]} ${share.toFixed(1)}, ${found.class_name} ${(1 - share).toFixed(1)}`;
      const ranked = found.probabilities[index]
        .map((one, place_) => ({ name: names[place_], share: one }))
        .sort((a, b) => b.share - a.share)
        .slice(0, 4);
      answer.replaceChildren(el("p", { class: "soft" }, "this network says of the blend"), shareBars(ranked));
    };
    place.append(
      el(
        "div",
        { class: "stage-row" },
        el("figure", { class: "map-picture" }, canvas, el("figcaption", {}, "the blend")),
        el("div", { class: "beside" }, answer),
      ),
      slider(
        "λ, the share of this image",
        { min: 0, max: found.shares.length - 1, value: 7 },
        draw,
        (value) => found.shares[value].toFixed(1),
      ),
      words,
    );
    draw(7);
    return undefined;
  },
};

function paintColours(canvas, channels, { height, width }) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d"),
    pixels = context.createImageData(width, height);
  for (let place = 0; place < height * width; place++)
    pixels.data.set([...[0, 1, 2].map((one) => (channels[one] ?? channels[0])[place]), 255], 4 * place);
  context.putImageData(pixels, 0, 0);
}
