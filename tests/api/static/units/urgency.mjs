import assert from "node:assert/strict";
import {test} from "node:test";
import {graver, isSuppressed, urgency} from "../../../../api/static/alarms/urgency.js";

const alarm = (isa, priority, time = 0) => ({isa, priority, time});

test("what nobody has acknowledged comes first, then the graver, then the newer; priorities nobody knows come last of theirs", () => {
  const sorted = [alarm("C", "critical"), alarm("B", "odd"), alarm("B", "low", 1), alarm("E", "critical"), alarm("B", "low", 2), alarm("D", "high"), alarm("B", "critical")].sort(urgency);
  assert.deepEqual(sorted.map(({isa, priority, time}) => `${isa} ${priority} ${time}`), ["B critical 0", "B low 2", "B low 1", "B odd 0", "D high 0", "C critical 0", "E critical 0"]);
});

test("an acknowledged critical alarm is graver than a new low one", () => {
  assert.ok(graver(alarm("C", "critical"), alarm("B", "low")) < 0);
});

test("what is suppressed or out of service stands on a list of its own", () => {
  assert.deepEqual([..."ABCDEFG"].filter((isa) => isSuppressed(alarm(isa, "high"))), ["F", "G"]);
});
