// What later changes of an alarm do not repeat, though it still holds; the server does the same in what it tells first.

import {isNormal} from "./urgency.js";

const MASKS = {shelved: ["E", "shelved"], suppressed: ["F", "suppressed"], out_of_service: ["G", "oos"]};
const REPEATED = ["message", "response", "limit", "unit", "metric"];

const flagsOf = ({flags = []}) => flags.map((flag) => flag.split(":")[0]);
const isUnacked = (alarm) => "BD".includes(alarm.isa) || flagsOf(alarm).includes("unacked");
const isBegun = (alarm) => isUnacked(alarm) || alarm.isa === "C" || flagsOf(alarm).includes("active");
const given = (fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null));

function kindsOf({event, until, comment}) {
  const isShelved = event === "shelved" || until != null;
  return [event === "acked" || event in MASKS ? event : null, isShelved && event !== "shelved" ? "shelved" : null, comment ? "commented" : null].filter(Boolean);
}

function holds(kind, alarm, sameOccurrence) {
  if (kind in MASKS) return alarm.isa === MASKS[kind][0] || flagsOf(alarm).includes(MASKS[kind][1]);
  return sameOccurrence && !isNormal(alarm) && (kind !== "acked" || !isUnacked(alarm));
}

/** An alarm after a change, with what still holds of the one before: `until`, `since`, `first_value`, and in `lasting` what was said, by kind. */
export function withLasting(change, known) {
  if (change.event === "removed" && known) return {...change, lasting: known.lasting}; // on another page it is as it was
  const same = known?.occ === change.occ, samePage = known?.page === change.page;
  const {time, user, comment, reason, until} = change, said = given({time, user, comment, reason, until});
  const begun = known?.event === "activated" ? {since: known.time, first_value: known.value} : {};
  const all = {...known?.lasting, ...change.lasting, ...Object.fromEntries(kindsOf(change).map((kind) => [kind, said]))};
  const lasting = Object.fromEntries(Object.entries(all).filter(([kind, was]) => holds(kind, change, same || was === said) && (samePage || was === said || kind !== "commented"))
    .map(([kind, was]) => [kind, samePage || was === said ? was : given({time: was.time, until: was.until})]));
  const sameRule = known && same && samePage && !isNormal(known) && known.rule_hash === change.rule_hash;
  const before = !known || !same ? {} : {
    ...(isBegun(change) && change.event !== "activated" ? {since: known.since ?? begun.since, first_value: known.first_value ?? begun.first_value} : {}),
    ...(sameRule ? Object.fromEntries(REPEATED.map((name) => [name, known[name]])) : {}),
  };
  const crossed = sameRule && change.event === "returned" ? {limit: known.limit} : {}; // a return names where its condition ends
  const alarm = {...given({...before, until: lasting.shelved?.until}), ...given(change), ...given(crossed)};
  return Object.keys(lasting).length ? {...alarm, lasting} : alarm;
}

/** What people said of an alarm that still holds, oldest first: `{kind, time, user, comment, …}`. */
export function saidOf({lasting = {}, user, comment}) {
  const said = Object.entries(lasting).filter(([, {comment}]) => comment).map(([kind, was]) => ({kind, ...was}));
  const once = said.filter(({kind, time, comment}) => kind !== "commented" || !said.some((other) => other.kind !== kind && other.time === time && other.comment === comment));
  return once.length ? once.sort((a, b) => a.time - b.time) : comment ? [{kind: "commented", user, comment}] : [];
}

/** The same in words. */
export const saidWords = ({user, comment}) => `${user ? `${user}: ` : ""}${comment}`;
