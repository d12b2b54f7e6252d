// A card for each subject, in sections, in the order of their names. Only those in sight are in the page, however many there are.

import {ask} from "../shared/api.js";
import {byRank, Card, SectionHead} from "./card.js";
import {Layout, merge} from "./card_order.js";
import {get, h, text} from "../shared/dom.js";
import {arrangeHome, Choices, folded, groupOf, PINNED} from "./home.js";
import {icon} from "../shared/icons.js";
import {isOld} from "./readings.js";
import {toWrite} from "../shared/states.js";
import {holds, plain} from "../shared/search.js";
import {Stillness} from "../shared/stillness.js";
import {inSlices} from "../shared/slices.js";
import {currentLanguage, metricName, say, subjectName} from "../words/words.js";

const ROOM = 500; // pixels above and below the screen that are drawn, too
const FINGER = matchMedia("(pointer: coarse)");
const REST = 10_000; // milliseconds after which a pointer only lies there
const SLICE = 8; // milliseconds in which cards are made before the page may answer
const COUNTED = 2000; // milliseconds between two counts of old values
const FEW = 60; // so many are drawn whether or not they are in sight
const COURSES_AT_ONCE = 400; // more signals than that get their courses one by one, as they come in sight

export class Cards {
  constructor(readings, open) {
    this.readings = readings;
    this.open = open;
    this.list = get("cards");
    this.alarmOf = this.rankedOf = () => undefined;
    this.alarms = this.newest = new Map();
    this.sought = "";
    this.by = "area";
    this.choices = new Choices();
    this.choices.load();
    this.on = {
      open, unfold: (model) => { model.unfolded = !model.unfolded; this.again(model); },
      pin: (model) => { this.choices.toggle("pinned", model.subject); this.again(model); },
    };
    this.stillness = new Stillness(this.list, () => this.rank(), REST);
    this.clear();
    this.sort();
    setInterval(() => { for (const card of this.drawnCards) card.tick(); this.rank(); }, 1000);
    setInterval(() => this.countOld(), COUNTED);
    addEventListener("scroll", () => this.plan(), {passive: true});
    addEventListener("beforeprint", () => this.draw(this.order.length < 2000));
    new ResizeObserver(() => { this.layout = null; this.plan(); }).observe(this.list);
  }

