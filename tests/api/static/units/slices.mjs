import assert from "node:assert/strict";
import {test} from "node:test";
import {inSlices, sortInSlices} from "../../../../api/static/shared/slices.js";

test("a list sorted in slices is the list sorted at once, equal ones in their order", async () => {
  let seed = 3;
  const draw = (n) => { seed = (seed * 1103515245 + 12345) % 2147483648; return seed % n; };
  const before = (a, b) => a.key - b.key;
  for (const n of [0, 1, 255, 256, 257, 3000]) {
    const items = Array.from({length: n}, (_, at) => ({key: draw(50), at}));
    assert.deepEqual(await sortInSlices(items, before), items.toSorted(before));
    const sorted = items.toSorted(before);
    assert.deepEqual(await sortInSlices(sorted, before), sorted);
  }
});

test("each item is taken once, in order", async () => {
  const taken = [];
  await inSlices([3, 1, 2], (item) => taken.push(item));
  assert.deepEqual(taken, [3, 1, 2]);
});
