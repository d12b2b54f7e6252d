from typing import Any

import pytest
from pydantic import ValidationError

from operators.component import StepContext
from operators.events import Reading, Summary
from operators.threshold.step import Threshold
from tests.operators.shard import Shard, occurrence, reading, states, step

ON, OFF = 1.0, 0.0


def run(text: str, *values: Any, **more: Any) -> list[tuple[float, float]]:
    """Times and states that `(time, value)` pairs make, until a day later."""
    shard = Shard(step(Threshold, f"threshold: {text}"))
    out = shard.feed(*(reading(time, value, **more) for time, value in values))
    out += shard.wait_until(86400)
    return [(time, value) for time, _, value in states(out)]


def test_it_turns_on_over_the_limit_and_off_at_clear() -> None:
    values = [(0, 29), (1, 30), (2, 30.1), (3, 29), (4, 28.1), (5, 28), (6, 29), (7, 31)]
    assert run("{above: 30 °C, clear: 28 °C}", *values, unit="°C") == [(2, ON), (5, OFF), (7, ON)]


def test_below_and_outside_have_their_own_sides() -> None:
    assert run("{below: 5, clear: 6}", (0, 5), (1, 4.9), (2, 5.9), (3, 6)) == [(1, ON), (3, OFF)]
    values = [(0, 50), (1, 39), (2, 41), (3, 42), (4, 61), (5, 50)]
    assert run("{outside: [40, 60], clear: [42, 58]}", *values) == [
        (1, ON),
        (3, OFF),
        (4, ON),
        (5, OFF),
    ]
    near = [(0, 37), (1, 40), (2, 60), (3, 61), (4, 63), (5, 38.5), (6, 50), (7, 30)]
    assert run("{inside: [40, 60], clear: [38, 62]}", *near) == [
        (1, ON),
        (4, OFF),
        (6, ON),
        (7, OFF),
    ]


def test_without_clear_it_ends_at_the_limit() -> None:
    assert run("{above: 30}", (0, 31), (1, 30), (2, 31)) == [(0, ON), (1, OFF), (2, ON)]


def test_the_new_signal_is_named_after_the_condition() -> None:
    shard = Shard(step(Threshold, "threshold: {above: 30}"))
    [event] = shard.feed(reading(7, 31.0, labels={"area": "yard"}))
    assert event == Reading(
        id="rack.temperature@7/site/stream/step", time=7, subject="rack",
        metric="temperature_above", value=1.0,
        labels={"area": "yard"},
    )  # fmt: skip


def test_limits_are_compared_in_the_unit_of_the_signal() -> None:
    assert run("{above: 30 °C}", (0, 85), (1, 87), unit="°F") == [(1, ON)]
    assert run("{above: 6 kW}", (0, 5900), (1, 6100), unit="W") == [(1, ON)]


def test_a_unit_may_change_and_one_of_another_kind_is_left_out() -> None:
    shard = Shard(step(Threshold, "threshold: {above: 6 kW}"))
    out = shard.feed(
        reading(0, 7.0, unit="kW"), reading(1, 6500.0, unit="W"), reading(2, 3.0, unit="°C")
    )
    out += shard.feed(reading(3, 10.0, unit="W"))
    assert [(time, value) for time, _, value in states(out)] == [(0, ON), (3, OFF)]
    assert shard.counts == {"unit": 1}


def test_for_wants_the_breach_at_every_reading_and_turns_on_at_the_deadline() -> None:
    values = [(0, 31), (60, 31), (119, 31), (121, 31)]
    assert run("{above: 30, clear: 28, for: 2min}", *values) == [(120, ON)]
    assert run("{above: 30, clear: 28, for: 2min}", (0, 31), (60, 29), (61, 31), (100, 31)) == [
        (181, ON)
    ]


def test_a_reading_at_the_very_deadline_decides() -> None:
    assert run("{above: 30, for: 2min}", (0, 31), (120, 29)) == []
    assert run("{above: 30, for: 2min}", (0, 31), (120, 31)) == [(120, ON)]
    assert run("{above: 30, for: 2min}", (0, 31), (121, 29)) == [(120, ON), (121, OFF)]


def test_clear_for_wants_quiet_at_every_reading() -> None:
    values = [(0, 31), (10, 27), (20, 29), (30, 27), (50, 27)]
    assert run("{above: 30, clear: 28, clear_for: 30s}", *values) == [(0, ON), (60, OFF)]


def test_is_compares_with_the_word_of_the_metric() -> None:
    assert run("{is: open}", (0, 0), (1, 1), (2, 0), metric="door") == [(1, ON), (2, OFF)]
    assert run("{is: 3}", (0, 2), (1, 3), (2, 4), (3, 3)) == [(1, ON), (2, OFF), (3, ON)]
    shard = Shard(step(Threshold, "threshold: {is: heat}"))
    out = shard.feed(
        reading(0, None, text="heat", metric="mode"), reading(1, None, text="off", metric="mode")
    )
    assert [value for _, _, value in states(out)] == [ON, OFF]


