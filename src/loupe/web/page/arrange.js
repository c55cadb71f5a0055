// Which runs the table shows, and in which order.

export const COLUMNS = [
  { key: "name", title: "run", value: (run) => run.name },
  { key: "status", title: "state", value: (run) => run.status },
  { key: "curve", title: "curve", value: null },
  { key: "validation", title: "validation", value: (run) => run.validation?.value ?? -1 },
  { key: "test", title: "test", value: (run) => run.test?.value ?? -1 },
  { key: "model", title: "network", value: (run) => run.model },
  { key: "data", title: "data", value: (run) => run.data },
  { key: "seconds", title: "time", value: (run) => run.seconds },
  { key: "started", title: "started", value: (run) => run.started },
];

/**
 * Return the runs that fit, sorted. Every word of the text has to stand in the name, the network, the data, the
 * recipe, the state or a tag.
 */
export function arrange(runs, { text = "", state = "", sort, isDown }) {
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (run) => {
    const words = [run.name, run.model, run.data, run.recipe, run.status, ...run.tags]
      .join(" ")
      .toLowerCase();
    return (!state || run.status === state) && wanted.every((word) => words.includes(word));
  };
  const { value } = COLUMNS.find((one) => one.key === sort);
  const sign = isDown ? -1 : 1;
  return runs.filter(fits).sort((a, b) => compareValues(value(a), value(b)) * sign);
}

function compareValues(a, b) {
  return typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b;
}
