// The events of the site: a timeline, newest first, with filters; new events come in by themselves.

import {toast} from "../shared/announce.js";
import {ask} from "../shared/api.js";
import {h, text} from "../shared/dom.js";
import {select} from "../shared/dialog.js";
import {icon} from "../shared/icons.js";
import {keepHere} from "../shared/place.js";
import {canMark, eventItem, fromChannel, mark} from "./event_item.js";
import {hourBars} from "./hour_bars.js";
import {emptyState, failure, skeleton} from "../shared/states.js";
import {Stillness} from "../shared/stillness.js";
import {dayOf, now, say, subjectName, typeWord} from "../words/words.js";

const PAGE = 40;
const MOST = 400;
const REST = 10_000; // milliseconds after which a pointer only lies there
const AT_ONCE = 4; // requests under way when many are marked
const PERIODS = [["", "always"], ["3600", "lastHour"], ["86400", "lastDay"], ["604800", "lastWeek"]];

export class EventsView {
  constructor({failed}) {
    this.failed = failed;
    this.events = [];
    this.filter = {type: "", subject: "", period: "", day: "", acknowledged: ""};
    this.chosen = new Set();
    this.stats = null;
    this.summary = h("div", {class: "events-summary"});
    this.form = h("form", {class: "filters fields", role: "search"});
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("change", ({target: {name}}) => this.set({...Object.fromEntries(new FormData(this.form)), ...(name === "period" ? {day: ""} : {})}));
    this.bar = h("div", {class: "table-bar", role: "group"});
    this.list = h("div", {class: "timeline", "aria-live": "off"});
    this.waiting = []; // events that came while somebody pointed at the list
    this.news = h("button", {type: "button", class: "news", hidden: true, onclick: () => { this.draw(); this.list.querySelector("button, input")?.focus({preventScroll: true}); }});
    this.foot = h("div", {class: "foot"});
    this.section = h("section", {"aria-labelledby": "title", class: "events-view"}, this.summary, this.form, h("div", {}, this.bar, this.list), this.foot);
    this.stillness = new Stillness(this.bar.parentElement, () => { if (this.waiting.length) this.draw(); }, REST);
  }

  enter([subject], fresh, query) {
    const before = JSON.stringify(this.filter);
    for (const name of Object.keys(this.filter)) this.filter[name] = query.get(name) ?? "";
    if (subject !== undefined) this.filter.subject = subject;
    if (fresh || JSON.stringify(this.filter) !== before) { this.drawForm(); this.load(); this.loadStats(); }
  }

  set(filter) {
    Object.assign(this.filter, filter);
    if (filter.day) this.filter.period = "";
    keepHere(this.filter);
    this.drawForm();
    this.load();
  }

  /** The day before the one that is shown, or after it. */
  step(days) {
    const shown = this.filter.day ? new Date(`${this.filter.day}T12:00`) : new Date(now() * 1000);
    shown.setDate(shown.getDate() + days);
    this.set({day: `${shown.getFullYear()}-${String(shown.getMonth() + 1).padStart(2, "0")}-${String(shown.getDate()).padStart(2, "0")}`});
  }

  leave() {
    this.request?.abort();
    this.counting?.abort();
  }

  resume() {
    this.load(true);
  }

  async load(quietly = false) {
    this.request?.abort();
    const request = this.request = new AbortController();
    if (!quietly) { this.list.replaceChildren(skeleton(6, "lines")); this.foot.replaceChildren(); }
    try {
      const page = await ask(`/api/events?${this.query()}`, request.signal);
      Object.assign(this, {events: page.events, next: page.next, complete: page.complete});
      this.draw();
    } catch (error) {
      const why = this.failed(error);
      if (why && !quietly) this.list.replaceChildren(failure(why, () => this.load()));
    }
  }

  async older(button) {
    button.disabled = true;
    try {
      const page = await ask(`/api/events?${this.query()}&after=${encodeURIComponent(this.next)}`, this.request.signal);
      const first = page.events[0]?.id;
      this.events.push(...page.events);
      this.next = page.next;
      this.draw();
      const place = first && this.list.querySelector(`[data-id="${CSS.escape(first)}"]`);
      if (place) { place.tabIndex = -1; place.focus(); }
    } catch (error) {
      const why = this.failed(error);
      if (why) this.foot.replaceChildren(failure(why, () => this.older(button)));
    }
  }

