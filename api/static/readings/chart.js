// The history of one signal out of ClickHouse; it follows live readings while it is open.

import {ask} from "../shared/api.js";
import {alarmSpans, csv, extremes, stateSpans, twoStateChanges} from "./course.js";
import {get, h, text} from "../shared/dom.js";
import {icon} from "../shared/icons.js";
import {Plot} from "./plot.js";
import {may} from "../shared/session.js";
import {stateTimeline} from "./state_timeline.js";
import {age, alarmName, inUnit, isTwoState, metricName, moment, now, number, reading, say, subjectName} from "../words/words.js";

export class Chart {
  /** `latest` gives the newest reading, `standing` the alarms that stand; `placed` keeps the period in the address. */
  constructor({latest, standing, failed, closed, placed}) {
    Object.assign(this, {latest, standing, failed, closed, placed});
    this.box = get("chart");
    this.range = 3600;
    this.zoom = null;
    this.forget();
    this.plot = new Plot(this.box, {zoomed: (from, to) => this.show({zoom: [from, to]}), pointed: (point) => this.point(point)});
    for (const button of document.querySelectorAll("[data-range]"))
      button.addEventListener("click", () => this.show({range: Number(button.dataset.range), zoom: null}));
    get("history-close").addEventListener("click", () => this.close());
    get("history-whole").addEventListener("click", () => this.show({zoom: null}));
    get("history-csv").addEventListener("click", () => this.save());
    get("history").addEventListener("keydown", (event) => { if (event.key === "Escape") this.close(); });
    new ResizeObserver(() => this.slide()).observe(this.box);
    setInterval(() => this.slide(), 5000);
  }

  get isOpen() { return !get("history").hidden; }
  get end() { return this.zoom?.[1] ?? now(); }
  get start() { return this.zoom?.[0] ?? now() - this.range; }

  forget() {
    Object.assign(this, {points: [], ends: [], texts: [], alarms: [], transitions: [], proposed: [], unit: "", step: 0});
    this.editor = null;
    this.showLimits([], "");
  }

  /** What the address keeps of it. */
  get period() {
    return {range: String(this.range), zoom: this.zoom ? this.zoom.map((time) => Math.round(time)).join("-") : ""};
  }

  open(subject, metric, {range, zoom} = {}) {
    const times = zoom?.split("-").map(Number), wanted = times?.length === 2 && times[0] < times[1] ? times : null;
    if (this.isOpen && this.subject === subject && this.metric === metric && (range || this.range) === this.range && String(wanted) === String(this.zoom?.map(Math.round) ?? null)) return;
    this.forget();
    Object.assign(this, {subject, metric, range: range || this.range, zoom: wanted});
    get("history").hidden = false;
    this.box.replaceChildren();
    this.plot.forget();
    this.relabel();
    get("history-title").focus({preventScroll: true});
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    get("history").scrollIntoView({block: "nearest", behavior: calm ? "auto" : "smooth"});
    this.load();
  }

  /** Show another period of the same signal. */
  show(period) {
    Object.assign(this, period);
    this.placed(this.period);
    this.load();
  }

  close() {
    if (!this.isOpen) return;
    this.hide();
    this.closed(this.subject, this.metric);
  }

  hide() {
    get("history").hidden = true;
    this.request?.abort();
  }

  relabel() {
    if (!this.subject) return;
    text(get("history-title"), `${subjectName(this.subject)} · ${metricName(this.metric)}`);
    this.slide();
  }

