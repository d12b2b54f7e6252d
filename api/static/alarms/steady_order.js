// The order of a list that somebody points at: nothing moves under the pointer.

/**
 * Which keys to show, in which order, and which wait.
 * While the list is `still`, what is shown keeps its place, gone or not; what is new waits, unless it belongs below all that is shown.
 */
export function steadyOrder(shown, wanted, still) {
  if (!still || !shown.length) return {keys: wanted, waiting: []};
  const known = new Set(shown);
  const last = wanted.findLastIndex((key) => known.has(key));
  const below = last < 0 ? [] : wanted.slice(last + 1);
  return {keys: [...shown, ...below], waiting: wanted.filter((key, i) => i < last && !known.has(key) || last < 0)};
}