  async loadStats() {
    this.counting?.abort();
    const request = this.counting = new AbortController();
    try {
      this.stats = await ask("/api/events/stats", request.signal);
    } catch (error) {
      this.failed(error);
      return;
    }
    this.drawStats();
    this.drawForm();
  }

  query() {
    const {type, subject, period, day, acknowledged} = this.filter;
    const query = new URLSearchParams({limit: PAGE});
    if (type) query.set("type", type);
    if (subject) query.set("camera", subject);
    if (period) query.set("from", now() - Number(period));
    if (day) { const [from, to] = boundsOf(day); query.set("from", from); query.set("to", to); }
    if (acknowledged) query.set("acknowledged", acknowledged);
    return query;
  }

  receive({type, channel, data}) {
    if (channel !== "events" || type !== "event" || this.section.hidden) return;
    if (data.kind === "acknowledged") {
      const known = [...this.events, ...this.waiting].find((event) => event.id === data.event);
      if (known) { known.acknowledged = {by: data.by, at: data.at, comment: data.comment}; this.redraw(known); }
      return;
    }
    const event = fromChannel(data);
    if (!event || !this.fits(event) || [...this.events, ...this.waiting].some((other) => other.id === event.id)) return;
    this.waiting.push(event);
    if (this.stillness.still && this.events.length) this.showNews(); else this.draw();
  }

  /** What waited takes its place; what is older than all that is shown has none while older ones can be loaded. */
  takeWaiting() {
    for (const event of this.waiting.splice(0)) {
      const place = this.events.findIndex((other) => other.time <= event.time);
      if ((place < 0 && this.next) || !this.fits(event) || this.events.some(({id}) => id === event.id)) continue;
      this.events.splice(place < 0 ? this.events.length : place, 0, event);
      if (this.events.length > MOST) this.events.length = MOST;
    }
  }

  fits(event) {
    const {type, subject, day, acknowledged} = this.filter, [from, to] = day ? boundsOf(day) : [0, Infinity];
    return event.time >= from && event.time < to && (!type || event.type === type) && (!subject || subject === event.subject || subject === event.labels.camera) && acknowledged !== "true";
  }

  redraw(event) {
    const place = this.list.querySelector(`[data-id="${CSS.escape(event.id)}"]`);
    if (!place) return;
    const focused = place.contains(document.activeElement);
    const item = this.item(event);
    if (this.stillness.pointed) item.style.height = `${place.offsetHeight}px`; // what stands below keeps its place
    place.replaceWith(item);
    if (focused) { item.tabIndex = -1; item.focus(); }
  }

  item(event) {
    return eventItem(event, {
      changed: (changed) => { this.chosen.delete(changed.id); this.redraw(changed); this.drawBar(); },
      choose: ({id}, chosen) => { if (chosen) this.chosen.add(id); else this.chosen.delete(id); this.drawBar(); },
      isChosen: ({id}) => this.chosen.has(id),
    });
  }

  /** Nothing moves while somebody points at the list: what is new waits above. */
  showNews() {
    this.news.hidden = !this.waiting.length;
    text(this.news, say("newAbove", {n: this.waiting.length}));
  }

  /** What is for many at once: those chosen, or all that are shown. */
  drawBar() {
    const open = this.events.filter(canMark), chosen = open.filter(({id}) => this.chosen.has(id));
    const button = (name, words, act) => h("button", {type: "button", class: "action", "data-many": name, onclick: act}, words);
    const held = this.bar.contains(document.activeElement);
    this.bar.setAttribute("aria-label", say("many"));
    this.bar.replaceChildren(...(chosen.length ? [h("b", {}, say("chosenCount", {n: chosen.length})), button("ack", `${say("ackEvent")} (${chosen.length})`, () => this.markMany(chosen)), button("none", say("chooseNone"), () => { this.chosen.clear(); this.draw(); })]
      : open.length > 1 ? [button("all", say("ackShown", {n: open.length}), () => this.markMany(open))] : []), this.news);
    if (held) (this.bar.querySelector("button:not([hidden])") ?? this.list).focus();
  }

  async markMany(events) {
    const waiting = [...events], refused = [];
    const work = async () => {
      for (let event = waiting.shift(); event; event = waiting.shift())
        await mark(event).then(() => this.chosen.delete(event.id), (error) => refused.push(error));
    };
    for (const one of this.bar.querySelectorAll("button")) one.disabled = true;
    await Promise.all(Array.from({length: AT_ONCE}, work));
    this.draw();
    const done = events.length - refused.length;
    if (done) toast(say("many_ack", {n: done}));
    if (refused.length) toast(say("manyRefused", {n: refused.length, first: this.failed(refused[0])}), "bad");
  }

