// Long work in slices, so that the page answers in between; and large texts read by a worker.

const SLICE = 8; // milliseconds of work between two pauses
const RUN = 256; // items that are sorted at once
const LARGE = 100_000; // characters that are read here at once

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

let worker = null, asked = 0;
const waiting = new Map();

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

/** The value of a JSON text. A large one is read by a worker, and its `list` comes in parts. */
export function readJson(text, list) {
  if (text.length < LARGE || !globalThis.Worker) return JSON.parse(text);
  if (!worker) {
    worker = new Worker("/static/shared/json_worker.js");
    worker.onmessage = ({data}) => {
      const {whole, list: name, done, failed} = waiting.get(data.id);
      if (data.error) failed(new SyntaxError(data.error));
      if (data.head) Object.assign(whole, JSON.parse(data.head), {[name]: []});
      if (data.part) whole[name].push(...JSON.parse(data.part));
      if (data.error || data.last) { waiting.delete(data.id); done(whole); }
    };
  }
  return new Promise((done, failed) => {
    const id = ++asked;
    waiting.set(id, {whole: {}, list, done, failed});
    worker.postMessage({id, text, list});
  });
}
