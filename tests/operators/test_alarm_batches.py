"""An alarm in a flow does what the reference does, whatever the batches and restarts; most readings take the fast lane."""

import json
import random
from typing import Any

import pytest

from operators.alarm import Alarm
from operators.alarms.logic import AlarmLogic
from operators.component import Now, StepContext
from operators.events import AlarmTransition, Event, Reading
from tests.alarm_vectors import reference

WHEN = (
    {"above": "30 °C", "clear": "28 °C"},
    {"above": "30 °C", "for": "20s", "clear_for": "15s"},
    {"below": 25, "clear": 27, "for": "10s"},
    {"outside": ["22 °C", "31 °C"], "clear": ["24 °C", "29 °C"], "clear_for": "20s"},
    {"is": 28},
    {"silent": "25s"},
)
CONTEXT = StepContext("room", "room/hot")


def settings(rng: random.Random) -> Alarm:
    more: dict[str, Any] = {
        "ack": "automatic", "latch": True, "repeat": "40s", "bad": rng.choice(["clear", "raise"]), "priority": "high",
        "armed": {"hours": "00:00-00:02"},
    }  # fmt: skip
    chosen = {key: value for key, value in more.items() if key != "armed" and rng.random() < 0.25}
    return Alarm.model_validate({"from": "x", "response": "Look.", "when": rng.choice(WHEN), **chosen})


def readings(rng: random.Random, length: int) -> list[Reading]:
    """Readings in order of arrival, of a few subjects whose values wander around the limits; some are no good data."""
    at, level, out = 0.0, dict.fromkeys("abc", 26.0), []
    for n in range(length):
        at += rng.choice((0, 0, 1, 2, 5, 12))
        subject = rng.choice("abc")
        level[subject] = min(34, max(20, level[subject] + rng.choice((-3, -1, 0, 0, 0, 1, 3))))
        quality: Any = rng.choice(["good"] * 20 + ["bad", "stale"])
        event = Reading(
            id=f"e{n if rng.random() < 0.95 else n - 1}", time=at - rng.choice([0] * 9 + [7]), subject=subject,
            metric="temperature", value=level[subject] if quality != "bad" else None, unit="°C", quality=quality,
        )  # fmt: skip
        out.append(event)
    return out


def words(event: AlarmTransition) -> dict[str, Any]:
    return {
        "id": event.id, "event": event.event, "at": event.time, "flags": event.flags, "from": event.before,
        "isa": event.isa, "severity": event.severity, "value": event.value, "reason": event.reason,
        "annunciate": event.annunciate, "recorded": event.recorded, "evidence": event.evidence, "occ": event.occ,
    }  # fmt: skip


def batches(rng: random.Random, events: list[Reading]) -> list[list[Event]]:
    out: list[list[Event]] = []
    rest: list[Event] = list(events)
    while rest:
        size = rng.choice((1, 1, 2, 5, 17))
        out.append(rest[:size])
        rest = rest[size:]
    return out


def restarted(alarm: Alarm, logic: AlarmLogic) -> AlarmLogic:
    again = alarm.logic(CONTEXT)
    again.restore(json.loads(json.dumps(logic.snapshot())), logic.VERSION)
    again.engine.states_kept = logic.engine.states_kept
    return again


@pytest.mark.parametrize("seed", range(200))
def test_batches_and_restarts_give_the_transitions_of_the_reference(seed: int) -> None:
    rng = random.Random(seed)
    alarm = settings(rng)
    logic = alarm.logic(CONTEXT)
    assert isinstance(logic, AlarmLogic)
    logic.engine.states_kept = rng.choice((0, 1000))
    (record,) = [rule.record for rule in logic.engine.rules.values()]
    theirs = reference.Engine([reference.Rule(record)])
    ours: list[dict[str, Any]] = []
    highest = 0.0
    for batch in batches(rng, readings(rng, 150)):
        highest = max(highest, *(event.time for event in batch))
        at = highest + 1
        for event in batch:
            assert isinstance(event, Reading)
            value = True if alarm.when and alarm.when.seen else event.value
            reading = {"value": value, "id": event.id, "ts": event.time, "quality": event.quality, "unit": event.unit}
            theirs.reading(at, {"subject": event.subject, "rule": "room/hot", **reading})
        now = Now(highest - 10, at)
        ours += [words(e) for e in logic.on_batch(batch, now) if isinstance(e, AlarmTransition)]
        if rng.random() < 0.3:
            theirs.tick(at, highest - 10)
            ours += [words(e) for e in logic.on_time(now) if isinstance(e, AlarmTransition)]
        if rng.random() < 0.05:
            theirs.command(at, {"do": "ack", "subject": "a", "rule": "room/hot", "user": "op"})
            logic.engine.command("room/hot", "a", at, {"do": "ack"})
            ours += [words(e) for e in logic.on_batch([], now) if isinstance(e, AlarmTransition)]
        if rng.random() < 0.1:
            logic = restarted(alarm, logic)
    expected = [{key: one[key] for key in ours_keys()} for one in theirs.log if "id" in one]
    assert by_key(ours, logic) == by_key(expected, logic)


def ours_keys() -> list[str]:
    return [
        "id", "event", "at", "flags", "from", "isa", "severity", "value", "reason", "annunciate", "recorded", "evidence",
        "occ",
    ]  # fmt: skip


def by_key(log: list[dict[str, Any]], logic: AlarmLogic) -> list[str]:
    """Lines to compare; a severity not yet known is the alarm's own in an event."""
    base = next(iter(logic.engine.rules.values())).base_severity
    lines = [
        {**one, "severity": one["severity"] or base, "flags": list(one["flags"]), "evidence": one["evidence"] or {}}
        for one in log
    ]
    return sorted(json.dumps(line, sort_keys=True) for line in lines)


@pytest.mark.parametrize("seed", range(60))
def test_the_result_does_not_depend_on_how_events_are_batched(seed: int) -> None:
    rng = random.Random(seed)
    alarm = settings(rng)
    events = readings(rng, 200)
    results = []
    for cut in range(3):
        logic = alarm.logic(CONTEXT)
        said: list[Event] = []
        for batch in batches(random.Random(1000 * seed + cut), events):
            said += logic.on_batch(batch, Now(batch[-1].time - 60, 10_000.0))
        said += logic.on_time(Now(5_000.0, 10_000.0))
        kept = [(e.subject, e.seq, e.id, e.time, e.event, e.value) for e in said if isinstance(e, AlarmTransition)]
        results.append(sorted(kept))
    assert results[0] == results[1] == results[2]
