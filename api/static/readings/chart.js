// The history of one signal beside the cards; it follows live readings while it is open.

import {csv, extremes} from "./course.js";
import {get, h, text} from "../shared/dom.js";
import {icon} from "../shared/icons.js";
import {Plot} from "./plot.js";
import {may} from "../shared/session.js";
import {nowWords, SignalHistory} from "./signal_history.js";
import {age, alarmName, isTwoState, metricName, moment, now, say, subjectName} from "../words/words.js";

export class Chart {
  /** `latest` gives the newest reading, `standing` the alarms that stand; `placed` keeps the period in the address. */
  constructor({readings, latest, standing, failed, closed, placed}) {
    Object.assign(this, {readings, latest, standing, failed, closed, placed});
    this.box = get("chart");
    this.range = 3600;
    this.zoom = null;
    this.beside = "";
    this.plot = new Plot(this.box, {zoomed: (from, to) => this.show({zoom: [from, to]}), pointed: (point) => this.point(point)});
    for (const button of document.querySelectorAll("[data-range]"))
      button.addEventListener("click", () => this.show({range: Number(button.dataset.range), zoom: null}));
    get("history-close").addEventListener("click", () => this.close());
    get("history-whole").addEventListener("click", () => this.show({zoom: null}));
    get("history-period").addEventListener("click", async () => (await import("./own_period.js")).askPeriod([this.start, this.end], (zoom) => this.show({zoom})));
    get("history-compare").addEventListener("click", async () => (await import("./compared.js")).askSignal(this.readings, [[this.subject, this.metric], ...this.compared?.pairs ?? []], (pair) => this.compare([...this.compared?.pairs ?? [], pair])));
    get("history-csv").addEventListener("click", () => this.save());
    get("history").addEventListener("keydown", (event) => { if (event.key === "Escape") this.close(); });
    new ResizeObserver(() => this.slide()).observe(this.box);
    setInterval(() => this.slide(), 5000);
  }

  get isOpen() { return !get("history").hidden; }
  get end() { return this.zoom?.[1] ?? now(); }
  get start() { return this.zoom?.[0] ?? now() - this.range; }

  forget() {
    this.history = new SignalHistory(this.subject, this.metric, this);
    this.proposed = [];
    this.editor = null;
    this.compared = null;
    this.offered = new Map();
    get("history-compared").replaceChildren();
    get("history-limits").replaceChildren();
  }

  /** Show these signals, too. */
  compare(pairs) {
    this.beside = pairs.length ? JSON.stringify(pairs) : "";
    this.placed(this.period);
    this.showBeside();
  }

  async showBeside() {
    const {beside, history} = this, {Compared} = await import("./compared.js");
    if (this.beside !== beside || this.history !== history) return;
    this.compared = new Compared(pairsOf(beside), {latest: this.latest, failed: this.failed, changed: (pairs) => { this.compare(pairs); get("history-compare").focus(); }});
    get("history-compared").replaceChildren(this.compared.element);
    await this.compared.load(this.start, this.end, this.request?.signal);
    this.slide();
  }

  /** What the address keeps of it. */
  get period() {
    return {range: String(this.range), zoom: this.zoom ? this.zoom.map((time) => Math.round(time)).join("-") : "", beside: this.beside};
  }

  open(subject, metric, {range, zoom, beside = ""} = {}) {
    const times = zoom?.split("-").map(Number), wanted = times?.length === 2 && times[0] < times[1] ? times : null;
    if (this.isOpen && this.subject === subject && this.metric === metric && (range || this.range) === this.range && beside === this.beside && String(wanted) === String(this.zoom?.map(Math.round) ?? null)) return;
    Object.assign(this, {subject, metric, range: range || this.range, zoom: wanted, beside});
    this.forget();
    get("history").hidden = false;
    this.box.replaceChildren();
    this.plot.forget();
    this.relabel();
    get("history-title").focus({preventScroll: true});
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    get("history").scrollIntoView({block: "nearest", behavior: calm ? "auto" : "smooth"});
    this.load();
    if (beside) this.showBeside();
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
    const {history, start, end} = this;
    if (!history.asked) this.askLimits();
    this.compared?.load(start, end, signal).then(() => this.slide());
    const alarms = history.loadAlarms(start, end, signal).then(() => { if (!signal.aborted) this.slide(); });
    try {
      await history.load(start, end, signal);
      text(get("history-note"), history.isEmpty ? say("noHistory") : "");
    } catch (error) {
      const why = this.failed(error);
      if (!why) return;
      text(get("history-note"), say("historyDown", {why}));
    }
    const newest = history.latest();
    if (newest) this.take(newest);
    this.draw();
    await alarms;
    if (signal.aborted) return;
    history.isShown = true;
    this.slide();
  }

