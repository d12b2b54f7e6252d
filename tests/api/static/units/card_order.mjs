import assert from "node:assert/strict";
import {test} from "node:test";
import {Layout, merge} from "../../../../api/static/readings/card_order.js";

const before = (a, b) => a - b;

test("cards that come later are put where they belong", () => {
  assert.deepEqual(merge([1, 4, 9], [10, 3, 5], before), [1, 3, 4, 5, 9, 10]);
  assert.deepEqual(merge([], [2, 1], before), [1, 2]);
  const all = [1];
  assert.equal(merge(all, [], before), all);
});

test("only the cards in sight are drawn, of 20,000 as of 20", () => {
  for (const n of [0, 1, 20, 20_000]) {
    const cards = Array.from({length: n}, (_, i) => i), layout = new Layout(cards, (card) => 1 + card % 3, 1000);
    for (const top of [-500, 0, 1234, layout.height / 2, layout.height - 700, layout.height + 1000]) {
      const bottom = top + 800, [first, last] = layout.between(top, bottom);
      assert.ok(last - first <= 3 * 11);
      for (const card of cards) {
        const begins = layout.place(card).top, ends = layout.tops[Math.floor(card / layout.columns) + 1] ?? layout.height + 14;
        if (ends > top && begins < bottom && n <= 20) assert.ok(card >= first && card < last, `card ${card} of ${n} at ${top}`);
      }
    }
  }
});

test("a narrow screen has one column of its full width", () => {
  const layout = new Layout([0, 1], () => 1, 250);
  assert.deepEqual(layout.place(1), {left: 0, top: 44 + 54 + 14, width: 250});
});
