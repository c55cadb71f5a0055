// The course: twelve lessons from pixels to a study, each with its places in your own runs.
import { LESSONS } from "../course/lessons.js";
import { el, link } from "../dom.js";
import { ask } from "../server.js";

const NEEDED = /#\/(?:inside|run)\/(\w+)|run=(\w+)/g;

export async function show(place) {
  const [{ runs }, mistakes] = await Promise.all([ask("runs"), ask("pitfalls")]);
  const known = runs.map((one) => one.id).sort();
  place.append(
    el("h1", {}, "A course: from pixels to a study"),
    el(
      "p",
      { class: "soft" },
      "Twelve short lessons with one small network. Type the commands in a terminal, in the folder where this page was started; look; hold your answer against the one that is folded away.",
    ),
    el("ol", { class: "course" }, ...LESSONS.map((one) => showLesson(one, known))),
    ...showPitfalls(mistakes.pitfalls),
  );
}

/** Return the list of mistakes one can watch, each with its page, or the command that writes it. */
function showPitfalls(pitfalls) {
  return [
    el("h2", { id: "pitfalls" }, "Mistakes one can watch"),
    el(
      "p",
      { class: "soft" },
      "Each is carried out wrong and right on digits, within seconds, and has a page with both results once its command has run in the folder where this page was started. ",
      el("code", {}, "loupe pitfalls --all --out pitfalls"),
      " makes all of them.",
    ),
    el(
      "ul",
      { class: "pitfalls" },
      ...pitfalls.map((one) =>
        el(
          "li",
          {},
          one.is_written
            ? link(`api/pitfalls/${encodeURIComponent(one.name)}/page`, one.title)
            : el("b", {}, one.title),
          el("br"),
          `${one.summary} What gives it away: ${one.tell_tale}. `,
          one.is_written ? "" : el("code", {}, `loupe pitfalls ${one.name}`),
        ),
      ),
    ),
  ];
}

function showLesson(lesson, known) {
  return el(
    "li",
    { id: lesson.name },
    el("h2", {}, lesson.title),
    el("p", {}, ...markUp(lesson.question)),
    ...lesson.code.map((one) => el("pre", { tabIndex: 0 }, el("code", {}, one.text))),
    el("ul", {}, ...lesson.look.map((one) => el("li", {}, ...showPlace(one, known)))),
    el("details", {}, el("summary", {}, "Answer"), el("p", {}, ...markUp(lesson.answer))),
  );
}

/** Return where to look: a link into the newest run of each name that the address has, if there is one. */
function showPlace({ address, words }, known) {
  if (!address) return markUp(words);
  const names = [...address.matchAll(NEEDED)].map((found) => found[1] ?? found[2]);
  const newest = new Map(
    names.map((name) => [name, known.filter((id) => id === name || id.startsWith(`${name}-`)).at(-1)]),
  );
  const missing = names.filter((name) => !newest.get(name));
  if (missing.length)
    return [
      ...markUp(words),
      el(
        "span",
        { class: "soft" },
        ` (once there ${missing.length > 1 ? "are runs" : "is a run"} called ${missing.join(" and ")})`,
      ),
    ];
  const own = names.reduce(
    (found, name) =>
      found
        .replace(`/${name}`, `/${encodeURIComponent(newest.get(name))}`)
        .replace(`run=${name}`, `run=${encodeURIComponent(newest.get(name))}`),
    address,
  );
  return [link(own, ...markUp(words))];
}

/** Return text with `code` and *emphasis* as elements. */
function markUp(text) {
  return text.split(/(`[^`]+`|\*[^*]+\*)/).map((part) => {
    if (part.startsWith("`")) return el("code", {}, part.slice(1, -1));
    if (part.startsWith("*") && part.length > 1) return el("em", {}, part.slice(1, -1));
    return part;
  });
}
