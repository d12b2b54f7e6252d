// What the table of alarms shows: filtered, sorted, in groups; and which rows are in sight.

import {areaOf} from "../shared/areas.js";
import {holds, plain} from "../shared/search.js";
import {inSlices, sortInSlices} from "../shared/slices.js";
import {begunAt, graver, isSuppressed, isUnseen, PRIORITIES, urgency} from "./urgency.js";

export const KINDS = {
  all: (alarm) => !isSuppressed(alarm),
  unseen_: isUnseen,
  open_: (alarm) => "BC".includes(alarm.isa),
  shelved_: (alarm) => alarm.isa === "E",
  suppressed_: isSuppressed,
};

const {compare} = new Intl.Collator(undefined, {numeric: true});
const BY = {
  urgency,
  priority: (a, b) => PRIORITIES.indexOf(a.priority) - PRIORITIES.indexOf(b.priority) || urgency(a, b),
  state: (a, b) => (a.isa < b.isa ? -1 : a.isa > b.isa ? 1 : urgency(a, b)),
  where: (a, b) => compare(a.subject, b.subject) || urgency(a, b),
  what: (a, b) => compare(a.alarm, b.alarm) || urgency(a, b),
  age: (a, b) => begunAt(b) - begunAt(a),
};
export const SORTS = Object.keys(BY);
export const GROUPS = {rule: (alarm) => alarm.rule, area: areaOf};

/** Whether an alarm passes filters: `kind`, `priority`, `area`, `rule`, and `q`, words that its names, area or message hold. */
export function passes(alarm, {kind = "all", priority, area, rule, q}) {
  return KINDS[kind](alarm) && (!priority || alarm.priority === priority) && (!area || areaOf(alarm) === area) && (!rule || alarm.rule === rule)
    && (!q || holds(plain(`${alarm.alarm} ${alarm.subject} ${areaOf(alarm)} ${alarm.message ?? ""}`), q));
}

/** Made in slices: rows {alarm} and, where they are grouped, {group, count, unseen, worst, collapsed}, in the order of `sort` (`-` before: turned round). */
export async function arrange(alarms, filters, {sort = "urgency", group = "", collapsed = new Set()} = {}) {
  const turned = sort.startsWith("-"), by = BY[turned ? sort.slice(1) : sort] ?? urgency;
  const passing = [];
  await inSlices(alarms, (alarm) => { if (passes(alarm, filters)) passing.push(alarm); });
  const shown = await sortInSlices(passing, turned ? (a, b) => -by(a, b) : by);
  const nameOf = GROUPS[group];
  if (!nameOf) return shown.map((alarm) => ({alarm}));
  const groups = new Map();
  for (const alarm of shown) {
    const name = nameOf(alarm);
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(alarm);
  }
  const gravest = (members) => members.reduce((worst, alarm) => graver(alarm, worst) < 0 ? alarm : worst);
  const sorted = [...groups].map(([name, members]) => ({name, members, worst: gravest(members)}))
    .sort((a, b) => graver(a.worst, b.worst) || b.members.length - a.members.length || (a.name < b.name ? -1 : 1));
  return sorted.flatMap(({name, members, worst}) => [
    {group: name, count: members.length, unseen: members.filter(isUnseen).length, worst, collapsed: collapsed.has(name)},
    ...(collapsed.has(name) ? [] : members.map((alarm) => ({alarm}))),
  ]);
}

/** First and last index (excluded) of rows between two heights. */
export function inSight(top, bottom, height, count) {
  return [Math.min(count, Math.max(0, Math.floor(top / height))), Math.max(0, Math.min(count, Math.ceil(bottom / height)))];
}

/** The keys from one to another, both included, in the order that is shown. */
export function between(keys, one, other) {
  const i = keys.indexOf(one), j = keys.indexOf(other);
  if (i < 0 || j < 0) return [other];
  return keys.slice(Math.min(i, j), Math.max(i, j) + 1);
}
