// One card per subject, one row per metric; drawn again at most once a frame, however fast readings come.

import {get, h, text} from "../shared/dom.js";
import {Spark} from "./spark.js";
import {age, metricName, now, reading, say, subjectName} from "../words/words.js";

const OLD = 900; // seconds after which a value is shown as old
const ORDER = ["temperature", "humidity", "co2", "motion", "presence", "power", "energy", "price"];

const rank = (metric) => { const place = ORDER.indexOf(metric); return place < 0 ? ORDER.length : place; };

export class Cards {
  constructor(open) {
    this.open = open;
    this.list = get("cards");
    this.cards = new Map();
    this.dirty = new Set();
    this.sought = "";
    setInterval(() => this.tick(), 1000);
  }

  clear() {
    this.cards.clear();
    this.dirty.clear();
    this.list.replaceChildren();
  }

  /** Take a reading; `course` is the recent [time, value] list where the server sent one. */
  take(entry, course) {
    const card = this.cards.get(entry.subject) ?? this.makeCard(entry.subject);
    const row = card.rows.get(entry.metric) ?? this.makeRow(card, entry);
    if (row.entry && entry.time < row.entry.time) return;
    const changed = row.entry && row.entry.value !== entry.value;
    row.entry = entry;
    row.changed ||= Boolean(changed && !course);
    if (course) row.spark.start(course);
    else if (typeof entry.value === "number" && (entry.quality ?? "good") === "good") row.spark.add(entry.time, entry.value);
    this.dirty.add(row);
    if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  entry(subject, metric) {
    return this.cards.get(subject)?.rows.get(metric)?.entry;
  }

  makeCard(subject) {
    const name = h("h3", {}, subjectName(subject));
    const rows = h("div", {class: "rows"});
    const element = h("li", {class: "card", "data-subject": subject}, h("header", {}, name, h("code", {}, subject)), rows);
    const card = {subject, element, name, body: rows, rows: new Map()};
    this.cards.set(subject, card);
    const order = [...this.cards.keys()].sort((a, b) => subjectName(a).localeCompare(subjectName(b)) || (a < b ? -1 : 1));
    const after = order[order.indexOf(subject) + 1];
    this.list.insertBefore(element, after ? this.cards.get(after).element : null);
    this.seek(this.sought);
    return card;
  }

  makeRow(card, {metric, subject}) {
    const row = {metric, spark: new Spark(metric), entry: null, changed: false};
    row.label = h("span", {class: "label"}, metricName(metric));
    row.age = h("span", {class: "age"});
    row.value = h("b", {});
    row.unit = h("small", {});
    row.quality = h("em", {class: "quality"});
    row.element = h("button", {type: "button", class: "row", "data-metric": metric, onclick: () => this.open(subject, metric)},
      h("span", {class: "what"}, row.label, row.age, row.quality), row.spark.element, h("span", {class: "value"}, row.value, row.unit));
    card.rows.set(metric, row);
    const after = [...card.rows.values()].filter((other) => rank(other.metric) > rank(metric) || (rank(other.metric) === rank(metric) && other.metric > metric))
      .sort((a, b) => rank(a.metric) - rank(b.metric) || (a.metric < b.metric ? -1 : 1))[0];
    card.body.insertBefore(row.element, after ? after.element : null);
    return row;
  }

  draw() {
    this.frame = null;
    for (const row of this.dirty) {
      this.show(row);
      row.spark.draw();
      if (row.changed) { row.changed = false; row.element.classList.remove("flash"); void row.element.offsetWidth; row.element.classList.add("flash"); }
    }
    this.dirty.clear();
    text(get("sensor-count"), String(this.cards.size));
    const shown = [...this.cards.values()].some((card) => !card.element.hidden);
    get("no-cards").hidden = shown;
    if (!shown) text(get("no-cards"), say(this.cards.size ? "noMatch" : "noCards"));
  }

  show(row) {
    const [value, unit] = reading(row.entry);
    const quality = row.entry.quality ?? "good";
    text(row.label, metricName(row.metric));
    text(row.value, value);
    text(row.unit, unit);
    text(row.quality, say(quality));
    row.element.classList.toggle("wordy", value.length > 8);
    row.element.dataset.quality = quality;
    row.element.setAttribute("aria-label", `${metricName(row.metric)} ${value} ${unit} ${say(quality)}, ${say("showHistory", {metric: metricName(row.metric)})}`);
    this.showAge(row);
  }

  showAge(row) {
    text(row.age, age(row.entry.time));
    row.element.classList.toggle("old", now() - row.entry.time > OLD);
  }

  tick() {
    for (const card of this.cards.values()) for (const row of card.rows.values()) if (row.entry) this.showAge(row);
  }

  /** Colour the cards that have an alarm: `worst` maps a subject to a priority. */
  mark(worst) {
    for (const card of this.cards.values()) card.element.dataset.alarm = worst.get(card.subject) ?? "";
  }

  seek(sought) {
    this.sought = sought.toLowerCase();
    for (const card of this.cards.values())
      card.element.hidden = !`${card.subject} ${subjectName(card.subject)}`.toLowerCase().includes(this.sought);
    if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  select(subject, metric) {
    for (const card of this.cards.values())
      for (const row of card.rows.values()) row.element.setAttribute("aria-pressed", String(card.subject === subject && row.metric === metric));
  }

  relabel() {
    for (const card of this.cards.values()) { text(card.name, subjectName(card.subject)); for (const row of card.rows.values()) if (row.entry) this.show(row); }
    this.seek(this.sought);
  }
}
