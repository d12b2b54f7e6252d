import assert from "node:assert/strict";
import {test} from "node:test";
import {asRow, placesOf} from "../../../../api/static/cameras/places.js";

const row = {
  zones: {hall: {points: [[0, 0], [1, 0], [1, 1]], hours: "20:00-06:00", modes: ["away"], exclude: [[[0, 0], [0.1, 0], [0.1, 0.1]]], later: {deep: [1]}}},
  lines: {gate: {from: [0, 0.5], to: [1, 0.5], later: 1}},
};

test("what a row says of a place goes back as it came, also what no view knows", () => {
  assert.deepEqual(asRow(placesOf(row)), row);
});

test("what is drawn anew changes no row before it is saved", () => {
  const before = structuredClone(row);
  for (const place of placesOf(row)) { place.points[0] = [0.3, 0.3]; place.later = null; }
  assert.deepEqual(row, before);
});
