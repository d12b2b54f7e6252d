import assert from "node:assert/strict";
import {mock, test} from "node:test";

globalThis.localStorage = {getItem: () => "en"};
mock.timers.enable({apis: ["setInterval", "setTimeout"]});
const {AlarmStore} = await import("../../../../api/static/alarms/alarm_store.js");
const {urgency} = await import("../../../../api/static/alarms/urgency.js");

let seed = 5;
const draw = (n) => { seed = (seed * 1103515245 + 12345) % 2147483648; return (seed >> 8) % n; };
const some = (n) => ({id: `a${n}`, rule: `r${draw(9)}`, subject: `s${draw(9)}`, metric: "m", isa: "ABCDEFG"[draw(7)], priority: ["low", "high", "critical"][draw(3)], time: n, recorded: n, seq: n});

test("whatever alarms do, the list is what sorting all of them at once gives", () => {
  const store = new AlarmStore(), known = new Map();
  for (let n = 0; n < 2000; n++) {
    const alarm = some(n);
    known.set(`${alarm.rule}|${alarm.subject}`, alarm);
    store.take(alarm);
    if (n % 50) continue;
    assert.deepEqual(store.all(), [...known.values()].filter(({isa}) => isa !== "A").sort(urgency));
    const unseen = store.standing().filter(({isa}) => "BD".includes(isa)).map(({priority}) => priority);
    assert.equal(store.waiting(), ["critical", "high", "low"].find((priority) => unseen.includes(priority)) ?? null);
  }
});

test("many changes at once are said once", () => {
  const store = new AlarmStore();
  let said = 0;
  store.addEventListener("change", () => said++);
  for (let n = 0; n < 100; n++) store.take(some(n));
  assert.equal(said, 0);
  mock.timers.tick(50);
  assert.equal(said, 1);
});
