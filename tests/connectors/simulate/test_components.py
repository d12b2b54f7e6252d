import itertools
from typing import Any

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from connectors.base import Reader
from connectors.simulate.components import Simulate
from operators.events import Reading
from tests.connectors.recorder import Recorder, ids

NOON = 1_782_993_600.0  # 2026-07-02T12:00:00Z
DAY = 86400


class Clock:
    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def simulate(every: str = "1s", **settings: Any) -> Simulate:
    return Simulate.model_validate({"every": every, **settings})


def open_at(settings: Simulate, clock: Clock, position: object | None = None) -> Reader:
    return settings.open(Recorder().context("sim", None), "0", position, now=clock)


def read_all(reader: Reader) -> list[Reading]:
    """All that is ready now."""
    events: list[Reading] = []
    while (batch := reader.read()) is not None:
        events += [event for event in batch.events if isinstance(event, Reading)]
    return events


def values(
    kind: dict[str, Any], seconds: int, every: str = "1s", start: float = NOON, **more: Any
) -> list[float]:
    clock = Clock(start)
    reader = open_at(simulate(every, signals={"s/m": {**kind, **more}}), clock)
    clock.now += seconds
    return [event.value or 0.0 for event in read_all(reader)]


SITE = {
    "solar/power": {"day_curve": "0..3200 W"},
    "rack/temperature": {"drift": "19..27 °C"},
    "noise/humidity": {"random": "30..60 %"},
    "hall/door": {"door": {"open": "5s", "closed": "20s"}},
    "hall/motion": {"motion": {"on": "3s", "off": "10s"}},
    "probe/temperature": {"square": "20..32 °C", "period": "10s"},
}


def test_the_first_reading_is_at_the_next_multiple_of_every_and_then_one_comes_each_tick() -> None:
    clock = Clock(NOON + 0.3)
    reader = open_at(simulate("5s", signals={"a/b/power": {"random": "1..2 kW"}}), clock)
    assert read_all(reader) == []
    clock.now = NOON + 15.2
    events = read_all(reader)
    assert [event.time for event in events] == [NOON + 5, NOON + 10, NOON + 15]
    assert {(event.subject, event.metric, event.unit) for event in events} == {
        ("a/b", "power", "kW")
    }
    assert events[0].id == f"sim/a/b/power/{int(NOON + 5) // 5}"
    assert read_all(reader) == []


def test_two_runs_give_the_same_readings_and_another_seed_gives_others() -> None:
    def run(seed: int, until: float) -> list[Reading]:
        clock = Clock()
        reader = open_at(simulate("1s", signals=SITE, seed=seed), clock)
        clock.now = until
        return read_all(reader)

    assert run(1, NOON + 100) == run(1, NOON + 100)
    assert [e.value for e in run(1, NOON + 100)] != [e.value for e in run(2, NOON + 100)]


def test_a_reader_opened_at_a_saved_position_goes_on_exactly_there() -> None:
    settings = simulate("1s", signals=SITE)
    clock = Clock()
    whole = open_at(settings, clock)
    clock.now += 3000
    wanted = read_all(whole)

    clock = Clock()
    reader = open_at(settings, clock)
    found: list[Reading] = []
    for _ in range(30):
        clock.now += 100
        batch = reader.read()
        found += [event for event in batch.events if isinstance(event, Reading)] if batch else []
        reader = open_at(settings, clock, reader.position())
    found += read_all(reader)
    assert found == wanted
    assert len(set(ids(found))) == len(found)


def test_another_every_goes_on_at_the_time_where_the_old_one_was() -> None:
    clock = Clock()
    before = open_at(simulate("10s", signals={"s/m": {"random": "0..1"}}), clock)
    clock.now += 100
    read_all(before)
    clock.now += 5
    after = open_at(simulate("2s", signals={"s/m": {"random": "0..1"}}), clock, before.position())
    assert [event.time for event in read_all(after)] == []
    clock.now += 10
    assert [event.time for event in read_all(after)] == [NOON + 110, NOON + 112, NOON + 114]