  clear() {
    this.models = new Map();
    this.order = [];
    this.fresh = [];
    this.found = this.layout = null;
    this.shown = new Map();
    this.dirty = new Set();
    this.changed = new Set();
    this.courses = new Set();
    this.known = false;
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
      model = {subject: signal.subject, name, group: "", signals: []};
      this.models.set(signal.subject, model);
      this.fresh.push(model);
      this.found = this.layout = null;
    }
    if (!model.signals.includes(signal)) {
      model.signals.push(signal);
      model.signals.sort(byRank);
      model.sought = null;
      this.layout = null;
    }
    const group = groupOf(signal.entry, this.by);
    if (group && group !== model.group) { model.group = group; model.sought = null; this.found = this.layout = null; }
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
    this.found ??= this.sought ? this.order.filter((model) => holds(this.wordsOf(model), this.sought)) : this.order;
    this.place(all);
    for (const model of this.dirty) this.drawCard(this.shown.get(model.subject));
    for (const {subject, metric} of this.changed) {
      const row = this.shown.get(subject)?.rows.get(metric);
      if (row) row.show(this.alarmOf(subject, metric), true);
    }
    this.dirty.clear();
    this.changed.clear();
    text(get("sensor-count"), this.sought ? say("foundOf", {n: this.found.length, of: this.order.length}) : String(this.order.length));
    get("no-cards").hidden = this.found.length > 0;
    if (!this.found.length) this.showNone(this.order.length ? "noMatch" : this.known ? "noCards" : "loading");
  }

  showNone(why) {
    const place = get("no-cards"), words = say(why);
    const parts = [h("p", {}, words), why === "noCards" ? toWrite("cards") : null].filter(Boolean);
    if (place.childElementCount !== parts.length || place.textContent !== parts.map((part) => part.textContent).join("")) place.replaceChildren(...parts);
  }

  /** What a search looks at: names of the device, of its group and of what it measures. */
  wordsOf(model) {
    return model.sought ??= plain([model.subject, model.name, model.group, ...model.signals.flatMap(({metric}) => [metric, metricName(metric)])].join(" "));
  }

  drawCard(card) {
    card?.draw(this.alarmOf, this.pressed(card.model.subject), this.choices.pinned.has(card.model.subject), this.rankedOf);
  }

  /** A card has another size or place. */
  again(model) {
    this.layout = null;
    this.dirty.add(model);
    this.plan();
  }

  toggle(key) {
    this.choices.toggle("collapsed", key);
    this.layout = null;
    this.plan();
  }

  group(by) {
    this.by = by;
    for (const model of this.models.values()) { model.group = model.signals.map(({entry}) => groupOf(entry, by)).find(Boolean) ?? ""; model.sought = null; }
    this.found = this.layout = null;
    this.plan();
  }

  /** How many values cannot be believed: one sees at a glance whether what is shown is alive. */
  async countOld() {
    let old = 0, all = 0;
    await inSlices([...this.models.values()], ({signals}) => { for (const signal of signals) { all++; if (isOld(signal) || (signal.entry.quality ?? "good") !== "good") old++; } });
    get("sensor-old").hidden = !old;
    const words = say("oldCount", {n: old, of: all});
    if (get("sensor-old").textContent !== words) get("sensor-old").replaceChildren(icon("warning"), h("span", {}, words));
  }

  nameOf(key) {
    return key === PINNED ? say("pinned") : key ? subjectName(key) : say("noGroup_");
  }

  /** Arrange the cards for the size of the text and the screen as they are now. */
  measure() {
    if (this.found && this.list.clientWidth) this.arrange(this.list.clientWidth);
  }

  arrange(width) {
    const scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / 15;
    const sections = arrangeHome(this.found, {pinned: this.choices.pinned, collapsed: this.sought ? new Set() : this.choices.collapsed, alarms: this.alarms});
    const size = ({signals, unfolded}) => { const {shown, away} = folded(signals, this.rankedOf, unfolded); return {rows: shown.length, fold: away.length}; };
    this.layout = new Layout(sections, size, width, scale, FINGER.matches);
    const height = `${this.layout.height}px`, other = this.list.style.height !== height;
    this.list.style.height = height;
    if (other) this.resized?.();
  }

  /** Put the cards in sight into the page, and take the others out. */
  place(all) {
    const width = this.list.clientWidth;
    if (!width) return;
    if (!this.layout) this.arrange(width);
    const {items} = this.layout, top = this.list.getBoundingClientRect().top;
    const [first, last] = all || items.length <= FEW ? [0, items.length] : this.layout.between(-top - ROOM, innerHeight - top + ROOM);
    const wanted = new Set();
    const until = performance.now() + SLICE;
    let before = null;
    for (let i = first; i < last; i++) {
      const item = items[i], key = item.cards ? `\n${item.key}` : item.subject;
      wanted.add(key);
      let shown = this.shown.get(key);
      if (!shown) {
        if (!all && performance.now() > until) { this.plan(); return; }
        this.shown.set(key, shown = item.cards ? new SectionHead(item, (name) => this.toggle(name)) : new Card(item, this.on));
        if (!item.cards) { this.drawCard(shown); this.askCourse(item); }
      }
      if (item.cards) shown.show(item, this.nameOf(item.key));
      const {left, top: y, width: wide} = this.layout.place(i), style = shown.element.style;
      style.translate = `${left}px ${y}px`;
      style.width = `${wide}px`;
      shown.element.ariaSetSize = String(items.length);
      shown.element.ariaPosInSet = String(i + 1);
      const place = before ? before.nextElementSibling : this.list.firstElementChild;
      if (place !== shown.element) this.list.insertBefore(shown.element, place);
      before = shown.element;
    }
    for (const [subject, {element}] of this.shown)
      if (!wanted.has(subject) && !element.contains(document.activeElement)) { element.remove(); this.shown.delete(subject); }
  }

  /** The courses that the server has kept: all at once where they are few, else of what is in sight. */
  async askCourses() {
    this.known = true;
    this.plan();
    this.lazy = this.models.size > COURSES_AT_ONCE;
    this.courses.clear();
    if (this.lazy) { for (const {model} of this.drawnCards) this.askCourse(model); return; }
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

  get drawnCards() { return [...this.shown.values()].filter((shown) => shown.model); }

  /** Which alarm is the worst of a signal, or of a subject (`alarms`): what is in sight shows it. */
  mark(alarmOf, alarms) {
    this.alarmOf = alarmOf;
    this.newest = alarms;
    for (const card of this.drawnCards) card.showAlarm(alarmOf);
    this.rank();
  }

  /** Those in alarm come first, once nobody points at the cards. */
  rank() {
    if (this.newest === this.alarms || this.stillness.still) return;
    const said = [...this.newest].map(([subject, {priority, isa}]) => `${subject} ${priority} ${isa}`).join();
    this.alarms = this.newest;
    if (said === this.ranked) return;
    this.ranked = said;
    this.rankedOf = this.alarmOf;
    this.layout = null;
    for (const card of this.drawnCards) this.dirty.add(card.model);
    this.plan();
  }

  seek(sought) {
    this.sought = sought.trim();
    this.found = this.layout = null;
    this.plan();
  }

  pressed(subject) {
    return this.selected?.subject === subject ? this.selected.metric : null;
  }

  select(subject, metric) {
    this.selected = {subject, metric};
    for (const card of this.drawnCards)
      for (const row of card.rows.values()) row.element.setAttribute("aria-pressed", String(row.signal.subject === subject && row.signal.metric === metric));
  }

  focus(subject, metric) {
    this.shown.get(subject)?.rows.get(metric)?.element.focus();
  }

  /** Names and their order in another language; many are sorted bit by bit. */
  async relabel() {
    this.sort();
    const models = [...this.models.values()], run = this.run = {};
    this.order = [];
    this.fresh = [];
    this.found = this.layout = null;
    for (const card of this.drawnCards) { card.marked = null; this.dirty.add(card.model); for (const row of card.rows.values()) row.marked = null; }
    await inSlices(models, (model) => {
      if (this.run !== run || this.models.get(model.subject) !== model) return;
      model.name = subjectName(model.subject);
      model.sought = null;
      this.fresh.push(model);
      this.found = this.layout = null;
      this.plan();
    });
  }
}
