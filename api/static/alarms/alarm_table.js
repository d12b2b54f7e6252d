// Alarms as a table of low rows. Only the rows in sight are in the page, and none moves while somebody points at the table.

import {AlarmRow, GroupRow} from "./table_row.js";
import {between, inSight} from "./table_rows.js";
import {keyOf} from "./urgency.js";
import {h, text} from "../shared/dom.js";
import {steadyOrder} from "./steady_order.js";
import {Stillness} from "../shared/stillness.js";
import {say} from "../words/words.js";

const ROOM = 320, PRINTED = 2000;
const SLICE = 8; // milliseconds in which rows are made before the page may answer
const COLUMNS = ["priority", "state", "where", "what", "measured", "age"];
const SORTED = {priority: "priority", state: "state", where: "where", what: "what", age: "age"};

export class AlarmTable {
  /** `on` has `open(key)`, `latest(subject, metric)`, `sort(name)`, `toggle(group)`, `groupName(group)`, `chosen()`, `isAimed()`: whether somebody points at what acts on the rows in sight. */
  constructor(on) {
    this.on = on;
    this.chosen = new Set();
    this.rows = new Map();
    this.keys = [];
    this.entries = new Map();
    this.all = h("input", {type: "checkbox", onclick: () => this.chooseAll(this.all.checked)});
    this.head = h("div", {class: "table-head", role: "row"});
    this.list = h("div", {class: "table-rows", role: "rowgroup"});
    this.news = h("button", {type: "button", class: "news", hidden: true, onclick: () => { this.draw(this.wanted, false, true); this.element.focus(); }});
    this.element = h("div", {class: "alarm-table", role: "table", tabindex: "-1"}, h("div", {role: "rowgroup"}, this.head), this.list);
    this.stillness = new Stillness(this.list, () => this.draw(this.wanted));
    this.wanted = [];
    addEventListener("scroll", () => this.place(), {passive: true});
    addEventListener("beforeprint", () => this.place(true, this.keys.length < PRINTED));
    new ResizeObserver(() => { this.height = null; this.place(); }).observe(this.list);
    setInterval(() => { for (const row of this.rows.values()) row.tick?.(); }, 1000);
  }

  /** Show entries of `arrange`; `anew` makes all rows again, `now` moves them although somebody points at them. */
  draw(wanted, anew = false, now = false) {
    this.wanted = wanted;
    const still = !now && !anew && (this.stillness.still || this.on.isAimed());
    const entries = new Map(wanted.map((entry) => [entry.alarm ? keyOf(entry.alarm) : `\n${entry.group}`, entry]));
    const {keys, waiting} = steadyOrder(this.keys, [...entries.keys()], still);
    if (anew) { for (const {element} of this.rows.values()) element.remove(); this.rows.clear(); }
    Object.assign(this, {keys, entries});
    for (const key of this.chosen) if (!entries.has(key)) this.chosen.delete(key);
    const fresh = waiting.filter((key) => !key.startsWith("\n")).length;
    this.news.hidden = !fresh;
    text(this.news, say("newAbove", {n: fresh}));
    this.element.setAttribute("aria-label", say("alarms"));
    this.element.setAttribute("aria-rowcount", String(keys.length + 1));
    this.place();
    this.showChosen();
  }

  drawHead(sort) {
    const arrow = (name) => sort === name ? "ascending" : sort === `-${name}` ? "descending" : null;
    const title = (name) => h("div", {class: `cell ${name}`, role: "columnheader", "aria-sort": arrow(SORTED[name])},
      SORTED[name] ? h("button", {type: "button", "data-sort": name, onclick: () => this.on.sort(sort === name ? `-${name}` : sort === `-${name}` ? "urgency" : name)}, say(`column_${name}`)) : say(`column_${name}`));
    this.all.setAttribute("aria-label", say("chooseAll"));
    this.head.replaceChildren(h("div", {class: "cell choice", role: "columnheader"}, h("label", {}, this.all)), h("div", {class: "cell mark", role: "columnheader"}, h("span", {class: "hidden"}, say("column_shape"))),
      ...COLUMNS.map(title), h("div", {class: "cell action-cell", role: "columnheader"}, h("span", {class: "hidden"}, say("action"))));
  }

