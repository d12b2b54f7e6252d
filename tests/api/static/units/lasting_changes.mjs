import assert from "node:assert/strict";
import {test} from "node:test";

globalThis.localStorage = {getItem: () => "en"};
const {withLasting} = await import("../../../../api/static/alarms/lasting_changes.js");

test("an alarm has one limit, the one that was crossed, also after its return and what is said of it then", () => {
  const common = {rule: "plant/hot", subject: "rack", occ: 1, rule_hash: "h"};
  const limits = [];
  let known;
  for (const [event, isa, limit] of [["activated", "B", 30], ["returned", "D", 28], ["commented", "D", 30], ["acked", "A", null]]) {
    known = withLasting({...common, event, isa, limit}, known);
    limits.push(known.limit);
  }
  assert.deepEqual(limits, [30, 30, 30, 30]);
  const next = withLasting({...common, occ: 2, event: "returned", isa: "D", limit: 28}, known);
  assert.equal(next.limit, 28, "of another occurrence nothing is known");
});
