// Cards in the order of their names, in sections with a head, without holes, and which of them are in sight.

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
 * Places of cards in columns: a section stands where it fits highest, as wide as its cards need, and in it each card in the column that is filled least.
 * So what comes first stands first, and no card leaves a hole beside a taller one. `size(card)` says how many rows it has, and whether something is folded away.
 * `items` holds the cards and, where there is more than one section or it has a name, the sections themselves, each before its cards.
 */
export class Layout {
  constructor(sections, size, width, scale = 1, finger = false) {
    const {HEAD, FOLD, TITLE} = finger ? FINGER : MOUSE;
    this.gap = GAP * scale;
    this.columns = Math.max(1, Math.floor((width + this.gap) / (WIDTH * scale + this.gap)));
    this.width = (width - this.gap * (this.columns - 1)) / this.columns;
    this.items = [];
    this.places = []; // of each item: its column, how many it spans, its top and bottom
    const filled = Array(this.columns).fill(0), named = sections.length > 1 || Boolean(sections[0]?.key);
    const put = (item, column, span, height) => { const top = filled[column]; this.items.push(item); this.places.push([column, span, top, top + height]); };
    for (const section of sections) {
      const cards = section.collapsed && named ? [] : section.cards, span = Math.min(this.columns, Math.max(1, cards.length));
      const [first, top] = highest(filled, span);
      filled.fill(top, first, first + span);
      if (named) { put(section, first, span, TITLE * scale); filled.fill(top + TITLE * scale, first, first + span); }
      for (const card of cards) {
        const {rows, fold} = size(card), height = (HEAD + ROW * rows + (fold ? FOLD : 0)) * scale;
        const column = leastFilled(filled, first, span);
        put(card, column, 1, height);
        filled[column] += height + this.gap;
      }
    }
    this.height = Math.max(0, ...filled.map((bottom) => bottom - this.gap));
    this.bound();
  }

  /** What begins at the earliest from an item on, and what ends at the latest up to it: both grow, so that they can be searched. */
  bound() {
    const {places} = this, count = places.length;
    this.begins = Array(count);
    this.ends = Array(count);
    for (let i = 0, latest = 0; i < count; i++) this.ends[i] = latest = Math.max(latest, places[i][3]);
    for (let i = count - 1, earliest = Infinity; i >= 0; i--) this.begins[i] = earliest = Math.min(earliest, places[i][2]);
  }

  /** First and last index (excluded) of the items between two heights; some among them may be beyond. */
  between(top, bottom) {
    return [countTo(this.ends, top), countTo(this.begins, bottom)];
  }

  place(index) {
    const [column, span, top] = this.places[index];
    return {left: column * (this.width + this.gap), top, width: span * (this.width + this.gap) - this.gap};
  }
}

/** The first of so many columns side by side where they are free highest, and where that is. */
function highest(filled, span) {
  let first = 0, top = Infinity;
  for (let column = 0; column + span <= filled.length; column++) {
    const free = Math.max(...filled.slice(column, column + span));
    if (free < top) [first, top] = [column, free];
  }
  return [first, top];
}

function leastFilled(filled, first, span) {
  let least = first;
  for (let column = first + 1; column < first + span; column++) if (filled[column] < filled[least]) least = column;
  return least;
}

/** How many of growing numbers are at most a limit. */
function countTo(numbers, limit) {
  let low = 0, high = numbers.length;
  while (low < high) { const middle = (low + high) >> 1; if (numbers[middle] <= limit) low = middle + 1; else high = middle; }
  return low;
}
