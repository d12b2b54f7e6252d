import assert from "node:assert/strict";
import {test} from "node:test";
import {steadyOrder} from "../../../../api/static/alarms/steady_order.js";

test("a list that nobody points at shows what is wanted", () => {
  assert.deepEqual(steadyOrder(["a", "b"], ["c", "a"], false), {keys: ["c", "a"], waiting: []});
});

test("while somebody points at the list, what is new above waits, what is gone keeps its place, and what is new below follows", () => {
  assert.deepEqual(steadyOrder(["a", "b", "c"], ["n", "c", "m", "b", "z"], true), {keys: ["a", "b", "c", "z"], waiting: ["n", "m"]});
  assert.deepEqual(steadyOrder(["a"], ["n"], true), {keys: ["a"], waiting: ["n"]});
  assert.deepEqual(steadyOrder([], ["n"], true), {keys: ["n"], waiting: []});
});

test("nothing shown ever moves under the pointer, whatever comes and goes", () => {
  let seed = 7;
  const draw = (n) => { seed = (seed * 1103515245 + 12345) % 2147483648; return seed % n; };
  const some = () => [...new Set(Array.from({length: draw(12)}, () => `k${draw(20)}`))];
  for (let i = 0; i < 2000; i++) {
    const shown = some(), wanted = some();
    const {keys, waiting} = steadyOrder(shown, wanted, true);
    assert.deepEqual(keys.slice(0, shown.length), shown);
    assert.deepEqual(new Set([...keys, ...waiting]), new Set([...shown, ...wanted]));
    assert.equal(keys.length + waiting.length, new Set([...shown, ...wanted]).size);
  }
});
