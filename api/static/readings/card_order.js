// Cards in the order of their names, found by a word, and which of them are in sight.

const HEAD = 44, ROW = 54, GAP = 14, WIDTH = 292; // at a text size of 15 px

/** Merge cards into a sorted list of cards; both are sorted by `before`. */
export function merge(sorted, fresh, before) {
  if (!fresh.length) return sorted;
  fresh.sort(before);
  if (!sorted.length || before(sorted.at(-1), fresh[0]) <= 0) return sorted.concat(fresh);
  const out = [];
  let i = 0, j = 0;
  while (i < sorted.length && j < fresh.length) out.push(before(sorted[i], fresh[j]) <= 0 ? sorted[i++] : fresh[j++]);
  return out.concat(sorted.slice(i), fresh.slice(j));
}

/** Places of cards in columns: cards stand in lines as high as the highest card in them. `rows(card)` says how many rows it has. */
export class Layout {
  constructor(cards, rows, width, scale = 1) {
    this.cards = cards;
    this.gap = GAP * scale;
    this.columns = Math.max(1, Math.floor((width + this.gap) / (WIDTH * scale + this.gap)));
    this.width = (width - this.gap * (this.columns - 1)) / this.columns;
    this.tops = [];
    let top = 0;
    for (let i = 0; i < cards.length; i += this.columns) {
      this.tops.push(top);
      let most = 1;
      for (let j = i; j < Math.min(i + this.columns, cards.length); j++) most = Math.max(most, rows(cards[j]));
      top += (HEAD + ROW * most) * scale + this.gap;
    }
    this.height = Math.max(0, top - this.gap);
  }

  /** First and last index (excluded) of the cards between two heights. */
  between(top, bottom) {
    let low = 0, high = this.tops.length;
    while (low < high) { const middle = (low + high) >> 1; if (this.tops[middle] <= top) low = middle + 1; else high = middle; }
    const first = Math.max(0, low - 1);
    let last = first;
    while (last < this.tops.length && this.tops[last] < bottom) last++;
    return [first * this.columns, Math.min(last * this.columns, this.cards.length)];
  }

  place(index) {
    return {left: (index % this.columns) * (this.width + this.gap), top: this.tops[Math.floor(index / this.columns)], width: this.width};
  }
}
