import assert from "node:assert/strict";
import {test} from "node:test";

globalThis.localStorage = {getItem: () => "en"};
const {patienceOf, Readings} = await import("../../../../api/static/readings/readings.js");

const every = (gap, n) => Array.from({length: n}, (_, i) => i * gap);

test("a signal is old after three of its usual intervals, and after 15 minutes while nobody knows them", () => {
  assert.equal(patienceOf([]), 900);
  assert.equal(patienceOf(every(300, 4)), 900);
  assert.equal(patienceOf(every(300, 20)), 900);
  assert.equal(patienceOf(every(3600, 20)), 10800);
  assert.equal(patienceOf(every(1, 20)), 60);
});

test("a pause now and then does not make a signal patient, and one that pauses often is", () => {
  assert.equal(patienceOf([...every(60, 20), 1140 + 7200]), 180);
  assert.equal(patienceOf([0, 60, 120, 3720, 3780, 7380, 7440, 11040]), 10800);
});

test("the newest reading stands, whatever comes late, and the server's course is put before what came since", () => {
  const readings = new Readings(), entry = (time, value) => ({subject: "rack", metric: "temperature", time, value});
  assert.ok(readings.take(entry(10, 1)));
  assert.equal(readings.take(entry(9, 2)), null);
  readings.take(entry(12, 3));
  readings.takeCourse("rack", "temperature", [[8, 0], [10, 1]]);
  assert.equal(readings.latest("rack", "temperature").value, 3);
  assert.deepEqual(readings.get("rack", "temperature").course, [[8, 0], [10, 1], [12, 3]]);
  assert.equal(readings.takeCourse("no", "such", [[1, 1]]), undefined);
});

test("whether a device is there stands until it is told anew, and makes no view warn of old values", () => {
  const readings = new Readings(), time = Date.now() / 1000 - 90_000;
  for (const metric of ["availability", "temperature"]) readings.take({subject: "lamp", metric, time, value: 1});
  assert.equal(readings.latest("lamp", "availability").isOld, false);
  assert.equal(readings.latest("lamp", "temperature").isOld, true);
});
