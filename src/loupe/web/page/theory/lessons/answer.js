// From logits to a probability, to a loss, to better weights.
import { el, percent, short } from "../../dom.js";
import { unpack } from "../../pixels.js";
import { crossEntropy, descend, softmax } from "../arithmetic.js";
import { makeChart, shareBars } from "../picture.js";
import { choice, makePlayer, slider } from "../player.js";

const rankFirst = (values) => values.indexOf(Math.max(...values));

/** What `loupe calibrate` made of a run's probabilities, and this lesson shows. */
const SET_RIGHT = {
  temperature:
    "This run's probabilities are set right: its logits are divided by the temperature below, which was fitted on validation images.",
  vector:
    "This run's probabilities are set right by vector scaling, fitted on validation images: each logit is multiplied by a weight of its class and moved by a shift of its class. The softmax is taken of what comes of that.",
  isotonic:
    "This run's probabilities are set right by isotonic regression, fitted on validation images: softmax comes first, then each class's probability is replaced by how often it was right when it said so, and all are divided by their sum. The table shows the logarithm of what it is replaced by; its softmax is that division.",
};

export const softening = {
  name: "softmax",
  title: "Softmax",
  sentences: [
    "The last layer gives one number a class, the logit: any number, the larger the likelier.",
    "Softmax raises e to each logit and divides by their sum, so that all are above 0 and add up to 1: probabilities.",
    "Dividing the logits by a temperature first makes the answer more (below 1) or less (above 1) sure; the order stays.",
  ],
  show(place, { scene, theory }) {
    const names = scene.facts.class_names,
      body = el("tbody"),
      words = el("p", { class: "arithmetic", "aria-live": "polite" });
    const given = theory.scaled_logits ?? theory.logits,
      isScaled = theory.scaled_logits !== null;
    const order = given
      .map((_, index) => index)
      .sort((a, b) => given[b] - given[a])
      .slice(0, 10);
    const draw = (temperature) => {
      const shares = softmax(given, temperature),
        most = Math.max(...given),
        powers = given.map((one) => Math.exp((one - most) / temperature));
      body.replaceChildren(
        ...order.map((index) => {
          const bar = el("span", { class: "term more" });
          bar.style.width = `${100 * shares[index]}%`;
          return el(
            "tr",
            {},
            el("th", { scope: "row" }, names[index]),
            el("td", { class: "n" }, short(theory.logits[index])),
            isScaled ? el("td", { class: "n" }, short(given[index])) : "",
            el("td", { class: "n" }, short(powers[index])),
            el("td", { class: "n" }, percent(shares[index], 1)),
            el("td", { class: "bar-cell", "aria-hidden": "true" }, bar),
          );
        }),
      );
      words.textContent = `sum of e^((logit − largest) / ${temperature}): ${short(powers.reduce((a, b) => a + b, 0))}; each share is its e^… divided by that. Taking the largest away first changes nothing and keeps e^… from overflowing.`;
    };
    if (SET_RIGHT[theory.scaling]) place.append(el("p", { class: "set-right" }, SET_RIGHT[theory.scaling]));
    place.append(
      slider("temperature", { min: 0.2, max: 5, step: 0.1, value: theory.temperature }, draw),
      el(
        "div",
        { class: "scroll", tabIndex: 0 },
        el(
          "table",
          { class: "terms" },
          el(
            "thead",
            {},
            el(
              "tr",
              {},
              ...["class", "logit", isScaled ? "set right" : "", "e^(logit − largest)", "probability"]
                .filter(Boolean)
                .map((one) => el("th", { scope: "col" }, one)),
              el("td"),
            ),
          ),
          body,
        ),
      ),
      words,
    );
    draw(theory.temperature);
  },
};

const startClass = (theory) => theory.target ?? rankFirst(theory.logits);

const chooseClass = (scene, theory, change) =>
  choice(
    theory.target === null
      ? "if the right class were"
      : "if the right class were (it begins with the true one)",
    scene.facts.class_names.map((name, index) => [String(index), name]),
    String(startClass(theory)),
    (value) => change(Number(value)),
  );

