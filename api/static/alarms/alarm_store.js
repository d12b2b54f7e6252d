// The present alarms, from snapshots and updates; and whether there are more than people can follow.

import {now} from "../words/words.js";
import {graver, isNormal, isSuppressed, isUnseen, keyOf, urgency} from "./urgency.js";

const WINDOW = 600; // EEMUA 191: a flood begins with more than 10 alarms in 10 minutes and ends with fewer than 5
const FLOOD_BEGINS = 10;
const FLOOD_ENDS = 5;

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

  /** All alarms that are not normal, most urgent first. */
  all() {
    return this.sorted ??= [...this.alarms.values()].filter((alarm) => !isNormal(alarm)).sort(urgency);
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
    return this.standing().filter(isUnseen).sort(graver)[0]?.priority ?? null;
  }

  /** Gives the gravest alarm of a subject, or of one of its metrics. */
  worst() {
    const worst = new Map();
    for (const alarm of this.standing()) {
      if (!"BCD".includes(alarm.isa)) continue;
      for (const key of [alarm.subject, `${alarm.subject}\n${alarm.metric}`])
        if (!worst.has(key) || graver(alarm, worst.get(key)) < 0) worst.set(key, alarm);
    }
    return (subject, metric) => worst.get(metric === undefined ? subject : `${subject}\n${metric}`);
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
    this.sorted = this.shown = null;
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
