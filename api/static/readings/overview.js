// The first view: all sensors as cards, the history of a chosen one, and the alarms beside them.

import {AlarmList} from "../alarms/alarm_list.js";
import {Cards} from "./cards.js";
import {Chart} from "./chart.js";
import {get, text} from "../shared/dom.js";
import {say} from "../words/words.js";

const NARROW = matchMedia("(max-width: 1080px)"); // there alarms stand above the sensors
const MOST_NARROW = 3;

export class Overview {
  constructor({alarmStore, openAlarm, failed}) {
    this.alarmStore = alarmStore;
    this.section = document.querySelector('[data-view="overview"]');
    this.cards = new Cards((subject, metric) => this.open(subject, metric));
    this.chart = new Chart({
      latest: (subject, metric) => this.cards.entry(subject, metric),
      failed,
      closed: (subject, metric) => { this.cards.select(null, null); this.cards.cards.get(subject)?.rows.get(metric)?.element.focus(); },
    });
    this.list = new AlarmList(get("alarms"), openAlarm);
    alarmStore.addEventListener("change", () => this.draw());
    NARROW.addEventListener("change", () => this.draw());
    get("search").addEventListener("input", (event) => this.cards.seek(event.target.value));
  }

  enter() {
    this.draw();
    this.chart.draw();
  }

  leave() {
    this.list.draw([]);
  }

  fill(readings) {
    for (const {course, ...entry} of readings) this.cards.take(entry, course);
    this.cards.draw();
  }

  receive({type, channel, data}) {
    if (channel !== "readings") return;
    for (const entry of type === "snapshot" ? data : [data]) { this.cards.take(entry); if (type === "event") this.chart.take(entry); }
  }

  draw(anew) {
    const standing = this.alarmStore.standing();
    const shown = NARROW.matches ? standing.slice(0, MOST_NARROW) : standing;
    if (!this.section.hidden) this.list.draw(shown, anew);
    get("more-alarms").hidden = shown.length === standing.length;
    text(get("more-alarms").firstElementChild, say("allAlarms", {n: standing.length}));
    text(get("alarm-count"), String(standing.length));
    get("alarm-count").classList.toggle("hot", this.alarmStore.unseen() > 0);
    get("no-alarms").hidden = standing.length > 0;
    const worst = new Map();
    for (const alarm of standing) if ("BCD".includes(alarm.isa) && !worst.has(alarm.subject)) worst.set(alarm.subject, alarm.priority);
    this.cards.mark(worst);
    if (this.chart.isOpen) this.chart.setLimits(this.limits(this.chart.subject, this.chart.metric));
  }

  limits(subject, metric) {
    const found = this.alarmStore.standing().filter((a) => a.subject === subject && a.metric === metric && typeof a.limit === "number");
    return found.map((a) => ({limit: a.limit, unit: a.unit ?? ""}));
  }

  open(subject, metric) {
    this.cards.select(subject, metric);
    this.chart.open(subject, metric, this.limits(subject, metric));
  }

  clear() {
    this.chart.close();
    this.cards.clear();
  }

  relabel() {
    this.cards.relabel();
    this.draw(true);
    this.chart.relabel();
  }
}
