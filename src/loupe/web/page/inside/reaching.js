// A click on a part of the page that may not be drawn yet.

/**
 * Click the first of some selectors as soon as it is there, and then look no further.
 *
 * While it is not, the others are what leads to it: whichever is there is clicked, each once. `giveUp` is called
 * when the page says that something failed. Returns how to stop.
 */
export function reach(root, [goal, ...ways], giveUp) {
  const left = new Set(ways);
  let isReached = false;
  const look = () => {
    while (!isReached) {
      const wanted = root.querySelector(goal);
      const way = wanted ? null : [...left].find((one) => root.querySelector(one));
      if (!wanted && !way) return;
      isReached = Boolean(wanted);
      left.delete(way);
      (wanted ?? root.querySelector(way)).click();
    }
  };
  const watch = new MutationObserver((changes) => {
    if (!root.isConnected) return watch.disconnect(); // another page is shown
    if (changes.some(hasFailure)) {
      watch.disconnect();
      return giveUp();
    }
    return look();
  });
  watch.observe(root, {
    childList: true,
    subtree: true,
    attributeFilter: ["aria-busy", "aria-pressed"],
  });
  look();
  return () => watch.disconnect();
}

function hasFailure({ addedNodes }) {
  const failure = '.part:is(.part-picker, .part-answer, .part-layer, .part-number) [role="alert"]';
  return [...addedNodes].some((one) => one.matches?.(failure));
}
