// What people must see of alarms, and in which order (ISA-18.2).

const ISA = "BDCEFG";
export const PRIORITIES = ["critical", "high", "medium", "low"];

export const keyOf = (alarm) => `${alarm.rule}|${alarm.subject}`;
export const isUnseen = (alarm) => alarm.isa === "B" || alarm.isa === "D";
export const isNormal = (alarm) => alarm.isa === "A" || alarm.isa === "-";
/** Suppressed by design or out of service: not for the list of what stands, nor its count. */
export const isSuppressed = (alarm) => alarm.isa === "F" || alarm.isa === "G";

/** Since when it stands, or what hides it does. */
export const begunAt = (alarm) => alarm.since ?? alarm.time;

const rank = (list, item) => { const place = list.indexOf(item); return place < 0 ? list.length : place; };

export const urgency = (a, b) => rank(ISA, a.isa) - rank(ISA, b.isa) || rank(PRIORITIES, a.priority) - rank(PRIORITIES, b.priority) || b.time - a.time;
export const graver = (a, b) => rank(PRIORITIES, a.priority) - rank(PRIORITIES, b.priority) || rank(ISA, a.isa) - rank(ISA, b.isa);
