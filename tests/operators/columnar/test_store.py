"""Very many subjects give what a few give: the same steps with columns and without, on the
same events.
"""

import math
import random
from typing import Any

import pytest

from operators.alarms.logic import make_logic
from operators.alarms.settings import Alarm
from operators.columnar import batch_columns, store
from operators.component import Logic, Now, StepContext
from operators.events import Event, EventBatch, Reading, Summary
from operators.threshold.step import Threshold

pytestmark = pytest.mark.slow

CONDITIONS: tuple[dict[str, Any], ...] = (
    {"above": "30 °C", "clear": "28 °C"},
    {"above": "30 °C", "for": "20s", "clear_for": "15s"},
    {"above": "30 °C", "clear": "28 °C", "clear_for": "3s"},
    {"outside": ["22 °C", "31 °C"], "clear": ["24 °C", "29 °C"]},
    {"inside": ["22 °C", "31 °C"], "clear": ["21 °C", "33 °C"]},
    {"above": "30 °C", "times": 2, "in": "30s"},
)
CONTEXT = StepContext("room", "room/hot")


def threshold(when: dict[str, Any]) -> Logic:
    return Threshold.model_validate(when).logic(CONTEXT)


def alarm(when: dict[str, Any]) -> Logic:
    spec = Alarm.model_validate({"from": "x", "response": "Look.", "when": when})
    return make_logic(spec, CONTEXT)


