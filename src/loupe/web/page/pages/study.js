// One study: what its report says, with the runs that train now.
import { count, duration, el, link } from "../dom.js";
import { follow, offerReport, showProgress } from "../works.js";

export function show(place, [id]) {
  const path = `studies/${encodeURIComponent(id)}`;
  return follow(place, path, (study) => {
    const one = study.summary;
    const words = `${count(one.num_done)} of ${count(one.num_runs)} runs of the arms`;
    const running = study.under_way.map(drawUnderWay);
    return [
      showProgress(one, words, one.num_done / Math.max(1, one.num_runs)),
      running.length ? el("ul", { class: "under-way" }, ...running) : "",
      offerReport(study, path),
    ];
  });
}

function drawUnderWay(run) {
  const left = run.seconds_left === null ? "" : `, ${duration(run.seconds_left)} left`;
  return el(
    "li",
    {},
    link(`#/run/${encodeURIComponent(run.run)}`, run.run.split(":").pop()),
    el("span", { class: "soft" }, ` epoch ${run.epoch} of ${run.num_epochs}${left}`),
  );
}
