// How a home is arranged: what is pinned, then areas, those in alarm first; and what a person chose of it.

import {areaOf} from "../shared/areas.js";
import {graver} from "../alarms/urgency.js";

export const PINNED = "\npinned"; // no area has such a name
const GROUPS = {__proto__: null, area: areaOf, group: ({labels}) => labels?.group ?? "", none: () => ""};
export const GROUPED = Object.keys(GROUPS);
const FOLDED = new Set(["battery", "battery_low", "battery_voltage", "linkquality", "link_quality", "lqi", "rssi", "snr", "signal_strength"]);

/** The name of the group that an entry belongs to. */
export const groupOf = (entry, by) => (GROUPS[by] ?? areaOf)(entry);

/** The signals of a card that are shown, and those that are folded away: how its device is. One in alarm is shown. */
export function folded(signals, alarmOf, open) {
  const away = signals.filter(({subject, metric}) => FOLDED.has(metric) && !alarmOf(subject, metric));
  if (!away.length || away.length === signals.length) return {shown: signals, away: []};
  return {shown: open ? signals : signals.filter((signal) => !away.includes(signal)), away};
}

/** Sections {key, cards, worst, collapsed} of cards that are sorted by name. `alarms` gives the gravest alarm of a subject. */
export function arrangeHome(cards, {pinned = new Set(), collapsed = new Set(), alarms = new Map()} = {}) {
  const sections = new Map();
  for (const card of cards) {
    const key = pinned.has(card.subject) ? PINNED : card.group, alarm = alarms.get(card.subject);
    let section = sections.get(key);
    if (!section) sections.set(key, section = {key, first: [], others: [], worst: null});
    (alarm ? section.first : section.others).push(card);
    if (alarm && (!section.worst || graver(alarm, section.worst) < 0)) section.worst = alarm;
  }
  const gravest = (one, other) => (other.worst ? 1 : 0) - (one.worst ? 1 : 0) || (one.worst ? graver(one.worst, other.worst) : 0);
  const {compare} = new Intl.Collator(undefined, {numeric: true});
  const last = (one, other) => (one.key === "") - (other.key === "") || compare(one.key, other.key);
  return [...sections.values()].sort((one, other) => (other.key === PINNED) - (one.key === PINNED) || gravest(one, other) || last(one, other))
    .map(({key, first, others, worst}) => ({key, worst, collapsed: collapsed.has(key), count: first.length + others.length,
      cards: first.sort((a, b) => graver(alarms.get(a.subject), alarms.get(b.subject))).concat(others)}));
}

const KEPT = "vigie.home";

/** What was pinned and collapsed here, kept by the browser. */
export class Choices {
  load() {
    const kept = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
    this.pinned = new Set(kept.pinned);
    this.collapsed = new Set(kept.collapsed);
  }

  toggle(list, key) {
    if (!this[list].delete(key)) this[list].add(key);
    localStorage.setItem(KEPT, JSON.stringify({pinned: [...this.pinned], collapsed: [...this.collapsed]}));
  }
}