def test_times_counts_within_the_span() -> None:
    text = "{is: open, times: 3, in: 1min}"
    assert run(text, (0, 1), (10, 0), (30, 1), (40, 0), (61, 1), (62, 0), metric="door") == []
    assert run(text, (0, 1), (10, 0), (30, 1), (40, 0), (59, 1), (62, 0), metric="door") == [
        (59, ON),
        (60, OFF),
    ]


def test_silent_is_on_when_nothing_came_and_off_with_the_next_event() -> None:
    assert run("{silent: 15min}", (0, 1), (900, 1), (1900, 1)) == [
        (1800, ON),
        (1900, OFF),
        (2800, ON),
    ]


def test_seen_is_on_for_a_while_after_any_event() -> None:
    assert run("{seen: 2min}", (0, 0), (120, 1), (300, 0)) == [
        (0, ON),
        (240, OFF),
        (300, ON),
        (420, OFF),
    ]
    shard = Shard(step(Threshold, "threshold: {seen: 2min}"))
    assert states(shard.feed(occurrence(5, "press"))) == [(5, "press_seen", ON)]


def test_a_limit_may_come_from_a_label_a_table_or_a_default() -> None:
    context = StepContext(
        flow="f", step="f/s/t", tables={"racks": [{"name": "b", "limit": "20 °C"}]}
    )
    shard = Shard(step(Threshold, "threshold: {above: {column: limit, default: 30}}"), context)
    out = shard.feed(
        reading(0, 25.0, subject="a", labels={"limit": "24"}),
        reading(0, 25.0, subject="b", unit="°C"),
        reading(0, 25.0, subject="c"),
    )
    assert [event.subject for event in out if isinstance(event, Reading)] == ["a", "b"]


def test_a_limit_may_change_with_its_label() -> None:
    shard = Shard(step(Threshold, "threshold: {above: {column: limit}}"))
    out = shard.feed(
        *(reading(n, 25.0, labels={"limit": limit}) for n, limit in enumerate(["30", "20", "30"]))
    )
    assert [(time, value) for time, _, value in states(out)] == [(1, ON), (2, OFF)]
    shard.feed(reading(9, 25.0, subject="other"))
    assert shard.counts == {"no_limit": 1}


def test_bad_readings_change_nothing_and_are_counted() -> None:
    shard = Shard(step(Threshold, "threshold: {above: 30}"))
    shard.feed(
        reading(0, 31.0),
        reading(1, None),
        reading(2, 10.0, quality="stale"),
        reading(3, float("nan")),
    )
    assert shard.counts == {"not_data": 3}
    assert shard.feed(reading(4, 20.0)) != []


def test_a_reading_older_than_the_last_goes_to_late() -> None:
    shard = Shard(step(Threshold, "threshold: {above: 30}"))
    assert shard.feed(reading(10, 29.0), reading(9, 31.0)) == []
    assert [event.time for event in shard.late] == [9]


def test_a_summary_with_one_statistic_counts_as_a_reading() -> None:
    shard = Shard(step(Threshold, "threshold: {above: 30 °C}"))
    mean = Summary(
        id="s", time=60, start=0, subject="a", metric="t", values={"mean": 31.0}, unit="°C"
    )
    assert states(shard.feed(mean)) == [(60, "t_above", ON)]


def test_the_flows_clock_ends_a_span_when_no_reading_comes() -> None:
    shard = Shard(step(Threshold, "threshold: {above: 30, for: 2min}"))
    assert shard.feed(reading(0, 31.0)) == []
    assert shard.wait_until(119) == []
    [event] = shard.wait_until(200)
    assert (event.time, event.id) == (120, "rack/temperature/site/stream/step/120.0")


def test_another_limit_keeps_a_span_that_runs() -> None:
    before, after = (
        step(Threshold, "threshold: {above: 30, for: 2min}"),
        step(Threshold, "threshold: {above: 25, for: 1min}"),
    )
    shard = Shard(before)
    shard.feed(reading(0, 31.0))
    logic = after.logic(StepContext(flow="site", step="site/stream/step"))
    logic.restore(shard.logic.snapshot(), logic.VERSION)
    assert logic.next_time().event == 60


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{above: 30, below: 3}", "exactly one"),
        ("{above: 30, clear: 31}", "lower"),
        ("30", "valid dictionary|Input"),
    ],
)
def test_a_condition_that_cannot_be_meant_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        step(Threshold, f"threshold: {text}")
