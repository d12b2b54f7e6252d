// The last reading of every signal, its recent course, and how often it usually speaks.

import {now} from "../words/words.js";

const POINTS = 90;
const GAPS = 24; // of so many readings is the usual interval
const UNKNOWN = 900; // seconds of silence that are too long where the usual interval is not known
const SHORTEST = 60;

/** Seconds of silence after which a signal is old: three times its longest usual gap; `times` are those of its last readings. */
export function patienceOf(times) {
  const last = times.slice(-GAPS - 1);
  if (last.length < 5) return UNKNOWN;
  const gaps = last.slice(1).map((time, i) => time - last[i]).sort((a, b) => a - b);
  return Math.max(SHORTEST, 3 * gaps[Math.ceil(0.9 * gaps.length) - 1]);
}

/** Whether a signal has been silent for too long to be believed. Whether a device is there is told only when it changes. */
export const isOld = ({entry, patience}) => entry.metric !== "availability" && now() - entry.time > patience;

/** A signal is {subject, metric, entry, course, patience}; `course` is a list of [time, value]. */
export class Readings {
  constructor() {
    this.subjects = new Map();
  }

  clear() {
    this.subjects.clear();
  }

  get(subject, metric) {
    return this.subjects.get(subject)?.get(metric);
  }

  /** The newest reading, and whether it `isOld`. */
  latest(subject, metric) {
    const signal = this.get(subject, metric);
    return signal && {...signal.entry, isOld: isOld(signal)};
  }

  /** Take a reading; the signal, or null if a newer one is known. */
  take(entry) {
    let signals = this.subjects.get(entry.subject);
    if (!signals) this.subjects.set(entry.subject, signals = new Map());
    let signal = signals.get(entry.metric);
    if (!signal) signals.set(entry.metric, signal = {subject: entry.subject, metric: entry.metric, entry: null, course: [], times: []});
    if (signal.entry && entry.time < signal.entry.time) return null;
    if (entry.time !== signal.entry?.time) this.hear(signal, entry.time);
    signal.entry = entry;
    if (typeof entry.value === "number" && (entry.quality ?? "good") === "good" && !(signal.course.at(-1)?.[0] >= entry.time)) {
      signal.course.push([entry.time, entry.value]);
      if (signal.course.length > POINTS) signal.course.shift();
    }
    return signal;
  }

  /** The recent course as the server has it. */
  takeCourse(subject, metric, course) {
    const signal = this.get(subject, metric);
    if (!signal || !course.length) return signal;
    const later = signal.course.filter(([time]) => time > course.at(-1)[0]);
    signal.course = [...course, ...later].slice(-POINTS);
    signal.times = signal.course.slice(-GAPS - 1).map(([time]) => time);
    signal.patience = patienceOf(signal.times);
    return signal;
  }

  hear(signal, time) {
    signal.times.push(time);
    if (signal.times.length > GAPS + 1) signal.times.shift();
    signal.patience = patienceOf(signal.times);
  }
}
