// Long work in slices, so that the page answers in between; and large texts read by a worker.

const SLICE = 8; // milliseconds of work between two pauses
const LARGE = 100_000; // characters that are read here at once

const pause = () => globalThis.scheduler?.yield?.() ?? new Promise((done) => setTimeout(done));

/** Do something with each item, in slices. */
export async function inSlices(items, each) {
  let until = performance.now() + SLICE;
  for (const item of items) {
    each(item);
    if (performance.now() < until) continue;
    await pause();
    until = performance.now() + SLICE;
  }
}

let worker = null, asked = 0;
const waiting = new Map();

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
