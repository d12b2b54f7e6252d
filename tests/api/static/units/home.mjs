import assert from "node:assert/strict";
import {test} from "node:test";
import {arrangeHome, folded, groupOf, PINNED} from "../../../../api/static/readings/home.js";


const card = (subject, group = "") => ({subject, group});
const said = (sections) => sections.map(({key, cards}) => `${key === PINNED ? "*" : key}: ${cards.map(({subject}) => subject).join(" ")}`);

test("pinned cards come first, then areas in alarm, the gravest first, then areas by name, and what has none", () => {
  const cards = [card("a", "yard"), card("b", "hall"), card("c"), card("d", "attic 10"), card("e", "attic 2"), card("f", "hall")];
  const alarms = new Map([["a", {priority: "low", isa: "B"}], ["f", {priority: "critical", isa: "C"}]]);
  assert.deepEqual(said(arrangeHome(cards, {alarms, pinned: new Set(["d"])})), ["*: d", "hall: f b", "yard: a", "attic 2: e", ": c"]);
  assert.deepEqual(said(arrangeHome(cards.slice(3, 5))), ["attic 2: e", "attic 10: d"]);
  assert.deepEqual(arrangeHome([], {}), []);
});

test("battery and link are folded away unless they are in alarm, or all that a device says", () => {
  const signals = ["temperature", "battery", "linkquality"].map((metric) => ({subject: "rack", metric}));
  const shown = (list, alarm, open) => folded(list, (_, metric) => metric === alarm || undefined, open).shown.map(({metric}) => metric);
  assert.deepEqual(shown(signals), ["temperature"]);
  assert.deepEqual(shown(signals, "battery"), ["temperature", "battery"]);
  assert.deepEqual(shown(signals, "", true), ["temperature", "battery", "linkquality"]);
  assert.deepEqual(shown(signals.slice(1)), ["battery", "linkquality"]);
});

test("a group is what the labels say", () => {
  const entry = {labels: {room: "kitchen", group: "cold"}};
  assert.deepEqual(["area", "group", "none", "other"].map((by) => groupOf(entry, by)), ["kitchen", "cold", "", "kitchen"]);
});
