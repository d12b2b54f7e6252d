// The present alarms, from snapshots and updates; and whether there are more than people can follow.

import {now} from "../words/words.js";
import {withLasting} from "./lasting_changes.js";
import {graver, isNormal, isSuppressed, isUnseen, keyOf, urgency} from "./urgency.js";

const WINDOW = 600; // EEMUA 191: a flood begins with more than 10 alarms in 10 minutes and ends with fewer than 5
const FLOOD_BEGINS = 10;
const FLOOD_ENDS = 5;

const AT_MOST = 40; // milliseconds between two words of change

const isNews = (alarm, known) => !known || alarm.recorded > known.recorded || (alarm.recorded === known.recorded && alarm.seq > known.seq);

/** Where an alarm belongs in a list that is sorted by urgency. */
function placeOf(alarm, sorted) {
  let low = 0, high = sorted.length;
  while (low < high) { const middle = (low + high) >> 1; if (urgency(sorted[middle], alarm) <= 0) low = middle + 1; else high = middle; }
  return low;
}

/** Dispatches `change`, and `alarm` for each alarm to be announced now. Nothing is `known` before the server has said what stands. */
export class AlarmStore extends EventTarget {
  constructor() {
    super();
    this.alarms = new Map();
    this.sorted = [];
    this.announced = new Map();
    this.known = false;
    this.flooded = false;
    setInterval(() => this.updateFlood(), 5000);
  }

  /** Start again from what the server says stands now. */
  start(transitions) {
    this.known = true;
    this.alarms = new Map(transitions.map((alarm) => [keyOf(alarm), alarm]));
    this.sorted = [...this.alarms.values()].filter((alarm) => !isNormal(alarm)).sort(urgency);
    for (const alarm of transitions) this.count(alarm);
    this.changed();
  }

  take(change) {
    const known = this.alarms.get(keyOf(change));
    if (!isNews(change, known)) return;
    const alarm = withLasting(change, known);
    this.alarms.set(keyOf(alarm), alarm);
    this.sorted = this.sorted.filter((other) => other !== known);
    if (!isNormal(alarm)) this.sorted.splice(placeOf(alarm, this.sorted), 0, alarm);
    this.count(alarm);
    this.changed();
    if (alarm.annunciate) this.dispatchEvent(new CustomEvent("alarm", {detail: alarm}));
  }

  clear() {
    this.announced.clear();
    this.flooded = false;
    this.start([]);
    this.known = false;
  }

  get(key) { return this.alarms.get(key); }

  /** All alarms that are not normal, most urgent first. */
  all() {
    return this.sorted;
  }

  /** What somebody must see, most urgent first; neither suppressed nor out of service. */
  standing() {
    return this.shown ??= this.all().filter((alarm) => !isSuppressed(alarm));
  }

  unseen() {
    return this.standing().filter(isUnseen).length;
  }

  /** The most urgent priority that nobody has acknowledged. */
  waiting() {
    return this.standing().filter(isUnseen).reduce((worst, alarm) => worst && graver(worst, alarm) <= 0 ? worst : alarm, null)?.priority ?? null;
  }

  /** A function that gives the gravest alarm of a subject, or of one of its metrics. */
  worst() {
    const worst = this.gravest ??= this.findGravest();
    const ofSubject = this.gravestOfSubject;
    return (subject, metric) => metric === undefined ? ofSubject.get(subject) : worst.get(`${subject}\n${metric}`);
  }

  /** The gravest alarm of each subject that has one. */
  subjects() {
    this.worst();
    return this.gravestOfSubject;
  }

  findGravest() {
    const worst = new Map(), ofSubject = this.gravestOfSubject = new Map();
    for (const alarm of this.standing()) {
      if (!"BCD".includes(alarm.isa)) continue;
      for (const [map, key] of [[worst, `${alarm.subject}\n${alarm.metric}`], [ofSubject, alarm.subject]])
        if (!map.has(key) || graver(alarm, map.get(key)) < 0) map.set(key, alarm);
    }
    return worst;
  }

  /** Alarms announced in the last ten minutes. */
  recent() {
    for (const [id, time] of this.announced) if (time < now() - WINDOW) this.announced.delete(id);
    return this.announced.size;
  }

  count(alarm) {
    if (alarm.annunciate) this.announced.set(alarm.id, alarm.recorded);
  }

  /** However many change at once, it is said some times a second. */
  changed() {
    this.shown = this.gravest = null;
    this.updateFlood(true);
    this.saying ??= setTimeout(() => { this.saying = null; this.dispatchEvent(new Event("change")); }, AT_MOST);
  }

  updateFlood(quietly = false) {
    const before = this.flooded, recent = this.recent();
    if (recent > FLOOD_BEGINS) this.flooded = true;
    else if (recent < FLOOD_ENDS) this.flooded = false;
    if (!quietly && (this.flooded || before)) this.dispatchEvent(new Event("change"));
  }
}
