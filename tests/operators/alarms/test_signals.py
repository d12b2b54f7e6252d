"""An alarm judges each signal, a metric of a subject, by itself, whatever else it sends."""

import random
from typing import Any

import pytest

from operators.alarms.base_logic import AlarmLogic
from operators.alarms.logic import make_logic
from operators.alarms.settings import Alarm
from operators.component import Now, StepContext
from operators.events import AlarmTransition, Event, Reading, Row
from operators.model.saved_state import decode, encode

METRICS = ("temperature", "device_temperature", "dew_point", "probe")
CONDITIONS: tuple[dict[str, Any], ...] = (
    {"when": {"above": "30 °C", "clear": "28 °C"}},
    {"when": {"above": "30 °C", "for": "40s", "clear_for": "20s"}},
    {"when": {"outside": ["10 °C", "30 °C"]}},
    {"when": {"below": 10}, "ack": "automatic"},
    {"when": {"is": 12}, "latch": True},
    {"when": {"above": "30 °C", "times": 2, "in": "10min"}},
    {"when": {"above": "30 °C"}, "expect_every": "1min", "bad": "raise"},
    {"when": {"above": {"column": "limit", "default": "30 °C"}}},
    {"when": {"above": "30 °C"}, "priority": {"column": "limit", "default": "high"}},
    {
        "when": {"above": "25 °C"},
        "levels": [{"above": "30 °C", "priority": "high"}],
        "chatter": {"times": 3, "in": "1min", "hold": "2min"},
    },
)
TABLES = {"limits": [{"subject": "b", "limit": "20 °C"}]}


def made(settings: dict[str, Any], **more: Any) -> AlarmLogic:
    spec = Alarm.model_validate({"from": "r", "response": "Look.", **settings, **more})
    return make_logic(spec, StepContext("f", "f/hot", tables=TABLES))


def restarted(settings: dict[str, Any], logic: AlarmLogic, **more: Any) -> AlarmLogic:
    again = made(settings, **more)
    again.restore(decode(encode(logic.snapshot())), logic.VERSION)
    return again


def reading(rng: random.Random, time: float) -> Reading:
    subject, metric = rng.choice("abc"), rng.choice(METRICS)
    value = rng.choice((None, *[float(rng.choice((5, 12, 22, 27, 29, 33)))] * 9))
    quality = "good" if value is not None else "bad"
    identity = f"{subject}/{metric}/{time}"
    unit = None if metric == "probe" else "°C"
    return Reading(
        id=identity, time=time, subject=subject, metric=metric, value=value, unit=unit,
        quality=quality,
    )  # fmt: skip


def life(events: list[Event]) -> list[tuple[Any, ...]]:
    return sorted(
        (e.time, e.subject, e.metric or "", e.seq, e.change, e.state, str(e.value), e.priority)
        for e in events
        if isinstance(e, AlarmTransition)
    )


@pytest.mark.parametrize("settings", CONDITIONS, ids=lambda settings: "-".join(settings["when"]))
@pytest.mark.parametrize("seed", range(6))
def test_one_alarm_for_all_metrics_does_what_one_for_each_would(
    settings: dict[str, Any], seed: int
) -> None:
    rng = random.Random(seed)
    whole = made(settings)
    parts = {metric: made(settings, only={"metric": metric}) for metric in METRICS}
    whole.engine.states_kept = rng.choice((0, 1000))
    together: list[Event] = []
    apart: list[Event] = []
    time = 1000.0
    for _ in range(60):
        batch: list[Event] = []
        for _ in range(rng.randrange(1, 8)):
            time += rng.choice((0.5, 2, 10))
            batch.append(reading(rng, time))
        now = Now(time, time)
        together += whole.on_batch(batch, now) + whole.on_time(now)
        for part in parts.values():
            apart += part.on_batch(batch, now) + part.on_time(now)
        if rng.random() < 0.1:
            whole = restarted(settings, whole)
            parts = {m: restarted(settings, p, only={"metric": m}) for m, p in parts.items()}
    assert life(together) == life(apart)
    assert "raised" in {e.change for e in together if isinstance(e, AlarmTransition)}


