import assert from "node:assert/strict";
import {test} from "node:test";
import {alarmSpans, columns, csv, extremes, joined, stateSpans, twoStateChanges} from "../../../../api/static/readings/course.js";

const point = (time, value) => [time, value, value, value, 1];

test("a gap is a gap, and what is regular has none", () => {
  const regular = Array.from({length: 10}, (_, i) => point(i * 60, i));
  assert.equal(columns(regular, 10)[1].includes(null), false);
  const [times, means] = columns([...regular, point(5000, 1), point(5060, 2)], 10);
  assert.equal(means.filter((mean) => mean === null).length, 1);
  assert.equal(times.length, means.length);
  assert.deepEqual([...times].sort((a, b) => a - b), times);
});

test("a door is open or closed, never half; where it did both, it is what it was last", () => {
  const points = [[100, 1, 1, 1, 1], [200, 0.5, 0, 1, 2], [300, 0, 0, 0, 3]];
  const spans = stateSpans(twoStateChanges(points, [1, 0, 0], 10), 50, 400);
  assert.deepEqual(spans, [[100, 190, 1], [190, 200, null], [200, 400, 0]]);
});

test("the state from before the period holds in it until the next change", () => {
  assert.deepEqual(stateSpans([[10, "idle"], [150, "run"], [160, "run"]], 100, 200), [[100, 150, "idle"], [150, 200, "run"]]);
  assert.deepEqual(stateSpans([], 100, 200), []);
});

test("spans in alarm reach from the rise to the return, from before the period and until now", () => {
  const step = (seq, isa, time, more = {}) => ({rule: "r", alarm: "hot", id: `a${seq}`, seq, isa, time, recorded: time, metric: "t", priority: "high", ...more});
  const spans = (transitions, standing = []) => alarmSpans(transitions, standing, "t", 100, 200);
  assert.deepEqual(spans([step(2, "D", 150), step(1, "B", 120)]), [[120, 150, "high", "hot"]]);
  assert.deepEqual(spans([step(2, "A", 150, {before: ["active"]})]), [[100, 150, "high", "hot"]]);
  assert.deepEqual(spans([], [step(1, "C", 160, {since: 40})]), [[100, 200, "high", "hot"]]);
  assert.deepEqual(spans([step(1, "E", 130, {flags: ["active", "shelved"]})]), [[130, 200, "high", "hot"]]);
  assert.deepEqual(alarmSpans([step(1, "B", 120)], [], "other", 100, 200), []);
});

test("a mean weighs each point by its readings", () => {
  assert.deepEqual(extremes([[0, 10, 5, 15, 3], [1, 20, 20, 20, 1]]), {low: 5, high: 20, mean: 12.5});
  assert.equal(extremes([]), null);
});

test("a spreadsheet runs nothing that a device sent", () => {
  assert.equal(csv([["time", "state"], [1.5, "=1+1"], [2, 'say "no", now']]), 'time,state\r\n1.5,\'=1+1\r\n2,"say ""no"", now"\r\n');
});

test("spans in alarm that a chart cannot tell apart are one, so that the line below is seen", () => {
  const often = Array.from({length: 500}, (_, n) => [n * 60, n * 60 + 10, "high", "hot"]);
  assert.deepEqual(joined(often, 180), [[0, 499 * 60 + 10, "high", "hot"]]);
  assert.deepEqual(joined(often, 20), often);
  const two = [[10, 20, "high", "hot"], [0, 15, "low", "warm"]];
  assert.deepEqual(joined(two, 180), [two[1], two[0]]);
});
