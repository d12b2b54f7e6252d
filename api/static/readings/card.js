// One card of a subject, with a row for each metric.

import {h, text} from "../shared/dom.js";
import {shape} from "../shared/icons.js";
import {Spark} from "./spark.js";
import {age, alarmName, metricName, now, priorityName, reading, say, subjectName} from "../words/words.js";

const ORDER = ["temperature", "humidity", "co2", "motion", "presence", "power", "energy", "price"];
const rank = (metric) => { const place = ORDER.indexOf(metric); return place < 0 ? ORDER.length : place; };

export const byRank = (a, b) => rank(a.metric) - rank(b.metric) || (a.metric < b.metric ? -1 : 1);

class Row {
  constructor(signal, open) {
    this.signal = signal;
    this.spark = new Spark(signal.metric);
    this.mark = h("span", {class: "row-mark"});
    this.label = h("span", {class: "label"});
    this.age = h("span", {class: "age"});
    this.quality = h("em", {class: "quality"});
    this.value = h("b", {});
    this.unit = h("small", {});
    this.more = h("span", {class: "hidden"});
    this.element = h("button", {type: "button", class: "row", "data-metric": signal.metric, onclick: () => open(signal.subject, signal.metric)},
      h("span", {class: "what"}, h("span", {class: "label-line"}, this.mark, this.label), h("span", {class: "age-line"}, this.quality, this.age)),
      this.spark.element, h("span", {class: "value"}, this.value, this.unit), this.more);
  }

  /** Show the signal; `alarm` is the worst that stands for it. */
  show(alarm, changed) {
    const {entry, course, metric} = this.signal;
    const [value, unit] = reading(entry);
    const quality = entry.quality ?? "good";
    text(this.label, metricName(metric));
    text(this.value, value);
    text(this.unit, unit);
    this.element.classList.toggle("wordy", value.length > 8);
    this.element.dataset.quality = quality;
    text(this.more, `, ${say("showHistory", {metric: metricName(metric)})}`);
    this.spark.draw(course);
    this.showAlarm(alarm);
    this.showAge();
    if (changed) { this.element.classList.remove("flash"); void this.element.offsetWidth; this.element.classList.add("flash"); }
  }

  showAlarm(alarm) {
    const known = alarm ? `${alarm.priority} ${alarm.isa} ${alarm.alarm}` : "";
    if (this.marked === known) return;
    this.marked = known;
    if (!alarm) { this.mark.replaceChildren(); delete this.element.dataset.priority; delete this.element.dataset.isa; return; }
    this.element.dataset.priority = alarm.priority;
    this.element.dataset.isa = alarm.isa;
    this.mark.replaceChildren(shape(alarm.priority));
  }

  showAge() {
    const {entry, patience} = this.signal, quality = entry.quality ?? "good";
    const old = now() - entry.time > patience;
    text(this.age, age(entry.time));
    this.element.classList.toggle("old", old);
    const alarm = this.marked ? `${priorityName(this.element.dataset.priority)}: ${alarmName(this.marked.split(" ").slice(2).join(" "))}` : "";
    text(this.quality, quality === "good" && old ? say("stale") : alarm && quality === "good" ? alarm : say(quality));
  }
}

export class Card {
  constructor(model, open) {
    this.model = model;
    this.open = open;
    this.rows = new Map();
    this.name = h("h3", {});
    this.mark = h("span", {class: "card-mark"});
    this.body = h("div", {class: "rows"});
    this.element = h("li", {class: "card", "data-subject": model.subject}, h("header", {}, this.mark, this.name, h("code", {}, model.subject)), this.body);
  }

  /** Draw all rows; `alarmOf(subject, metric)` is the worst alarm of a signal, or of the subject. */
  draw(alarmOf, pressed) {
    text(this.name, subjectName(this.model.subject));
    let place = this.body.firstElementChild;
    for (const signal of this.model.signals) {
      let row = this.rows.get(signal.metric);
      if (!row) this.rows.set(signal.metric, row = new Row(signal, this.open));
      if (row.element === place) place = place.nextElementSibling;
      else this.body.insertBefore(row.element, place);
      row.show(alarmOf(signal.subject, signal.metric));
      row.element.setAttribute("aria-pressed", String(pressed === signal.metric));
    }
    this.showAlarm(alarmOf);
  }

  showAlarm(alarmOf) {
    const worst = alarmOf(this.model.subject);
    this.element.dataset.alarm = worst?.priority ?? "";
    if (worst) this.element.dataset.isa = worst.isa; else delete this.element.dataset.isa;
    const known = worst ? `${worst.priority} ${worst.isa}` : "";
    if (this.marked !== known) {
      this.marked = known;
      this.mark.replaceChildren(...(worst ? [shape(worst.priority), h("span", {class: "hidden"}, `${say("inAlarm", {priority: priorityName(worst.priority)})} `)] : []));
    }
    for (const row of this.rows.values()) row.showAlarm(alarmOf(this.model.subject, row.signal.metric));
  }

  tick() {
    for (const row of this.rows.values()) row.showAge();
  }
}