  /** Once for a signal: they are the same over any period. */
  askLimits() {
    const {history} = this;
    history.asked = true;
    history.loadLimits().then(() => this.slide());
  }

  /** Admins change the limits of the alarms that watch the signal. A button keeps its place: it comes once what is above it is drawn, and others come after it. */
  offerLimits() {
    if (this.editor || !this.history.isShown || !may("admin")) return;
    const known = this.history.allAlarms().filter(({metric}) => !metric || metric === this.metric);
    for (const rule of [...new Set(known.map(({rule}) => rule.split("/").slice(0, 2).join("/")))].sort()) {
      if (!this.offered.has(rule)) this.offered.set(rule, h("button", {type: "button", class: "action", "data-rule": rule, onclick: () => this.editLimits(rule)}, icon("edit"), h("span", {})));
    }
    for (const [rule, button] of this.offered) {
      text(button.querySelector("span"), say("limitsChange", {alarm: alarmName(rule.split("/")[1] ?? rule)}));
      if (!button.isConnected) get("history-limits").append(button);
    }
  }

  async editLimits(rule) {
    const {history} = this, {LimitEditor} = await import("./limit_editor.js");
    if (this.editor || this.history !== history) return;
    this.editor = new LimitEditor(rule, {
      failed: this.failed,
      proposed: (limits) => { this.proposed = limits; this.slide(); },
      gone: () => { if (this.history !== history) return; this.editor = null; this.askLimits(); this.offerLimits(); this.offered.get(rule).focus(); },
    });
    get("history-limits").replaceChildren(this.editor.element);
    this.editor.load();
  }

  take(entry) {
    if (!this.isOpen || this.zoom) return;
    if (this.compared?.take(entry, this.start)) this.slide();
    if (entry.subject !== this.subject || entry.metric !== this.metric) return;
    if (this.history.take(entry, this.start)) text(get("history-note"), "");
    this.slide();
  }

  slide() {
    if (this.isOpen && !this.frame) this.frame = requestAnimationFrame(() => { this.frame = null; this.draw(); });
  }

  draw() {
    if (!this.isOpen || !this.box.clientWidth) return;
    this.history.forgetBefore(this.start);
    this.showFacts();
    this.offerLimits();
    get("history-csv").hidden = this.history.isEmpty;
    get("history-compare").hidden = !this.history.isLine;
    this.history.draw(this.plot, this.start, this.end, this.proposed, this.compared?.series(this.start));
  }

  showFacts() {
    const {history, metric} = this, newest = history.latest(), known = isTwoState(metric) ? null : extremes(history.points), facts = [];
    if (newest) facts.push([newest.isOld ? "lastKnown" : "now", nowWords(newest), age(newest.time)]);
    if (known) facts.push(["mean", history.words(known.mean)], ["low", history.words(known.low)], ["high", history.words(known.high)]);
    get("history-facts").replaceChildren(...facts.map(([key, value, about]) => h("div", {}, h("dt", {}, say(key)), h("dd", {title: about}, value))));
  }

  /** What the cursor is at. */
  point(point) {
    const show = (value) => this.history.words(value);
    const words = point && `${moment(point.time)}: ${show(point.mean)}${point.low === point.high ? "" : ` (${show(point.low)} – ${show(point.high)})`}`;
    text(get("history-at"), words ? [words, ...point.others].join(" · ") : "");
  }

  save() {
    const time = (seconds) => new Date(seconds * 1000).toISOString();
    const {points, texts, unit} = this.history, head = ["mean", "lowest", "highest", "readings", "unit"];
    const all = [this.history, ...this.compared?.histories ?? []];
    const rows = all.length > 1 ? [["time", "subject", "metric", ...head], ...all.flatMap(({subject, metric, points, unit}) => points.map(([at, ...values]) => [time(at), subject, metric, ...values, unit]))]
      : points.length ? [["time", ...head], ...points.map(([at, ...values]) => [time(at), ...values, unit])]
      : [["time", "state"], ...texts.map(([at, state]) => [time(at), state])];
    const link = h("a", {href: URL.createObjectURL(new Blob([csv(rows)], {type: "text/csv"})), download: `${this.subject} ${this.metric}.csv`.replace(/[^\w. -]/g, "_")});
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }
}

/** Subjects and metrics that the address names; none where somebody spoilt it. */
function pairsOf(beside) {
  try {
    return JSON.parse(beside || "[]").filter((pair) => pair.length === 2 && pair.every((part) => typeof part === "string"));
  } catch {
    return [];
  }
}
