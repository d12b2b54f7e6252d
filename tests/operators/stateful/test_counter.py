import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.stateful.counter import Counter
from tests.operators.shard import Shard, reading, states, step


def test_what_was_added_since_the_reading_before_passes() -> None:
    shard = Shard(step(Counter, "counter: {}"))
    out = shard.feed(
        reading(0, 100.0, unit="kWh"),
        reading(1, 100.5, unit="kWh"),
        reading(2, 101000.0, unit="Wh"),
    )
    assert states(out) == [(1, "temperature", 0.5), (2, "temperature", 0.5)]
    assert {getattr(event, "unit", None) for event in out} == {"kWh"}


def test_a_meter_that_begins_again_adds_what_it_shows_or_wraps() -> None:
    shard = Shard(step(Counter, "counter: {}"))
    assert states(shard.feed(reading(0, 90.0), reading(1, 5.0))) == [(1, "temperature", 5.0)]
    assert shard.counts == {"restarted": 1}
    assert states(
        Shard(step(Counter, "counter: {wraps_at: 100}")).feed(reading(0, 90.0), reading(1, 5.0))
    ) == [(1, "temperature", 15.0)]


def test_a_meter_that_was_silent_for_long_begins_anew() -> None:
    shard = Shard(step(Counter, "counter: {forget: 10s}"))
    assert shard.feed(reading(0, 1.0), reading(20, 50.0)) == []


@settings(max_examples=100)
@given(st.lists(st.integers(0, 99), min_size=1, max_size=50))
def test_the_increments_add_up_to_what_was_counted(steps: list[int]) -> None:
    total, events = 0, []
    for n, one in enumerate(steps):
        total += one
        events.append(reading(n, float(total % 100)))
    out = Shard(step(Counter, "counter: {wraps_at: 100}")).feed(*events)
    assert sum(getattr(event, "value", 0) for event in out) == pytest.approx(sum(steps[1:]))
