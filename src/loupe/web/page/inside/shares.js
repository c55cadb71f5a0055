// The last station of a network that is drawn: its classes, each with its probability.
import { count, percent } from "../dom.js";
import { unpack } from "../pixels.js";
import { svg } from "../svg.js";

const PERCENT_WIDTH = 8.5; // what a probability takes, in millimetres of the drawing

/** Return the list of a station's probabilities: all classes, or the most probable of many. */
export function drawShares(flow, station) {
  const values = unpack(station.values).values,
    rest = values.length - flow.shown.length,
    line = station.height / (flow.shown.length + (rest ? 1 : 0)),
    best = values.indexOf(Math.max(...values)),
    start = station.x + flow.names_width,
    room = station.width - flow.names_width - PERCENT_WIDTH;
  const rows = flow.shown.map((index, row) => {
    const y = station.y + row * line,
      name = flow.class_names[index],
      kind = index === best ? " best" : "";
    return svg(
      "g",
      {},
      svg(
        "text",
        { class: `flow-name${kind}`, x: start - 0.8, y: y + line / 2 + 0.75 },
        name.length > 12 ? `${name.slice(0, 11)}…` : name,
      ),
      svg("rect", {
        class: `flow-bar${kind}`,
        x: start,
        y: y + 0.15 * line,
        width: Math.max(0.15, room * values[index]),
        height: 0.7 * line,
      }),
      svg(
        "text",
        { class: `flow-share${kind}`, x: start + room * values[index] + 0.6, y: y + line / 2 + 0.75 },
        percent(values[index], 1),
      ),
    );
  });
  if (rest)
    rows.push(
      svg(
        "text",
        { class: "flow-share", x: start, y: station.y + (flow.shown.length + 0.5) * line + 0.7 },
        `and ${count(rest)} more`,
      ),
    );
  return svg("g", {}, ...rows.flatMap((row) => [row, " "])); // a space, so that they are not read as one word
}