  draw() {
    const focused = this.list.contains(document.activeElement) ? document.activeElement : null;
    const keep = focused && [focused.closest("[data-id]")?.dataset.id, focused.dataset.action];
    this.takeWaiting();
    this.showNews();
    const days = [];
    for (const event of this.events) {
      const name = dayOf(event.time);
      if (days.at(-1)?.name !== name) days.push({name, items: []});
      days.at(-1).items.push(this.item(event));
    }
    this.list.replaceChildren(...days.map(({name, items}) => h("section", {class: "day"}, h("h2", {}, name), h("ol", {class: "panel events"}, ...items))));
    if (!days.length) this.list.replaceChildren(Object.values(this.filter).some(Boolean) ? emptyState("events", say("noEventsMatch")) : emptyState("events", say("noEvents"), say("noEventsHint"), null, "events"));
    const more = this.next ? h("button", {type: "button", class: "secondary", "data-action": "older", onclick: (event) => this.older(event.currentTarget)}, say("loadMore")) : null;
    this.drawBar();
    this.foot.replaceChildren(...[this.complete === false ? h("p", {class: "muted"}, say("incomplete")) : null, more].filter(Boolean));
    if (keep?.[0]) {
      const place = this.list.querySelector(`[data-id="${CSS.escape(keep[0])}"]`);
      (place?.querySelector(`[data-action="${keep[1]}"]`) ?? place)?.focus({preventScroll: true});
    }
  }

  drawForm() {
    const types = new Set(Object.keys(this.stats?.by_type ?? {})), subjects = new Set(Object.keys(this.stats?.by_subject ?? {}));
    if (this.filter.type) types.add(this.filter.type);
    if (this.filter.subject) subjects.add(this.filter.subject);
    const {type, subject, period, day, acknowledged} = this.filter;
    const sorted = (names, word) => [...names].map((name) => [name, word(name)]).sort((a, b) => a[1].localeCompare(b[1]));
    const held = this.form.contains(document.activeElement) ? document.activeElement.name : null;
    this.form.replaceChildren(
      labelled("type", select({name: "type"}, [["", say("all")], ...sorted(types, typeWord)], type)),
      labelled("subject", select({name: "subject"}, [["", say("all")], ...sorted(subjects, subjectName)], subject)),
      labelled("period", select({name: "period"}, PERIODS.map(([value, key]) => [value, say(key)]), period)),
      h("div", {class: "days"}, h("button", {type: "button", class: "quiet", "aria-label": say("dayBefore"), onclick: () => this.step(-1)}, icon("left")), labelled("day", h("input", {type: "date", name: "day", value: day})),
        h("button", {type: "button", class: "quiet", "aria-label": say("dayAfter"), onclick: () => this.step(1)}, icon("right"))),
      labelled("acknowledged", select({name: "acknowledged"}, [["", say("all")], ["true", say("yes")], ["false", say("no")]], acknowledged)));
    if (held) this.form.elements[held]?.focus();
  }

  drawStats() {
    const {total, acknowledged, by_hour: hours, by_type: types} = this.stats;
    if (!total) { this.summary.replaceChildren(); return; }
    const top = Object.entries(types).slice(0, 4).map(([type, n]) => h("div", {}, h("dt", {}, typeWord(type)), h("dd", {}, String(n))));
    const count = h("p", {class: "figure"}, h("b", {}, say("eventCount", {n: total})), h("span", {class: "muted"}, say("today_")));
    this.summary.replaceChildren(h("div", {class: "panel stat"}, h("div", {}, count, h("dl", {class: "facts"}, ...top)), hourBars(hours, acknowledged)));
  }

  relabel() {
    if (!this.section.hidden) { this.drawForm(); this.draw(); if (this.stats) this.drawStats(); }
  }
}

/** When a day of this browser's clock begins and ends; two a year are shorter or longer than others. */
function boundsOf(day) {
  const start = new Date(`${day}T00:00`);
  return [start / 1000, start.setDate(start.getDate() + 1) / 1000];
}

function labelled(key, input) {
  const label = h("label", {class: "field"}, h("span", {}), input);
  text(label.firstChild, say(key));
  return label;
}
