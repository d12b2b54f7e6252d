// One signal over a period, out of ClickHouse: its points or states, the limits of the alarms that watch it, spans in alarm.

import {ask} from "../shared/api.js";
import {alarmSpans, extremes, stateSpans, twoStateChanges} from "./course.js";
import {stateTimeline} from "./state_timeline.js";
import {age, alarmName, inUnit, isTwoState, metricName, moment, now, number, reading, say, subjectName} from "../words/words.js";

const MOST_TOLD = 5; // spans in alarm that are read aloud

/** The newest reading in words; how long ago, where it is old. */
export const nowWords = (newest) => reading(newest).join(" ").trim() + (newest.isOld ? `, ${age(newest.time)}` : "");

export class SignalHistory {
  /** `latest(subject, metric)` gives the newest reading, `standing(subject, metric)` the alarms that stand. */
  constructor(subject, metric, {latest, standing}) {
    Object.assign(this, {subject, metric, points: [], ends: [], texts: [], told: [], alarms: [], transitions: [], unit: "", step: 0});
    this.latest = () => latest(subject, metric);
    this.standing = () => standing(subject, metric);
  }

  get isEmpty() { return !this.points.length && !this.texts.length; }

  /** Read the period; what cannot be read is thrown. */
  async load(from, to, signal) {
    const {subject, metric} = this;
    try {
      const {points, ends, texts, unit, step} = await ask(`/api/history?${new URLSearchParams({subject, metric, from, to: to + 1, points: isTwoState(metric) ? 2000 : 360})}`, signal);
      Object.assign(this, {points, ends, texts, unit: unit ?? "", step});
    } catch (error) {
      if (error.name !== "AbortError") Object.assign(this, {points: [], ends: [], texts: []});
      throw error;
    }
  }

  /** The alarms that watch the signal, and what they did in the period; without them there is what stands now. */
  async loadAlarms(from, to, signal) {
    const {subject} = this;
    const known = ask(`/api/alarms?${new URLSearchParams({all: 1, subject})}`, signal).then(({alarms}) => { this.alarms = alarms; });
    const past = ask(`/api/alarms/history?${new URLSearchParams({subject, from, to, limit: 500})}`, signal).then(({transitions}) => { this.transitions = transitions; });
    await Promise.allSettled([known, past]);
  }

  /** The limits that the flows tell of the subject, also of alarms that were never raised. Where none answers, those of seen alarms are known. */
  async loadLimits(signal) {
    try {
      this.told = (await ask(`/api/alarms/limits?${new URLSearchParams({subject: this.subject})}`, signal)).limits;
    } catch {}
  }

  /** Take a newer reading; whether it is one. What was before `start` is forgotten. */
  take(entry, start) {
    if (entry.subject !== this.subject || entry.metric !== this.metric || (entry.quality ?? "good") === "bad") return false;
    const numeric = typeof entry.value === "number", list = numeric ? this.points : this.texts;
    this.unit ||= entry.unit ?? "";
    if (entry.time <= (list.at(-1)?.[0] ?? start)) return false;
    list.push(numeric ? [entry.time, entry.value, entry.value, entry.value, 1] : [entry.time, entry.text ?? ""]);
    if (numeric) this.ends?.push(entry.value);
    return true;
  }

  forgetBefore(start) {
    while (this.points.length && this.points[0][0] < start) { this.points.shift(); this.ends?.shift(); }
  }

  /** All that is known of its alarms, those of other metrics of the subject included. What a flow tells of a rule is newer than what was seen of it. */
  allAlarms() {
    const told = new Set(this.told.map(({rule}) => rule));
    return [...this.told, ...[...this.alarms, ...this.transitions, ...this.standing()].filter(({rule}) => !told.has(rule))];
  }

  /** Limits in the chart's own unit; one in a unit that does not fit is left out. `proposed` are limits that somebody types. */
  limits(proposed) {
    const limits = new Map();
    for (const {metric, limit, unit, priority, alarm} of this.allAlarms()) {
      const value = metric === this.metric && typeof limit === "number" ? inUnit(limit, unit ?? this.unit, this.unit) : null;
      if (value !== null) limits.set(`${value} ${alarm}`, {limit: value, priority, label: `${alarmName(alarm)}: ${say("limit")} ${number(value)} ${this.unit}`.trim()});
    }
    for (const {limit, unit, label} of proposed) {
      const value = inUnit(limit, unit || this.unit, this.unit);
      if (value !== null) limits.set(label, {limit: value, label, proposed: true});
    }
    return [...limits.values()];
  }

  /** Whether it is drawn as a line, and not as states. */
  get isLine() { return !isTwoState(this.metric) && this.points.length > 0; }

  /** Draw it on a plot; `others` are lines beside it. */
  draw(plot, start, end, proposed = [], others = []) {
    const {metric, points, step, unit} = this, until = Math.min(end, now());
    this.forgetBefore(start);
    const spans = alarmSpans(this.transitions, [...this.alarms, ...this.standing()], metric, start, until).map(([from, to, priority, alarm]) => [from, to, priority, alarmName(alarm)]);
    if (!this.isLine && (isTwoState(metric) || this.texts.length)) {
      plot.forget();
      plot.box.replaceChildren(stateTimeline(stateSpans(this.changes(start), start, until), spans, start, end, (state) => isTwoState(metric) ? reading({metric, value: state})[0] : state));
    } else if (this.isLine) {
      const limits = this.limits(proposed);
      plot.draw({points, step, unit, start, end, limits, spans, others, label: [this.summary(), ...limits.map(({label}) => label), ...spans.slice(-MOST_TOLD).map(([from, to, , alarm]) => `${alarm}: ${moment(from)} – ${moment(to)}.`)].join(" ")});
    } else plot.box.replaceChildren();
  }

  changes(start) {
    const two = isTwoState(this.metric), changes = two ? twoStateChanges(this.points, this.ends, this.step) : [...this.texts];
    const newest = this.latest();
    if (newest && newest.time <= start) changes.unshift([newest.time, two ? newest.value : newest.text]);
    return changes;
  }

  /** A value as people read it. */
  words(value) {
    return reading({metric: this.metric, value, unit: this.unit}).join(" ").trim();
  }

  summary() {
    const {low, high} = extremes(this.points);
    return say("chartLabel", {metric: metricName(this.metric), subject: subjectName(this.subject), low: this.words(low), high: this.words(high), last: this.words(this.points.at(-1)[1])});
  }
}
