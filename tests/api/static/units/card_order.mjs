import assert from "node:assert/strict";
import {test} from "node:test";
import {Layout, merge} from "../../../../api/static/readings/card_order.js";

const before = (a, b) => a - b;
const size = ({n}) => ({rows: 1 + n % 3, fold: n % 2});
const cards = (count) => Array.from({length: count}, (_, n) => ({n, subject: `s${n}`}));
const section = (key, count, collapsed = false) => ({key, cards: cards(count), collapsed, count});

test("cards that come later are put where they belong", () => {
  assert.deepEqual(merge([1, 4, 9], [10, 3, 5], before), [1, 3, 4, 5, 9, 10]);
  assert.deepEqual(merge([], [2, 1], before), [1, 2]);
  const all = [1];
  assert.equal(merge(all, [], before), all);
});

test("only the cards in sight are drawn, of 20,000 as of 20, with sections and without", () => {
  for (const n of [0, 1, 20, 20_000])
    for (const sections of [[section("", n)], [section("hall", n), section("yard", 3), section("", n, true)]]) {
      const layout = new Layout(sections, size, 1000);
      for (const top of [-500, 0, 1234, layout.height / 2, layout.height - 700, layout.height + 1000]) {
        const bottom = top + 800, [first, last] = layout.between(top, bottom);
        assert.ok(last - first <= 4 * 13);
        if (n > 20) continue;
        layout.items.forEach((_, i) => {
          const [, , begins, ends] = layout.places[i];
          if (ends > top && begins < bottom) assert.ok(i >= first && i < last, `item ${i} of ${n} at ${top}`);
        });
      }
    }
});

test("a section without others needs no head; a collapsed one is its head alone", () => {
  assert.equal(new Layout([section("", 2)], size, 250).items.length, 2);
  assert.equal(new Layout([section("hall", 2)], size, 250).items.length, 3);
  assert.equal(new Layout([section("hall", 2, true), section("", 2)], size, 250).items.length, 4);
});

test("no two items overlap, and small sections stand side by side", () => {
  const layout = new Layout([section("hall", 7), section("yard", 1), section("attic", 1), section("loft", 9, true), section("roof", 2), section("", 5)], size, 1000);
  const places = layout.items.map((item, i) => ({...layout.place(i), high: item.cards ? 40 : 44 + 54 * size(item).rows + 30 * size(item).fold}));
  places.forEach((one, i) => places.slice(0, i).forEach((other) =>
    assert.ok(one.left + one.width <= other.left + .01 || other.left + other.width <= one.left + .01 || one.top + one.high <= other.top || other.top + other.high <= one.top)));
  assert.ok(places.every(({left, top, width, high}) => left + width <= 1000.001 && top + high <= layout.height + .001));
  const heads = layout.items.flatMap((item, i) => item.cards ? [layout.place(i)] : []);
  assert.notEqual(heads[1].left, heads[2].left);
  assert.ok(Math.abs(heads[1].top - heads[2].top) < 54, "less than a row apart");
});

test("a narrow screen has one column of its full width", () => {
  const layout = new Layout([{key: "", cards: [{n: 0}, {n: 0}]}], () => ({rows: 1, fold: false}), 250);
  assert.deepEqual(layout.place(1), {left: 0, top: 44 + 54 + 14, width: 250});
});
