// What an alarm measured: at its start, now, and the limit, all in one unit.

import {h, text} from "../shared/dom.js";
import {age, inUnit, isTwoState, number, reading, say} from "../words/words.js";

const words = (alarm, value) => {
  const [shown, unit] = reading({metric: alarm.metric, value: typeof value === "number" ? value : null, text: value == null ? undefined : String(value), unit: alarm.unit});
  return {shown, unit};
};

/** What was judged when the alarm began, what is measured now, and its limit, as texts without unit; and the unit. `newest` is the last reading, and `old` its time where that is long ago. */
export function courseOf(alarm, newest) {
  const begun = alarm.first_value ?? alarm.value;
  const start = begun == null || typeof begun === "boolean" ? null : words(alarm, begun);
  const limit = typeof alarm.limit === "number" && !isTwoState(alarm.metric) ? number(alarm.limit) : "";
  let now = null, old = null;
  if (newest && newest.time >= (alarm.since ?? alarm.time) && (newest.quality ?? "good") === "good" && start) {
    const value = typeof newest.value === "number" ? inUnit(newest.value, newest.unit, alarm.unit ?? newest.unit) : newest.text;
    if (value != null) now = words(alarm, value);
    if (now && newest.isOld) old = newest.time;
  } else if (start && begun !== alarm.value && alarm.value != null) now = words(alarm, alarm.value);
  return {start: start?.shown ?? "", now: now?.shown ?? "", limit, old, unit: (start ?? now)?.unit || (limit ? alarm.unit ?? "" : "")};
}

/** The same on one line: "31 → 31.4 °C". */
export function measured(alarm, newest) {
  const {start, now, unit, old} = courseOf(alarm, newest);
  return [start && now && now !== start ? `${start} → ${now}` : now || start, start || now ? unit : "", old ? `(${age(old)})` : ""].filter(Boolean).join(" ");
}

export function limitOf(alarm) {
  const {limit, unit} = courseOf(alarm);
  return limit && `${say("limit")} ${limit} ${unit}`.trim();
}

/** The value at the start, an arrow, the value now, and the limit; `update(newest)` changes the texts alone. */
export class AlarmValues {
  constructor(alarm, newest) {
    this.alarm = alarm;
    this.value = h("b", {});
    this.element = h("span", {class: "alarm-values"}, this.value, h("span", {class: "muted"}, limitOf(alarm)));
    this.update(newest);
  }

  update(newest) {
    const {start, now, unit, old} = courseOf(this.alarm, newest);
    text(this.value, measured(this.alarm, newest));
    const about = [start && `${say("atStart")} ${start} ${unit}`.trim(), now && `${say(old ? "lastKnown" : "now")} ${now} ${unit}`.trim(), limitOf(this.alarm)].filter(Boolean).join(", ");
    if (this.element.title !== about) this.element.title = about;
  }
}
