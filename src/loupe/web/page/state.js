// How far a run is, in words and a bar.
import { duration, el, percent } from "./dom.js";

/** Return the state of a run; while it trains, how far it is. */
export function showState(run) {
  const unit = run.kind === "series" ? "seeds" : "epochs";
  if (run.status !== "running") {
    return el(
      "span",
      { title: run.problem },
      el("span", { class: `badge ${run.status}` }, run.status),
      run.problem ? el("small", { class: "soft" }, ` ${run.problem}`) : "",
    );
  }
  const left = run.seconds_left === null ? "" : `, ${duration(run.seconds_left)} left`;
  return el(
    "span",
    { class: "going" },
    el("span", { class: "badge running" }, "running"),
    el("progress", {
      max: 1,
      value: run.share ?? run.epoch / Math.max(1, run.num_epochs),
      "aria-label": `${run.name}: part of the training that is done`,
    }),
    el(
      "small",
      { class: "soft" },
      `${run.epoch} of ${run.num_epochs} ${unit}, ${percent(run.share ?? 0, 0)}${left}`,
    ),
  );
}
