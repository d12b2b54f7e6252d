import assert from "node:assert/strict";
import {test} from "node:test";
import {arrange, between, inSight, passes} from "../../../../api/static/alarms/table_rows.js";

const alarm = (n, more = {}) => ({rule: `plant/r${n % 2}`, alarm: `r${n % 2}`, subject: `probe_${n}`, isa: "B", priority: "high", time: n, labels: {area: n < 2 ? "hall" : "yard"}, ...more});
const subjects = (entries) => entries.map((entry) => entry.alarm?.subject ?? `[${entry.group}: ${entry.count}]`);

test("rows are filtered by what they are and found by words of their names", async () => {
  const all = [alarm(0), alarm(1, {isa: "F"}), alarm(2, {isa: "E"}), alarm(10, {priority: "low", message: "Door is open"})];
  assert.deepEqual(subjects(await arrange(all, {})), ["probe_0", "probe_10", "probe_2"]);
  assert.deepEqual(subjects(await arrange(all, {kind: "suppressed_"})), ["probe_1"]);
  assert.deepEqual(subjects(await arrange(all, {kind: "shelved_"})), ["probe_2"]);
  assert.deepEqual(subjects(await arrange(all, {area: "yard", priority: "low"})), ["probe_10"]);
  assert.ok(passes(all[3], {q: "DOOR"}) && passes(all[3], {q: "Probe 10"}) && !passes(all[3], {q: "window"}));
});

test("a sort is turned round by the same column, and numbers in names count as numbers", async () => {
  const all = [alarm(2), alarm(10), alarm(1)];
  assert.deepEqual(subjects(await arrange(all, {}, {sort: "where"})), ["probe_1", "probe_2", "probe_10"]);
  assert.deepEqual(subjects(await arrange(all, {}, {sort: "-where"})), ["probe_10", "probe_2", "probe_1"]);
  assert.deepEqual(subjects(await arrange(all, {}, {sort: "age"})), ["probe_10", "probe_2", "probe_1"]);
  assert.deepEqual(subjects(await arrange(all, {}, {sort: "no such"})), subjects(await arrange(all, {})));
});

test("groups come with their gravest first, and say how many they hold; a collapsed one shows no rows", async () => {
  const all = [alarm(0), alarm(2), alarm(1, {priority: "critical"})];
  assert.deepEqual(subjects(await arrange(all, {}, {group: "rule"})), ["[plant/r1: 1]", "probe_1", "[plant/r0: 2]", "probe_2", "probe_0"]);
  assert.deepEqual(subjects(await arrange(all, {}, {group: "rule", collapsed: new Set(["plant/r0"])})), ["[plant/r1: 1]", "probe_1", "[plant/r0: 2]"]);
});

test("only rows in sight are drawn, of 10,000 as of none", async () => {
  assert.deepEqual(inSight(0, 640, 32, 10_000), [0, 20]);
  assert.deepEqual(inSight(-300, 340, 32, 10_000), [0, 11]);
  assert.deepEqual(inSight(319_680, 320_320, 32, 10_000), [9990, 10_000]);
  assert.deepEqual(inSight(0, 640, 32, 0), [0, 0]);
});

test("shift takes the rows between, in either direction", async () => {
  assert.deepEqual(between(["a", "b", "c", "d"], "d", "b"), ["b", "c", "d"]);
  assert.deepEqual(between(["a", "b"], "gone", "b"), ["b"]);
});
