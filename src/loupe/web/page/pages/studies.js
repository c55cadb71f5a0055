// The lists of studies, searches and audits, with what goes on now.
import { count, el, link } from "../dom.js";
import { ask, showProblem } from "../server.js";
import { latest } from "../turns.js";
import { showProgress } from "../works.js";

export async function show(place) {
  const studies = el("div"),
    searches = el("div"),
    audits = el("div"),
    problem = el("div");
  place.append(
    el("h1", {}, "Studies, searches and audits"),
    problem,
    el("h2", {}, "Studies"),
    studies,
    el("h2", {}, "Searches"),
    searches,
    el("h2", {}, "Audits"),
    audits,
  );
  let timer = null;

  async function refresh() {
    try {
      const lists = ["studies", "searches", "audits"].map((name) => ask(name));
      const found = await latest(place, Promise.all(lists));
      if (!found) return;
      const [one, other, third] = found;
      problem.replaceChildren();
      studies.replaceChildren(...drawStudies(one));
      searches.replaceChildren(...drawSearches(other));
      audits.replaceChildren(...drawAudits(third));
      const isGoingOn = [...one.studies, ...other.searches].some((row) => row.state === "running");
      timer = setTimeout(refresh, isGoingOn ? 2000 : 6000);
    } catch (error) {
      problem.replaceChildren(showProblem(error));
    }
  }
  await refresh();
  return () => clearTimeout(timer);
}

function drawStudies({ folder, studies }) {
  if (!studies.length) return [sayEmpty("study", folder, "loupe study recipe-ablation")];
  return [
    list(studies, (one) => [
      link(`#/study/${encodeURIComponent(one.id)}`, one.question || one.id),
      [one.id, one.about].filter(Boolean).join(": "),
      `${count(one.num_done)} of ${count(one.num_runs)} runs${one.num_failed ? `, ${one.num_failed} without a result` : ""}`,
      one.num_done / Math.max(1, one.num_runs),
    ]),
    el("p", { class: "soft" }, `${count(studies.length)} in ${folder}`),
  ];
}

function drawSearches({ folder, searches }) {
  if (!searches.length) return [sayEmpty("search", folder, "loupe search digits-search")];
  return [
    list(searches, (one) => [
      link(`#/search/${encodeURIComponent(one.id)}`, one.id),
      one.about,
      `${count(one.num_trials)}${one.most === null ? "" : ` of ${count(one.most)}`} trials${one.best ? `, best ${one.best}` : ""}`,
      one.most ? one.num_trials / one.most : null,
    ]),
    el("p", { class: "soft" }, `${count(searches.length)} in ${folder}`),
  ];
}

function drawAudits({ folder, audits }) {
  if (!audits.length) return [sayEmpty("audit", folder, "loupe audit digits")];
  return [
    list(audits, (one) => {
      const path = `/api/audits/${encodeURIComponent(one.id)}`;
      const title = one.has_page ? openPage(`${path}/report`, one.id) : one.id;
      const about = one.has_effect
        ? [one.about, " ", openPage(`${path}/effect/report`, "What the corrections brought")]
        : [one.about];
      const words = `${count(one.num_suspects)} to look at among ${count(one.num_images)} images`;
      return [title, about, words, one.state === "finished" ? 1 : null];
    }),
    el("p", { class: "soft" }, `${count(audits.length)} in ${folder}`),
  ];
}

/** Return the way to a page of its own. */
function openPage(address, text) {
  return Object.assign(link(address, text), { target: "_blank", rel: "noopener" });
}

function list(rows, describe) {
  return el(
    "ul",
    { class: "works" },
    ...rows.map((one) => {
      const [title, about, words, share] = describe(one);
      return el(
        "li",
        { class: one.state },
        el("div", {}, el("b", {}, title), el("div", { class: "soft" }, ...[about].flat())),
        showProgress(one, words, share),
      );
    }),
  );
}

function sayEmpty(kind, folder, command) {
  return el("div", {}, el("p", {}, `No ${kind} yet in ${folder}.`), el("pre", {}, command));
}
