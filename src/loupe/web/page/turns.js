// Answers come when they come: a place shows what was asked for last, and a page that was left shows nothing more.
const turns = new WeakMap();

/** Return a function that says whether a place is still on the page, and nobody has taken it since. */
export function watch(place) {
  const now = turns.get(place);
  return () => place.isConnected && turns.get(place) === now;
}

/** Take a place for an answer on its way; returns a function that says whether it is still wanted there. */
export function take(place) {
  turns.set(place, (turns.get(place) ?? 0) + 1);
  return watch(place);
}

/** Wait for the answer that a place is to show; null, and no error, where it is not wanted any more. */
export async function latest(place, answer) {
  const isWanted = take(place);
  try {
    const found = await answer;
    return isWanted() ? found : null;
  } catch (error) {
    if (isWanted()) throw error;
    return null;
  }
}