export const losing = {
  name: "cross-entropy",
  title: "Cross-entropy",
  sentences: [
    "The loss says how wrong an answer is: minus the logarithm of the probability given to the right class.",
    "Sure and right costs nearly nothing; unsure costs some; sure and wrong costs without limit.",
    "Guessing among n classes costs log n: a training whose loss stays there has learned nothing.",
  ],
  show(place, { scene, theory }) {
    const graph = makeChart(),
      words = el("p", { class: "arithmetic", "aria-live": "polite" }),
      number = theory.logits.length;
    const points = Array.from({ length: 100 }, (_, index) => (index + 1) / 100).map((one) => [
      one,
      -Math.log(one),
    ]);
    const draw = (target) => {
      const loss = crossEntropy(theory.logits, target),
        share = Math.exp(-loss);
      graph.draw(points, [Math.max(0.01, share), Math.min(loss, points[0][1])], {
        title: "minus log of the probability",
        xWords: "probability of the right class",
        yWords: "loss",
      });
      words.textContent = `−log ${share.toPrecision(3)} = ${loss.toFixed(3)}; guessing among ${number}: log ${number} = ${Math.log(number).toFixed(3)}`;
    };
    place.append(chooseClass(scene, theory, draw), graph.figure, words);
    draw(startClass(theory));
  },
};

export const descending = {
  name: "gradient-descent",
  title: "A step of descent",
  sentences: [
    "The gradient says how the loss changes with each weight; a step moves every weight a little against it.",
    "For the last layer it is simple: (probability − 1 for the right class, − 0 for the others) times what the layer is given.",
    "Too small a learning rate crawls, too large a one leaps past; here the step is taken for this one image, in your browser only.",
  ],
  show(place, { scene, theory }) {
    const last = theory.last_layer;
    if (!last)
      return place.append(
        el("p", { class: "note" }, "This network's last layer is not dense, or too large to be drawn."),
      );
    const features = [...unpack(last.features).values],
      names = scene.facts.class_names,
      bars = el("div"),
      graph = makeChart(),
      words = el("p", { class: "arithmetic", "aria-live": "polite" });
    let target = startClass(theory),
      exponent = -2;
    const steps = 12;
    const player = makePlayer({
      label: "Steps taken",
      count: () => steps + 1,
      show(step) {
        const rate = 10 ** exponent,
          path = [theory.logits];
        for (let index = 0; index < steps; index++)
          path.push(descend(path.at(-1), features, target, rate).logits);
        const losses = path.map((one) => crossEntropy(one, target)),
          shares = softmax(path[step]),
          { errors } = descend(path[step], features, target, rate);
        graph.draw(
          losses.map((one, index) => [index, one]),
          [step, losses[step]],
          { title: "loss, step by step", xWords: "steps", yWords: "loss" },
        );
        const order = shares
          .map((_, index) => index)
          .sort((a, b) => shares[b] - shares[a])
          .slice(0, 5);
        bars.replaceChildren(shareBars(order.map((index) => ({ name: names[index], share: shares[index] }))));
        words.textContent = `after ${step} steps: loss ${losses[step].toFixed(4)}; gradient by the logit of ${names[target]}: ${short(shares[target])} − 1 = ${short(errors[target])}; each of its ${features.length} weights moves by −${short(rate)} · ${short(errors[target])} · its input`;
      },
    });
    place.append(
      el(
        "div",
        { class: "dials" },
        chooseClass(scene, theory, (value) => {
          target = value;
          player.again();
        }),
        slider(
          "learning rate",
          { min: -4, max: 0, step: 0.5, value: exponent },
          (value) => {
            exponent = value;
            player.again();
          },
          (value) => short(10 ** value),
        ),
      ),
      el("div", { class: "stage-row" }, graph.figure, el("div", { class: "beside" }, bars)),
      player.controls,
      words,
    );
    player.go(0);
    return player.stop;
  },
};
