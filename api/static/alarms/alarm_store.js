// The present alarms, from snapshots and updates; and whether there are more than people can follow.

import {now} from "../words/words.js";

const ISA = "BDCEFG";
const PRIORITY = ["critical", "high", "medium", "low"];
const NORMAL = ["A", "-"];
const WINDOW = 600; // EEMUA 191: a flood begins with more than 10 alarms in 10 minutes and ends with fewer than 5
const FLOOD_BEGINS = 10;
const FLOOD_ENDS = 5;

export const keyOf = (alarm) => `${alarm.rule}|${alarm.subject}`;
export const isUnseen = (alarm) => alarm.isa === "B" || alarm.isa === "D";

const urgency = (a, b) => ISA.indexOf(a.isa) - ISA.indexOf(b.isa) || PRIORITY.indexOf(a.priority) - PRIORITY.indexOf(b.priority) || b.time - a.time;
const isNews = (alarm, known) => !known || alarm.recorded > known.recorded || (alarm.recorded === known.recorded && alarm.seq > known.seq);

/** Dispatches `change`, and `alarm` for each alarm to be announced now. */
export class AlarmStore extends EventTarget {
  constructor() {
    super();
    this.alarms = new Map();
    this.announced = new Map();
    this.flooded = false;
    setInterval(() => this.updateFlood(), 5000);
  }

  /** Start again from what the server says stands now. */
  start(transitions) {
    this.alarms = new Map(transitions.map((alarm) => [keyOf(alarm), alarm]));
    for (const alarm of transitions) this.count(alarm);
    this.changed();
  }

  take(alarm) {
    if (!isNews(alarm, this.alarms.get(keyOf(alarm)))) return;
    this.alarms.set(keyOf(alarm), alarm);
    this.count(alarm);
    this.changed();
    if (alarm.annunciate) this.dispatchEvent(new CustomEvent("alarm", {detail: alarm}));
  }

  clear() {
    this.announced.clear();
    this.flooded = false;
    this.start([]);
  }

  get(key) { return this.alarms.get(key); }

  /** What somebody must see, most urgent first. */
  standing() {
    return [...this.alarms.values()].filter((alarm) => !NORMAL.includes(alarm.isa)).sort(urgency);
  }

  unseen() {
    return this.standing().filter(isUnseen).length;
  }

  /** Alarms announced in the last ten minutes. */
  recent() {
    for (const [id, time] of this.announced) if (time < now() - WINDOW) this.announced.delete(id);
    return this.announced.size;
  }

  count(alarm) {
    if (alarm.annunciate) this.announced.set(alarm.id, alarm.recorded);
  }

  changed() {
    this.updateFlood(true);
    this.dispatchEvent(new Event("change"));
  }

  updateFlood(quietly = false) {
    const before = this.flooded, recent = this.recent();
    if (recent > FLOOD_BEGINS) this.flooded = true;
    else if (recent < FLOOD_ENDS) this.flooded = false;
    if (!quietly && (this.flooded || before)) this.dispatchEvent(new Event("change"));
  }
}
