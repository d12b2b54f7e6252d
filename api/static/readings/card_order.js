// Cards in the order of their names, in sections with a head, and which of them are in sight.

const ROW = 54, GAP = 14, WIDTH = 292; // at a text size of 15 px, as the others
const MOUSE = {HEAD: 44, FOLD: 30, TITLE: 40}, FINGER = {HEAD: 53, FOLD: 48, TITLE: 52};

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

/**
 * Places of cards in columns: cards stand in lines as high as the highest card in them. `size(card)` says how many rows it has, and whether something is folded away.
 * `items` holds the cards and, where there is more than one section or it has a name, the sections themselves, each before its cards. Small sections stand side by side.
 */
export class Layout {
  constructor(sections, size, width, scale = 1, finger = false) {
    const {HEAD, FOLD, TITLE} = finger ? FINGER : MOUSE;
    this.gap = GAP * scale;
    this.columns = Math.max(1, Math.floor((width + this.gap) / (WIDTH * scale + this.gap)));
    this.width = (width - this.gap * (this.columns - 1)) / this.columns;
    this.items = [];
    this.places = []; // of each item: its column, how many it spans, how far below its line's top
    this.tops = [];
    this.firsts = [];
    const title = TITLE * scale, named = sections.length > 1 || Boolean(sections[0]?.key);
    let top = 0, used = this.columns, height = 0;
    const begin = () => { top += height; height = 0; used = 0; this.tops.push(top); this.firsts.push(this.items.length); };
    const put = (item, column, span, below) => { this.items.push(item); this.places.push([column, span, below]); };
    for (const section of sections) {
      const cards = section.collapsed && named ? [] : section.cards, span = Math.min(this.columns, Math.max(1, cards.length)), below = named ? title : 0;
      if (used + span > this.columns) begin();
      if (named) put(section, used, span, 0);
      height = Math.max(height, below);
      for (let i = 0; i < cards.length; i += this.columns) {
        if (i) begin();
        let most = HEAD + ROW;
        const line = cards.slice(i, i + this.columns);
        for (const card of line) { const {rows, fold} = size(card); most = Math.max(most, HEAD + ROW * rows + (fold ? FOLD : 0)); }
        line.forEach((card, n) => put(card, used + n, 1, i ? 0 : below));
        height = Math.max(height, (i ? 0 : below) + most * scale + this.gap);
      }
      used = cards.length > this.columns ? this.columns : used + span;
    }
    this.height = Math.max(0, top + height - this.gap);
  }

  /** First and last index (excluded) of the items between two heights. */
  between(top, bottom) {
    const first = Math.max(0, this.line(this.tops, top));
    let last = first;
    while (last < this.tops.length && this.tops[last] < bottom) last++;
    return [this.firsts[first] ?? 0, this.firsts[last] ?? this.items.length];
  }

  /** The last line that begins at or before a place. */
  line(places, at) {
    let low = 0, high = places.length;
    while (low < high) { const middle = (low + high) >> 1; if (places[middle] <= at) low = middle + 1; else high = middle; }
    return low - 1;
  }

  place(index) {
    const [column, span, below] = this.places[index];
    return {left: column * (this.width + this.gap), top: this.tops[this.line(this.firsts, index)] + below, width: span * (this.width + this.gap) - this.gap};
  }
}
