// A card for each subject, in the order of their names. Only those in sight are in the page, however many there are.

import {ask} from "../shared/api.js";
import {byRank, Card} from "./card.js";
import {Layout, merge} from "./card_order.js";
import {get, text} from "../shared/dom.js";
import {currentLanguage, say, subjectName} from "../words/words.js";

const ROOM = 500; // pixels above and below the screen that are drawn, too
const FEW = 60; // so many are drawn whether or not they are in sight
const COURSES_AT_ONCE = 400; // more signals than that get their courses one by one, as they come in sight

export class Cards {
  constructor(readings, open) {
    this.readings = readings;
    this.open = open;
    this.list = get("cards");
    this.alarmOf = () => undefined;
    this.sought = "";
    this.clear();
    this.sort();
    setInterval(() => { for (const card of this.shown.values()) card.tick(); }, 1000);
    addEventListener("scroll", () => this.plan(), {passive: true});
    addEventListener("beforeprint", () => this.draw(this.order.length < 2000));
    new ResizeObserver(() => { this.layout = null; this.plan(); }).observe(this.list);
  }

  clear() {
    this.models = new Map();
    this.order = [];
    this.fresh = [];
    this.found = null;
    this.layout = null;
    this.shown = new Map();
    this.dirty = new Set();
    this.changed = new Set();
    this.courses = new Set();
    this.list.replaceChildren();
  }

  sort() {
    const {compare} = new Intl.Collator(currentLanguage(), {numeric: true});
    this.before = (a, b) => compare(a.name, b.name) || (a.subject < b.subject ? -1 : 1);
  }

  /** A signal that has a new reading. */
  take(signal, live) {
    let model = this.models.get(signal.subject);
    if (!model) {
      const name = subjectName(signal.subject);
      model = {subject: signal.subject, name, sought: `${signal.subject} ${name}`.toLowerCase(), signals: []};
      this.models.set(signal.subject, model);
      this.fresh.push(model);
      this.found = this.layout = null;
    }
    if (!model.signals.includes(signal)) {
      model.signals.push(signal);
      model.signals.sort(byRank);
      this.layout = null;
    }
    this.dirty.add(model);
    if (live) this.changed.add(signal);
    this.plan();
  }

  plan() {
    this.frame ??= requestAnimationFrame(() => this.draw());
  }

  draw(all = false) {
    cancelAnimationFrame(this.frame);
    this.frame = null;
    this.order = merge(this.order, this.fresh, this.before);
    this.fresh = [];
    this.found ??= this.sought ? this.order.filter((model) => model.sought.includes(this.sought)) : this.order;
    this.place(all);
    for (const model of this.dirty) this.shown.get(model.subject)?.draw(this.alarmOf, this.pressed(model.subject));
    for (const {subject, metric} of this.changed) {
      const row = this.shown.get(subject)?.rows.get(metric);
      if (row) row.show(this.alarmOf(subject, metric), true);
    }
    this.dirty.clear();
    this.changed.clear();
    text(get("sensor-count"), String(this.order.length));
    get("no-cards").hidden = this.found.length > 0;
    if (!this.found.length) text(get("no-cards"), say(this.order.length ? "noMatch" : "noCards"));
  }

  /** Put the cards in sight into the page, and take the others out. */
  place(all) {
    const width = this.list.clientWidth;
    if (!width) return;
    const scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / 15;
    if (this.layout?.cards !== this.found) { this.layout = new Layout(this.found, (model) => model.signals.length, width, scale); this.list.style.height = `${this.layout.height}px`; }
    const top = this.list.getBoundingClientRect().top;
    const [first, last] = all || this.found.length <= FEW ? [0, this.found.length] : this.layout.between(-top - ROOM, innerHeight - top + ROOM);
    const wanted = new Set();
    let before = null;
    for (let i = first; i < last; i++) {
      const model = this.found[i];
      wanted.add(model.subject);
      let card = this.shown.get(model.subject);
      if (!card) {
        this.shown.set(model.subject, card = new Card(model, this.open));
        card.draw(this.alarmOf, this.pressed(model.subject));
        this.askCourse(model);
      }
      const {left, top: y, width: wide} = this.layout.place(i), style = card.element.style;
      style.translate = `${left}px ${y}px`;
      style.width = `${wide}px`;
      card.element.ariaSetSize = String(this.found.length);
      card.element.ariaPosInSet = String(i + 1);
      const place = before ? before.nextElementSibling : this.list.firstElementChild;
      if (place !== card.element) this.list.insertBefore(card.element, place);
      before = card.element;
    }
    for (const [subject, {element}] of this.shown)
      if (!wanted.has(subject) && !element.contains(document.activeElement)) { element.remove(); this.shown.delete(subject); }
  }

  /** The courses that the server has kept: all at once where they are few, else of what is in sight. */
  async askCourses() {
    this.lazy = this.models.size > COURSES_AT_ONCE;
    this.courses.clear();
    if (this.lazy) { for (const {model} of this.shown.values()) this.askCourse(model); return; }
    this.takeCourses((await ask("/api/latest")).readings);
  }

  async askCourse({subject}) {
    if (!this.lazy || this.courses.has(subject)) return;
    this.courses.add(subject);
    await new Promise((done) => setTimeout(done, 200)); // who scrolls by asks for nothing
    if (!this.shown.has(subject)) { this.courses.delete(subject); return; }
    try {
      this.takeCourses((await ask(`/api/latest?${new URLSearchParams({subject})}`)).readings);
    } catch {
      this.courses.delete(subject); // the course is an extra; the next look asks again
    }
  }

  takeCourses(readings) {
    for (const {subject, metric, course} of readings) {
      this.readings.takeCourse(subject, metric, course ?? []);
      const model = this.models.get(subject);
      if (model) this.dirty.add(model);
    }
    this.plan();
  }

  /** Which alarm is the worst of a signal, or of a subject: what is in sight shows it. */
  mark(alarmOf) {
    this.alarmOf = alarmOf;
    for (const card of this.shown.values()) card.showAlarm(alarmOf);
  }

  seek(sought) {
    this.sought = sought.toLowerCase();
    this.found = this.layout = null;
    this.plan();
  }

  pressed(subject) {
    return this.selected?.subject === subject ? this.selected.metric : null;
  }

  select(subject, metric) {
    this.selected = {subject, metric};
    for (const card of this.shown.values())
      for (const row of card.rows.values()) row.element.setAttribute("aria-pressed", String(row.signal.subject === subject && row.signal.metric === metric));
  }

  focus(subject, metric) {
    this.shown.get(subject)?.rows.get(metric)?.element.focus();
  }

  relabel() {
    this.sort();
    for (const model of this.models.values()) model.name = subjectName(model.subject);
    this.order = [...this.models.values()].sort(this.before);
    this.fresh = [];
    this.found = this.layout = null;
    for (const card of this.shown.values()) { card.marked = null; this.dirty.add(card.model); for (const row of card.rows.values()) row.marked = null; }
    this.plan();
  }
}
