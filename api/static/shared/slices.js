// Long work in slices, so that the page answers in between.

const SLICE = 8; // milliseconds of work between two pauses
const RUN = 256; // items that are sorted at once

const pause = () => globalThis.scheduler?.yield?.() ?? new Promise((done) => setTimeout(done));

/** Do something with each item, in slices. */
export async function inSlices(items, each) {
  let until = performance.now() + SLICE;
  for (let i = 0; i < items.length; i++) {
    each(items[i]);
    if (performance.now() < until) continue;
    await pause();
    until = performance.now() + SLICE;
  }
}

/** A list sorted by `before`, made in slices; short where it is sorted already. */
export async function sortInSlices(items, before) {
  let runs = [];
  await inSlices(Array.from({length: Math.ceil(items.length / RUN)}, (_, i) => i * RUN), (i) => runs.push(items.slice(i, i + RUN).sort(before)));
  while (runs.length > 1) {
    const longer = [];
    for (let i = 0; i < runs.length; i += 2) longer.push(runs[i + 1] ? await merge(runs[i], runs[i + 1], before) : runs[i]);
    runs = longer;
  }
  return runs[0] ?? [];
}

async function merge(one, other, before) {
  if (before(one.at(-1), other[0]) <= 0) return one.concat(other);
  const merged = [];
  let i = 0, j = 0;
  await inSlices({length: one.length + other.length}, () => merged.push(j >= other.length || (i < one.length && before(one[i], other[j]) <= 0) ? one[i++] : other[j++]));
  return merged;
}