@pytest.fixture
def in_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every step keeps columns, whatever the number of subjects."""
    monkeypatch.setattr(store, "MANY", 0)
    monkeypatch.setattr(store, "SOME", 1)


PAUSES = ((0, 0, 0.1, 1, 2), (0, 0, 1, 700), (0, 0, 0, 0, 1, 1, 1, 90_000))
"""Seconds between events: within spans of conditions, within those after which a signal or an
alarm is forgotten.
"""


def events(
    rng: random.Random, length: int, pauses: tuple[float, ...], subjects: int = 12
) -> list[Event]:
    """Readings of several metrics and units: most change nothing; some are late, no data, of other
    kinds, or come twice.
    """
    at, out = 1000.0, list[Event]()
    for n in range(length):
        at += rng.choice(pauses)
        subject, id = (
            f"rack{rng.randrange(subjects)}",
            rng.choice((f"e{n}", f"e{n}", f"é{n}", f"e{n - 1}", "e" * 200)),
        )
        time = at - rng.choice([0] * 12 + [3, 9])
        value: Any = rng.choice((21.5, 25.0, 25.0, 25.0, 27.0, 28.5, 33.0))
        metric, unit = rng.choice(
            [("temperature", "°C")] * 9 + [("temperature", "°F"), ("dew_point", "°C")]
        )
        odd = rng.random()
        if odd < 0.03:
            mean = {"mean": value}
            out.append(
                Summary(
                    id=id,
                    time=time,
                    start=time - 1,
                    subject=subject,
                    metric=metric,
                    values=mean,
                    unit=unit,
                )
            )
            continue
        quality: Any = rng.choice(("bad", "stale")) if odd > 0.97 else "good"
        labels = {"room": "r1"} if 0.03 < odd < 0.06 else {}
        given = (
            math.nan
            if 0.06 < odd < 0.07
            else None
            if quality == "bad"
            else int(value)
            if odd > 0.95
            else value
        )
        out.append(
            Reading(
                id=id,
                time=time,
                subject=subject,
                metric=metric,
                unit=unit,
                value=given,
                quality=quality,
                labels=labels,
            )
        )
    return out


def run(logic: Logic, given: list[Event], seed: int, restart: Any = None) -> list[Any]:
    """All that a step emits of events in batches of any size, and in between its snapshots."""
    rng, emitted, newest = random.Random(seed), list[Any](), -math.inf
    place = 0
    while place < len(given):
        size = rng.choice((1, 3, 20, 80))
        batch = EventBatch(given[place : place + size])
        place += size
        newest = max(newest, *(event.time for event in batch))
        now = Now(newest - 5, newest + 1)
        emitted += logic.on_batch(batch, now)
        if rng.random() < 0.3:
            emitted += logic.on_time(now)
        if rng.random() < 0.2:
            state = logic.snapshot()
            emitted.append(state)
            if restart is not None and rng.random() < 0.5:
                emitted += [list(logic.late), dict(logic.counts)]
                logic = restart()
                logic.restore(state, logic.VERSION)
    return [*emitted, logic.late, logic.counts, logic.snapshot()]


def few(make: Any, when: dict[str, Any], states_kept: int = 1000) -> Logic:
    logic: Any = make(when)
    if make is alarm:
        logic.engine.states_kept = states_kept
    return logic  # type: ignore[no-any-return]


@pytest.mark.parametrize("when", CONDITIONS, ids=str)
@pytest.mark.parametrize("make", [threshold, alarm])
@pytest.mark.parametrize("states_kept", [0, 1000])
def test_columns_change_nothing_of_what_is_emitted_or_saved(
    make: Any, when: dict[str, Any], states_kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(9):
        results = []
        for subjects in (10**9, 0):
            monkeypatch.setattr(store, "MANY", subjects)
            monkeypatch.setattr(store, "SOME", 1)
            given = events(random.Random(seed), 600, PAUSES[seed % 3])
            results.append(
                repr(
                    run(
                        few(make, when, states_kept),
                        given,
                        seed,
                        lambda: few(make, when, states_kept),
                    )
                )
            )
        assert results[0] == results[1]


@pytest.mark.usefixtures("in_columns")
def test_readings_that_change_nothing_are_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    for make, looks in ((threshold, "_judge"), (alarm, "_take_reading")):
        logic = make({"above": "30 °C"})
        for n in range(3):
            logic.on_batch(
                [reading(f"rack{k}", 1000.0 + n, 25.0) for k in range(200)],
                Now(1000.0 + n, 1000.0 + n),
            )
        seen: list[Any] = []
        monkeypatch.setattr(logic, looks, lambda event, *more, seen=seen: seen.append(event))
        logic.on_batch([reading(f"rack{k}", 1010.0, 25.0) for k in range(200)], Now(1010.0, 1010.0))
        assert seen == []


@pytest.mark.usefixtures("in_columns")
def test_a_timer_that_unchanged_readings_bring_up_fires_before_the_reading_after_them() -> None:
    logic = threshold({"above": "30 °C", "clear_for": "3s"})
    for n in range(3):
        logic.on_batch(
            [reading(f"rack{k}", 1000.0 + n, 25.0) for k in range(100)], Now(1000.0, 1000.0)
        )
    logic.on_batch(
        [reading("rack0", 1003.0, 35.0), reading("rack0", 1004.0, 25.0)], Now(1000.0, 1000.0)
    )
    batch = [reading(f"rack{k}", 1020.0, 35.0 if k == 99 else 25.0) for k in range(1, 100)]
    emitted: list[Any] = logic.on_batch(batch, Now(1015.0, 1020.0))
    assert [(event.subject, event.value) for event in emitted] == [("rack0", 0.0), ("rack99", 1.0)]


@pytest.mark.usefixtures("in_columns")
@pytest.mark.parametrize("make", [threshold, alarm])
def test_subjects_with_one_hash_are_kept_apart(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_columns, "hash", lambda text: 7, raising=False)
    logic = make({"above": "30 °C"})
    now = Now(1000.0, 1000.0)
    logic.on_batch([reading("a", 999.0, 25.0)], now)
    logic.on_batch([reading("a", 1000.0, 25.0), reading("b", 1000.0, 35.0)], now)
    emitted = logic.on_batch(
        [reading("a", 1001.0, 35.0), reading("b", 1001.0, 25.0)], Now(1001.0, 1001.0)
    )
    assert sorted({event.subject for event in emitted}) == ["a", "b"]


@pytest.mark.usefixtures("in_columns")
@pytest.mark.parametrize("make", [threshold, alarm])
def test_columns_that_spare_no_look_are_let_go(make: Any) -> None:
    logic = make({"above": "30 °C"})
    columns = (
        (lambda: logic._signals.columns)
        if make is threshold
        else (lambda: next(iter(logic.engine.stores.values())).columns)
    )
    now = Now(1000.0, 1000.0)
    for n in range(3):
        logic.on_batch([reading(f"rack{k}", 1000.0 + n, 25.0) for k in range(100)], now)
    assert columns() is not None
    for n in range(10):
        logic.on_batch(
            [reading(f"rack{k}", 1010.0 + n, 25.0, {"room": "r1"}) for k in range(100)], now
        )
    assert columns() is None


@pytest.mark.usefixtures("in_columns")
@pytest.mark.parametrize(("make", "pause"), [(threshold, 1000), (alarm, 86_400)])
def test_a_forgotten_subject_that_comes_back_takes_no_more_room(make: Any, pause: float) -> None:
    logic = make({"above": "30 °C"})
    known: Any = (
        (lambda: logic._signals._first)
        if make is threshold
        else (lambda: logic.engine.slots["room/hot"])
    )
    columns = (
        (lambda: logic._signals.columns)
        if make is threshold
        else (lambda: next(iter(logic.engine.stores.values())).columns)
    )

    def send(numbers: range, round: int) -> None:
        time = 1000.0 + pause * round
        logic.on_batch([reading(f"rack{k}", time, 25.0) for k in numbers], Now(time, time))

    for round in range(3):
        send(range(100), round)
    for round in range(3, 15):
        send(range(60), round)
    assert (len(known()), columns().rows) == (60, 100)
    send(range(100), 15)
    assert (len(known()), columns().rows) == (100, 100)


def reading(
    subject: str, time: float, value: float, labels: dict[str, str] | None = None
) -> Reading:
    return Reading(
        id=f"{subject}-{time}",
        time=time,
        subject=subject,
        metric="temperature",
        value=value,
        unit="°C",
        labels=labels or {},
    )
