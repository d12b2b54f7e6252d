import dataclasses
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from operators.component import Now
from operators.events import Event, Summary
from operators.windows.step import Window
from operators.windows.tumbling import WindowLogic
from tests.operators.shard import CONTEXT, Shard, reading, step

PARIS = ZoneInfo("Europe/Paris")
AT_PARIS = dataclasses.replace(CONTEXT, timezone=PARIS)


def summaries(events: list[Event]) -> list[tuple[float, dict[str, float]]]:
    return [(event.time, event.values) for event in events if isinstance(event, Summary)]


def test_windows_are_aligned_and_close_with_the_signals_own_next_event() -> None:
    shard = Shard(step(Window, "window: {every: 1min, calculate: [mean, max]}"))
    assert (
        shard.feed(
            reading(0, 1000.0, unit="W"), reading(30, 3000.0, unit="W"), reading(64, 9.0, unit="W")
        )
        == []
    )
    [event] = shard.feed(reading(65, 9.0, unit="W"))
    assert event == Summary(
        id="rack/temperature/site/stream/step/60.0", time=60, start=0, subject="rack",
        metric="temperature",
        values={"mean": 2000.0, "max": 3000.0}, unit="W",
    )  # fmt: skip


def test_every_statistic_is_calculated() -> None:
    names = "mean, min, max, sum, count, first, last, delta, p95, spread, stddev"
    shard = Shard(step(Window, f"window: {{every: 1min, calculate: [{names}]}}"))
    shard.feed(*(reading(n, value) for n, value in enumerate([4.0, 2.0, 8.0, 6.0])))
    [(_, values)] = summaries(shard.wait_until(100))
    assert values == pytest.approx(
        {
            "mean": 5, "min": 2, "max": 8, "sum": 20, "count": 4, "first": 4, "last": 6,
            "delta": 2, "p95": 8,
            "spread": 6, "stddev": 5**0.5,
        }
    )  # fmt: skip


def test_a_longer_length_makes_sliding_windows() -> None:
    shard = Shard(
        step(Window, "window: {every: 10s, length: 30s, calculate: [sum, count, stddev]}")
    )
    out = shard.feed(reading(5, 1.0), reading(15, 2.0), reading(25, 3.0), reading(45, 4.0))
    out += shard.wait_until(500)
    assert [(time, values["sum"], values["count"]) for time, values in summaries(out)] == [
        (10, 1, 1), (20, 3, 2), (30, 6, 3), (40, 5, 2), (50, 7, 2), (60, 4, 1), (70, 4, 1),
    ]  # fmt: skip
    assert summaries(out)[2][1]["stddev"] == pytest.approx((2 / 3) ** 0.5)


@pytest.mark.parametrize(
    ("span", "first", "hours"),
    [
        ("1d", "2026-03-28", [24, 23, 24]),
        ("1d", "2026-10-24", [24, 25, 24]),
        ("1w", "2026-03-16", [168, 167, 168]),
        ("1w", "2026-10-12", [168, 169, 168]),
    ],
)
def test_days_and_weeks_begin_at_midnight_and_on_monday_and_last_as_the_clock_is_set(
    span: str, first: str, hours: list[int]
) -> None:
    shard = Shard(step(Window, f"window: {{every: {span}, calculate: [sum]}}"), AT_PARIS, True)
    began = datetime.fromisoformat(first).replace(tzinfo=PARIS).timestamp()
    out = shard.feed(*(reading(began + n * 3600, 1.0) for n in range(sum(hours) + 1)))
    out += shard.wait_until(began + sum(hours) * 3600 + 60)
    found = [event for event in out if isinstance(event, Summary)]
    assert [event.values["sum"] for event in found] == hours
    assert found[0].start == began
    assert [(event.time - event.start) / 3600 for event in found] == hours


def test_open_windows_that_were_numbered_from_the_epoch_go_on_as_the_sites() -> None:
    settings = step(Window, "window: {every: 1w, calculate: [sum]}")
    monday = datetime(2026, 11, 30, tzinfo=PARIS).timestamp()
    before = Shard(settings)
    before.feed(reading(monday + 60, 1.0))
    logic = settings.logic(AT_PARIS)
    assert isinstance(logic, WindowLogic)
    logic.restore(before.logic.snapshot(), 2)
    logic.on_batch([reading(monday + 6 * 86_400, 2.0)], Now(0, 0))
    [event] = logic.on_time(Now(monday + 8 * 86_400, 0))
    assert isinstance(event, Summary)
    assert (event.start, event.values) == (monday, {"sum": 3.0})


def test_a_reading_that_is_not_too_late_counts_and_one_that_is_goes_to_late() -> None:
    shard = Shard(step(Window, "window: {every: 10s, calculate: [count, first]}"))
    shard.feed(reading(9, 1.0), reading(12, 1.0), reading(8, 7.0))
    assert summaries(shard.feed(reading(15, 1.0))) == [(10, {"count": 2, "first": 7.0})]
    assert shard.feed(reading(9.5, 1.0)) == []
    assert [event.time for event in shard.late] == [9.5]


def test_the_flows_clock_closes_the_window_of_a_silent_signal() -> None:
    shard = Shard(step(Window, "window: {every: 10s, calculate: [count]}"))
    shard.feed(reading(1, 1.0))
    assert summaries(shard.feed(reading(15, 1.0, subject="other"))) == [(10, {"count": 1})]


def test_a_signal_that_lags_behind_the_others_keeps_its_windows_together() -> None:
    shard = Shard(step(Window, "window: {every: 1min, calculate: [count]}"))
    shard.feed(reading(600, 1.0, subject="ahead"))
    for time in range(0, 60, 10):
        assert shard.feed(reading(time, 1.0), reading(600 + time / 10, 1.0, subject="ahead")) == []
    assert summaries(shard.feed(reading(65, 1.0))) == [(60, {"count": 6})]
    assert shard.late == []


def test_units_are_brought_together_or_left_out() -> None:
    shard = Shard(step(Window, "window: {every: 1min, calculate: [max]}"))
    shard.feed(reading(0, 1000.0, unit="W"), reading(1, 2.0, unit="kW"), reading(2, 9.0, unit="°C"))
    assert summaries(shard.wait_until(100)) == [(60, {"max": 2000.0})]
    assert shard.counts == {"unit": 1}


def test_by_keeps_windows_apart_and_labels_them() -> None:
    shard = Shard(step(Window, "window: {every: 1min, calculate: [count], by: label.area}"))
    shard.feed(reading(0, 1.0, labels={"area": "yard"}), reading(1, 1.0, labels={"area": "hall"}))
    out = shard.wait_until(100)
    assert sorted(event.labels["area"] for event in out if isinstance(event, Summary)) == [
        "hall",
        "yard",
    ]


def test_bad_readings_are_left_out_and_counted() -> None:
    shard = Shard(step(Window, "window: {every: 1min, calculate: [count]}"))
    shard.feed(
        reading(0, 1.0, quality="bad"), reading(1, None), reading(2, float("inf")), reading(3, 1.0)
    )
    assert summaries(shard.wait_until(100)) == [(60, {"count": 1})]
    assert shard.counts == {"not_data": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{every: 1min, length: 30s, calculate: [mean]}", "must not be shorter"),
        ("{every: 20s, length: 30s, calculate: [mean]}", "multiple"),
        ("{every: 1min, calculate: []}", "at least 1"),
        ("{every: 1min, calculate: [mode]}", "'mean'"),
    ],
)
def test_windows_that_cannot_be_meant_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        step(Window, f"window: {text}")