def test_history_begins_in_the_past_and_is_not_live_until_it_is_worked_off() -> None:
    clock = Clock()
    reader = open_at(simulate("1s", signals={"s/m": {"random": "0..1"}}, history="1h"), clock)
    batch = reader.read()
    assert batch is not None
    assert not batch.live
    assert batch.events[0].time == NOON - 3600
    assert batch.wall == batch.events[-1].time
    read_all(reader)
    clock.now += 1
    batch = reader.read()
    assert batch is not None
    assert batch.live
    assert [event.time for event in batch.events] == [NOON + 1]


def test_count_ends_the_simulation_after_that_many_ticks_also_over_a_restart() -> None:
    settings = simulate("1s", signals={"s/m": {"random": "0..1"}}, count=10)
    clock = Clock()
    reader = open_at(settings, clock)
    clock.now += 4
    first = read_all(reader)
    clock.now += 1000
    rest = read_all(open_at(settings, clock, reader.position()))
    assert len(first) + len(rest) == 10


def test_a_batch_is_bounded() -> None:
    clock = Clock()
    reader = open_at(
        simulate("1s", signals={f"s{n}/m": {"random": "0..1"} for n in range(50)}, history="1d"),
        clock,
    )
    batch = reader.read()
    assert batch is not None
    assert 0 < len(batch.events) <= 4000


@pytest.mark.parametrize("kind", ["random", "drift", "day_curve"])
def test_values_stay_in_their_range_and_use_most_of_it(kind: str) -> None:
    found = values({kind: "-5..5 °C"}, 3 * DAY, every="1min", start=NOON - NOON % DAY)
    assert min(found) >= -5
    assert max(found) <= 5
    assert max(found) - min(found) > 7


def test_drift_moves_in_small_steps() -> None:
    found = values({"drift": "0..100"}, 3600)
    assert max(abs(b - a) for a, b in itertools.pairwise(found)) < 2


def test_a_day_is_dark_at_midnight_and_bright_at_noon() -> None:
    found = values({"day_curve": "0..3200 W"}, DAY, every="1h", start=NOON - 12 * 3600)
    assert found[0] == found[3] == found[22] == 0
    assert found[12] > 1000


def test_a_square_is_half_its_period_low_and_half_high() -> None:
    found = values({"square": "20..32 °C"}, 19, period="10s", start=NOON - NOON % 10)
    assert found == [20.0] * 5 + [32.0] * 5 + [20.0] * 5 + [32.0] * 5


@pytest.mark.parametrize(
    ("kind", "share"),
    [
        ({"door": {"open": "10s", "closed": "90s"}}, 0.1),
        ({"motion": {"on": "20s", "off": "20s"}}, 0.5),
    ],
)
def test_doors_and_motion_report_changes_only_and_dwell_as_long_as_they_should(
    kind: dict[str, Any], share: float
) -> None:
    clock = Clock()
    reader = open_at(simulate("1s", signals={"s/m": kind}), clock)
    clock.now += DAY
    events = read_all(reader)
    states = [event.value for event in events]
    assert all(a != b for a, b in itertools.pairwise(states))
    on = sum(b.time - a.time for a, b in itertools.pairwise(events) if a.value == 1.0)
    assert on / DAY == pytest.approx(share, rel=0.2)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"every": "5s", "signals": {"a/m": {}}}, "needs exactly one of: random, drift"),
        (
            {"every": "5s", "signals": {"a/m": {"random": "1..2", "drift": "1..2"}}},
            "got random, drift",
        ),
        ({"every": "5s", "signals": {"a/m": {"random": "24..17 °C"}}}, "is empty"),
        ({"every": "5s", "signals": {"a/m": {"random": "17 °C"}}}, r"write 17\.\.24 °C"),
        ({"every": "5s", "signals": {"power": {"random": "1..2"}}}, "should match pattern"),
        ({"every": "5s", "signals": {}}, "at least 1 item"),
        ({"every": "0s", "signals": {"a/m": {"random": "1..2"}}}, "greater than"),
    ],
)
def test_wrong_settings_are_refused_with_the_remedy(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Simulate.model_validate(settings)


@pytest.mark.parametrize("example", Simulate.EXAMPLES)
def test_the_examples_make_readings(example: str) -> None:
    settings = Simulate.model_validate(YAML(typ="safe").load(example)["simulate"])
    clock = Clock()
    reader = open_at(settings, clock)
    clock.now += 60
    assert read_all(reader)