  /** Put the rows in sight into the page, or `all`, and take the others out; `whole`: at once, where one is to get the focus. */
  place(whole = false, all = false) {
    if (!this.list.isConnected || !this.element.clientWidth) return;
    this.height ??= parseFloat(getComputedStyle(this.element).getPropertyValue("--row")) * parseFloat(getComputedStyle(document.documentElement).fontSize) / 15;
    this.list.style.height = `${this.keys.length * this.height}px`;
    const top = this.list.getBoundingClientRect().top;
    const [first, last] = all ? [0, this.keys.length] : inSight(-top - ROOM, innerHeight - top + ROOM, this.height, this.keys.length);
    const wanted = new Set(this.keys.slice(first, last));
    for (const [key, {element}] of this.rows)
      if (!wanted.has(key) && !element.contains(document.activeElement)) { element.remove(); this.rows.delete(key); }
    const until = performance.now() + SLICE;
    let before = null;
    for (let i = first; i < last; i++) {
      const key = this.keys[i], entry = this.entries.get(key);
      let row = this.rows.get(key);
      if (!row && !whole && performance.now() > until) { this.more ??= requestAnimationFrame(() => { this.more = null; this.place(); }); return; }
      if (!row) this.rows.set(key, row = key.startsWith("\n") ? new GroupRow(key.slice(1), (name) => this.on.toggle(name)) : new AlarmRow(key, {...this.on, chosen: (...choice) => this.choose(...choice)}));
      if (row instanceof GroupRow) { if (entry) row.show(entry, this.on.groupName(entry.group)); }
      else row.show(entry?.alarm ?? null, this.chosen.has(key));
      row.element.style.translate = `0 ${i * this.height}px`;
      row.element.ariaRowIndex = String(i + 2);
      const place = before ? before.nextElementSibling : this.list.firstElementChild;
      if (place !== row.element) this.list.insertBefore(row.element, place);
      before = row.element;
    }
  }

  get alarmKeys() { return this.keys.filter((key) => this.entries.get(key)?.alarm); }

  choose(key, chosen, shift) {
    const keys = shift && this.last ? between(this.alarmKeys, this.last, key) : [key];
    for (const one of keys) if (chosen) this.chosen.add(one); else this.chosen.delete(one);
    this.last = key;
    this.place();
    this.showChosen();
  }

  chooseAll(chosen) {
    this.chosen = new Set(chosen ? this.alarmKeys : []);
    this.place();
    this.showChosen();
  }

  showChosen() {
    this.all.checked = this.chosen.size > 0 && this.chosen.size === this.alarmKeys.length;
    this.all.indeterminate = this.chosen.size > 0 && !this.all.checked;
    this.on.chosen();
  }

  /** The alarms of chosen rows. */
  get chosenAlarms() { return [...this.chosen].map((key) => this.entries.get(key)?.alarm).filter(Boolean); }

  /** The alarms of the rows that are on the screen now. */
  get alarmsInSight() {
    const head = this.head.getBoundingClientRect().bottom;
    return [...this.rows.values()].filter(({element, alarm}) => { const {top, bottom} = element.getBoundingClientRect(); return alarm && top >= head - 1 && bottom <= innerHeight; }).map(({alarm}) => alarm);
  }

  /** The row that has the focus or, without one, the first. */
  get current() {
    const key = document.activeElement?.closest?.(".alarm-table .alarm")?.dataset.key;
    return key && this.entries.get(key)?.alarm;
  }

  /** Move the focus by so many rows. */
  step(by) {
    const keys = this.alarmKeys, now = keys.indexOf(document.activeElement?.closest?.(".alarm-table .alarm")?.dataset.key);
    const key = keys[Math.min(keys.length - 1, Math.max(0, now < 0 ? 0 : now + by))];
    if (!key) return;
    const at = this.keys.indexOf(key) * this.height + this.list.getBoundingClientRect().top;
    const room = this.head.getBoundingClientRect().bottom + this.height;
    if (at < room) scrollBy(0, at - room);
    else if (at + this.height * 2 > innerHeight) scrollBy(0, at + this.height * 2 - innerHeight);
    this.place(true);
    this.rows.get(key)?.name.focus({preventScroll: true});
  }
}
