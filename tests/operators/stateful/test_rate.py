import pytest

from operators.events import Reading
from operators.stateful.rate import SLOTS, Rate
from tests.operators.shard import Shard, reading, step


def test_the_change_over_the_span_is_given_for_the_time_asked_for() -> None:
    shard = Shard(step(Rate, "rate: {over: 30min, per: 1h}"))
    out = shard.feed(
        *(reading(60.0 * n, 20 + n / 15, unit="°C", labels={"room": "a"}) for n in range(31))
    )
    assert len(out) == 16
    last = out[-1]
    assert isinstance(last, Reading)
    assert (last.metric, last.unit, last.labels, last.time) == (
        "temperature_rate",
        "°C/h",
        {"room": "a"},
        1800,
    )
    assert last.value == pytest.approx(4.0)
    assert shard.counts == {"incomplete": 15}


def test_after_a_pause_it_begins_anew() -> None:
    shard = Shard(step(Rate, "rate: 10s"))
    assert shard.feed(reading(0, 1.0), reading(20, 100.0)) == []
    [out] = shard.feed(reading(26, 101.0))
    assert getattr(out, "value", None) == pytest.approx(10.0)


def test_units_are_brought_together_and_what_is_no_number_is_left_out() -> None:
    shard = Shard(step(Rate, "rate: {over: 10s, per: 1s}"))
    out = shard.feed(
        reading(0, 1000.0, unit="W"),
        reading(10, 2.0, unit="kW"),
        reading(10, 3.0, unit="°C"),
        reading(10, None),
    )
    assert [getattr(event, "value", None) for event in out] == [100.0]
    assert shard.counts == {"incomplete": 1, "unit": 1, "not_data": 1}


def test_memory_does_not_grow_with_the_number_of_readings() -> None:
    shard = Shard(step(Rate, "rate: 1h"))
    shard.feed(*(reading(n / 10, float(n)) for n in range(20_000)))
    [(_, (_, points))] = shard.logic.snapshot()[0].values()  # type: ignore[index]
    assert len(points) <= SLOTS + 1


def test_an_old_reading_is_late() -> None:
    shard = Shard(step(Rate, "rate: 10s"))
    shard.feed(reading(5, 1.0), reading(4, 1.0))
    assert [event.time for event in shard.late] == [4]