  async load() {
    this.request?.abort();
    const {signal} = this.request = new AbortController();
    for (const button of document.querySelectorAll("[data-range]"))
      button.setAttribute("aria-pressed", String(!this.zoom && Number(button.dataset.range) === this.range));
    get("history-whole").hidden = !this.zoom;
    text(get("history-note"), say("loading"));
    const {subject, metric, start, end} = this;
    const query = new URLSearchParams({subject, metric, from: start, to: end + 1, points: isTwoState(metric) ? 2000 : 360});
    this.loadAlarms(signal, start, end);
    try {
      const course = await ask(`/api/history?${query}`, signal);
      Object.assign(this, {points: course.points, ends: course.ends, texts: course.texts, unit: course.unit ?? "", step: course.step});
      text(get("history-note"), this.points.length || this.texts.length ? "" : say("noHistory"));
    } catch (error) {
      const why = this.failed(error);
      if (!why) return;
      Object.assign(this, {points: [], ends: [], texts: []});
      text(get("history-note"), say("historyDown", {why}));
    }
    const newest = this.latest(subject, metric);
    if (newest) this.take(newest);
    this.draw();
  }

  /** The alarms that watch the signal, and what they did in the period. */
  async loadAlarms(signal, from, to) {
    const {subject} = this;
    const known = ask(`/api/alarms?${new URLSearchParams({all: 1, subject})}`, signal).then(({alarms}) => { this.alarms = alarms; });
    const past = ask(`/api/alarms/history?${new URLSearchParams({subject, from, to, limit: 500})}`, signal).then(({transitions}) => { this.transitions = transitions; });
    await Promise.allSettled([known, past]); // without them the chart has what stands now
    if (!signal.aborted) this.slide();
  }

  /** Admins change the limits of the alarms that watch the signal. */
  offerLimits() {
    if (this.editor || !may("admin")) return;
    const known = [...this.alarms, ...this.transitions, ...this.standing(this.subject, this.metric)].filter(({metric}) => !metric || metric === this.metric);
    const rules = [...new Set(known.map(({rule}) => rule.split("/").slice(0, 2).join("/")))].sort();
    this.showLimits(rules.map((rule) => h("button", {type: "button", class: "action", "data-rule": rule, onclick: () => this.editLimits(rule)},
      icon("edit"), h("span", {}, say("limitsChange", {alarm: alarmName(rule.split("/")[1] ?? rule)})))), `${document.documentElement.lang} ${rules}`);
  }

  /** Only what is new is drawn: a button keeps the focus. */
  showLimits(shown, key) {
    const place = get("history-limits");
    if (place.dataset.shown !== key) place.replaceChildren(...shown);
    place.dataset.shown = key;
  }

  async editLimits(rule) {
    const {LimitEditor} = await import("./limit_editor.js");
    this.editor = new LimitEditor(rule, {
      failed: this.failed,
      proposed: (limits) => { this.proposed = limits; this.slide(); },
      gone: () => { this.editor = null; this.offerLimits(); get("history-limits").querySelector(`[data-rule="${CSS.escape(rule)}"]`)?.focus(); },
    });
    this.showLimits([this.editor.element], rule);
    this.editor.load();
  }

  take(entry) {
    if (!this.isOpen || this.zoom || entry.subject !== this.subject || entry.metric !== this.metric || (entry.quality ?? "good") === "bad") return;
    const numeric = typeof entry.value === "number", list = numeric ? this.points : this.texts;
    this.unit ||= entry.unit ?? "";
    if (entry.time > (list.at(-1)?.[0] ?? this.start)) {
      list.push(numeric ? [entry.time, entry.value, entry.value, entry.value, 1] : [entry.time, entry.text ?? ""]);
      if (numeric) this.ends?.push(entry.value);
      text(get("history-note"), "");
    }
    this.slide();
  }

  slide() {
    if (this.isOpen && !this.frame) this.frame = requestAnimationFrame(() => { this.frame = null; this.draw(); });
  }