def feed(logic: AlarmLogic, time: float, **values: Any) -> list[str]:
    """Readings of one subject, by metric; what changes, with its metric."""
    units = {"brightness": None, "humidity": "%", "battery": "%", "occupancy": None, "state": None}
    events: list[Event] = [
        Reading(
            id=f"{metric}/{time}", time=time, subject="plug", metric=metric, value=float(value),
            unit=units.get(metric, "°C"),
        )
        for metric, value in values.items()
    ]  # fmt: skip
    out = logic.on_batch(events, Now(time, time))
    return [f"{e.metric} {e.change}" for e in out if isinstance(e, AlarmTransition)]


def test_the_second_temperature_of_a_plug_is_an_alarm_of_its_own() -> None:
    hot = made({"when": {"above": "30 °C"}})
    assert feed(hot, 1, temperature=21, device_temperature=60) == ["device_temperature raised"]
    assert feed(hot, 2, temperature=21, device_temperature=61) == []
    assert feed(hot, 3, temperature=35) == ["temperature raised"]
    assert {rule: list(slots) for rule, slots in hot.engine.slots.items()} == {
        "f/hot": ["plug"],
        "f/hot/device_temperature": ["plug"],
    }
    assert hot.states() == {"plug": "unacked"}
    done = hot.on_command({"do": "ack", "subject": "plug", "user": "x"}, Now(4, 4))
    assert len(done) == 2


def test_an_edit_concerns_all_signals_of_a_subject() -> None:
    before = made({"when": {"above": "30 °C"}})
    feed(before, 1, temperature=21, device_temperature=60)
    after = made({"when": {"above": "70 °C"}})
    after.restore(decode(encode(before.snapshot())), before.VERSION)
    after.on_time(Now(2, 2))
    assert after.states() == {"plug": "returned"}
    assert feed(after, 3, device_temperature=69) == []
    assert feed(after, 4, device_temperature=71) == ["device_temperature raised"]


def test_a_limit_with_a_unit_is_not_about_a_brightness_or_a_switch() -> None:
    hot = made({"when": {"above": "0.5 °C"}, "bad": "raise"})
    assert feed(hot, 1, brightness=254, humidity=50, state=1) == []
    assert hot.counts["unit"] == 3


def test_a_word_is_not_about_a_number() -> None:
    inside = made({"when": {"is": "on"}})
    assert feed(inside, 1, battery=1, temperature=1) == []
    assert feed(inside, 2, occupancy=1, battery=0) == ["occupancy raised"]


def test_a_word_is_about_whatever_metric_is_named() -> None:
    dark = made({"only": {"metric": "power"}, "when": {"is": "off"}})
    assert feed(dark, 1, power=0) == ["power raised"]


def test_a_battery_arms_nothing() -> None:
    hot = made({"when": {"above": "30 °C"}, "armed": {"while": "key"}})
    for metric, unit, value in (("state", None, 0.0), ("battery", "%", 90.0)):
        arming = Reading(id=metric, time=1, subject="k", metric=metric, value=value, unit=unit)
        hot.on_role("armed", [arming], Now(1, 1))
    feed(hot, 2, temperature=35)
    assert hot.states() == {"plug": "suppressed"}


def test_a_rule_without_a_metric_has_an_alarm_for_each_signal() -> None:
    rules = make_logic(
        Alarm.model_validate({"from": "r", "rules": "rules", "response": "Look."}),
        StepContext("f", "f/rule"),
    )
    rows = [
        {"id": "a", "subject": "plug", "above": "30 °C"},
        {"id": "b", "subject": "plug", "crosses": "30 °C"},
    ]
    given: list[Event] = [
        Row(id=row["id"], time=0, table="rules", op="insert", values=row) for row in rows
    ]
    rules.on_role("rules", given, Now(0, 0))
    assert feed(rules, 1, temperature=21, device_temperature=60, humidity=50) == [
        "device_temperature raised"
    ]
    assert feed(rules, 2, temperature=21, device_temperature=61) == []
    gone = Row(id="c", time=3, table="rules", op="delete", values=rows[0])
    ended = rules.on_role("rules", [gone], Now(3, 3))
    assert [(e.rule, e.change) for e in ended if isinstance(e, AlarmTransition)] == [
        ("f/rule/a/device_temperature", "removed")
    ]
    assert not [rule for rule in rules.engine.rules if rule.startswith("f/rule/a")]
