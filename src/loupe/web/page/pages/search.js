// One search: what its report says, with the winner's recipe to be taken away.
import { count, el, speak } from "../dom.js";
import { follow, offerReport, showProgress } from "../works.js";

export function show(place, [id]) {
  const path = `searches/${encodeURIComponent(id)}`;
  const describe = (search) => {
    const one = search.summary;
    const words = `${count(one.num_trials)}${one.most === null ? "" : ` of ${count(one.most)}`} trials`;
    return [showProgress(one, words, one.most ? one.num_trials / one.most : null), offerReport(search, path)];
  };
  return follow(place, path, describe, offerCopy);
}

function offerCopy(part) {
  const winner = part.querySelector("pre.winner");
  if (!winner) return;
  const copy = el("button", { type: "button" }, "copy");
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(winner.textContent);
    speak("The recipe is copied.");
    copy.textContent = "copied";
  });
  winner.before(el("p", {}, copy));
}