  /** Limits of all alarms that watch the signal, in the chart's own unit; one in a unit that does not fit is left out. */
  limits() {
    const limits = new Map();
    for (const {metric, limit, unit, priority, alarm} of [...this.alarms, ...this.transitions, ...this.standing(this.subject, this.metric)]) {
      const value = metric === this.metric && typeof limit === "number" ? inUnit(limit, unit ?? "", this.unit) : null;
      if (value !== null) limits.set(`${value} ${alarm}`, {limit: value, priority, label: `${alarmName(alarm)}: ${say("limit")} ${number(value)} ${this.unit}`.trim()});
    }
    for (const {limit, unit, label} of this.proposed) {
      const value = inUnit(limit, unit || this.unit, this.unit);
      if (value !== null) limits.set(label, {limit: value, label, proposed: true});
    }
    return [...limits.values()];
  }

  draw() {
    if (!this.isOpen || !this.box.clientWidth) return;
    const {start, end, metric} = this;
    while (this.points.length && this.points[0][0] < start) { this.points.shift(); this.ends?.shift(); }
    this.showFacts();
    this.offerLimits();
    const spans = alarmSpans(this.transitions, [...this.alarms, ...this.standing(this.subject, metric)], metric, start, Math.min(end, now()))
      .map(([from, to, priority, alarm]) => [from, to, priority, alarmName(alarm)]);
    get("history-csv").hidden = !this.points.length && !this.texts.length;
    if (isTwoState(metric) || (this.texts.length && !this.points.length)) this.drawStates(spans);
    else if (this.points.length) this.plot.draw({points: this.points, step: this.step, unit: this.unit, start, end, limits: this.limits(), spans, label: this.summary()});
    else this.box.replaceChildren();
  }

  drawStates(spans) {
    const {start, end, metric} = this, two = isTwoState(metric);
    const changes = two ? twoStateChanges(this.points, this.ends, this.step) : [...this.texts];
    const newest = this.latest(this.subject, metric);
    if (newest && newest.time <= start) changes.unshift([newest.time, two ? newest.value : newest.text]);
    const word = (state) => two ? reading({metric, value: state})[0] : state;
    this.plot.forget();
    this.box.replaceChildren(stateTimeline(stateSpans(changes, start, Math.min(end, now())), spans, start, end, word));
  }

  showFacts() {
    const place = get("history-facts"), {metric, unit} = this;
    const show = (value) => reading({metric, value, unit}).join(" ").trim();
    const newest = this.latest(this.subject, metric), known = isTwoState(metric) ? null : extremes(this.points), facts = [];
    if (newest) facts.push(["now", reading(newest).join(" ").trim(), age(newest.time)]);
    if (known) facts.push(["mean", show(known.mean)], ["low", show(known.low)], ["high", show(known.high)]);
    place.replaceChildren(...facts.map(([key, value, about]) => h("div", {}, h("dt", {}, say(key)), h("dd", {title: about}, value))));
  }

  /** What the cursor is at. */
  point(point) {
    const show = (value) => reading({metric: this.metric, value, unit: this.unit}).join(" ").trim();
    const words = point && `${moment(point.time)}: ${show(point.mean)}${point.low === point.high ? "" : ` (${show(point.low)} – ${show(point.high)})`}`;
    text(get("history-at"), words ?? "");
  }

  summary() {
    const {low, high} = extremes(this.points), show = (value) => reading({metric: this.metric, value, unit: this.unit}).join(" ").trim();
    return say("chartLabel", {metric: metricName(this.metric), subject: subjectName(this.subject), low: show(low), high: show(high), last: show(this.points.at(-1)[1])});
  }

  save() {
    const time = (seconds) => new Date(seconds * 1000).toISOString();
    const rows = this.points.length ? [["time", "mean", "lowest", "highest", "readings", "unit"], ...this.points.map(([at, ...values]) => [time(at), ...values, this.unit])]
      : [["time", "state"], ...this.texts.map(([at, state]) => [time(at), state])];
    const link = h("a", {href: URL.createObjectURL(new Blob([csv(rows)], {type: "text/csv"})), download: `${this.subject} ${this.metric}.csv`.replace(/[^\w. -]/g, "_")});
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }
}
