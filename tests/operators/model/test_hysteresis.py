"""Limits: the verdict on a value, and the intervals that spare a look at it."""

import math
import random
from typing import Any

import pytest

from operators.model.condition import Column
from operators.model.hysteresis import (
    BREACH,
    DEADBAND,
    NORMAL,
    Interval,
    Limit,
    NoLimit,
    limit_record,
    state_value,
)
from operators.model.units import quantity

RECORDS: tuple[dict[str, Any], ...] = (
    {"above": 30, "clear": 28},
    {"above": 0.0},
    {"below": 5, "clear": 7.5},
    {"outside": [40, 60], "clear": [42, 58]},
    {"outside": [-1, 1]},
    {"inside": [40, 60], "clear": [38, 60]},
    {"inside": [-1, 1]},
    {"equals": 1.0},
    {"equals": 0.0},
    {"equals": "charging"},
)


@pytest.mark.parametrize(
    ("record", "value", "zone"),
    [
        ({"above": 30, "clear": 28}, 30.5, BREACH),
        ({"above": 30, "clear": 28}, 30, DEADBAND),
        ({"above": 30, "clear": 28}, 28, NORMAL),
        ({"below": 5}, 5, NORMAL),
        ({"below": 5, "clear": 7}, 6, DEADBAND),
        ({"outside": [40, 60], "clear": [42, 58]}, 41, DEADBAND),
        ({"outside": [40, 60], "clear": [42, 58]}, 61, BREACH),
        ({"inside": [40, 60], "clear": [38, 60]}, 40, BREACH),
        ({"inside": [40, 60], "clear": [38, 60]}, 60, BREACH),
        ({"inside": [40, 60], "clear": [38, 60]}, 39, DEADBAND),
        ({"inside": [40, 60], "clear": [38, 60]}, 38, NORMAL),
        ({"inside": [40, 60], "clear": [38, 60]}, 60.1, NORMAL),
        ({"equals": "charging"}, "charging", BREACH),
        ({"equals": "charging"}, 1.0, NORMAL),
        ({"equals": 1.0}, True, NORMAL),
    ],
)
def test_a_value_is_in_breach_normal_or_in_the_deadband(
    record: dict[str, Any], value: Any, zone: int
) -> None:
    assert Limit(record).zone(value) == zone


@pytest.mark.parametrize("record", RECORDS, ids=str)
def test_intervals_hold_only_values_of_their_verdict(record: dict[str, Any]) -> None:
    limit, dice = Limit(record), random.Random(1)
    edges = [edge for part in (limit.limit, limit.clear) for edge in _numbers(part)]
    near = [math.nextafter(edge, to) for edge in edges for to in (-math.inf, math.inf)]
    values = [*edges, *near, *(dice.uniform(-100, 100) for _ in range(200)), math.inf, -math.inf]
    for value in values:
        zone = limit.zone(value)
        inside = {
            name: _within(value, interval)
            for name, interval in (
                ("unbreached", limit.unbreached),
                ("breach", limit.breach),
                ("held", limit.held),
                ("normal", limit.normal),
            )
        }  # fmt: skip
        assert not inside["unbreached"] or zone != BREACH
        assert not inside["breach"] or zone == BREACH
        assert not inside["held"] or zone != NORMAL
        assert not inside["normal"] or zone == NORMAL
        if zone == BREACH:
            assert _within(value, limit.breach_beside(value)) != isinstance(limit.limit, str)
        if zone != NORMAL:
            assert _within(value, limit.held_beside(value)) != isinstance(limit.limit, str)


def test_numbers_come_in_the_unit_of_the_signal_and_from_columns() -> None:
    column = Column(column="limit", default=30)
    assert limit_record("above", quantity("30 °C"), quantity("28 °C"), {}, "°F") == {
        "above": pytest.approx(86),
        "clear": pytest.approx(82.4),
    }
    assert limit_record("above", column, None, {"limit": "25"}, None) == {"above": 25}
    assert limit_record("above", column, None, {"limit": ""}, None) == {"above": 30}
    assert limit_record("below", quantity(5), column, {"limit": "3"}, None) == {
        "below": 5,
        "clear": 5,
    }
    with pytest.raises(NoLimit, match="no 'limit', and there is no default"):
        limit_record("above", Column(column="limit"), None, {}, None)


def test_a_word_is_the_number_that_it_has_in_the_metric() -> None:
    assert (state_value("closed", "contact"), state_value("closed", "door")) == (1.0, 0.0)
    assert (state_value(True), state_value(3), state_value("charging", "state")) == (
        1.0,
        3.0,
        "charging",
    )


def _numbers(part: Any) -> list[float]:
    parts = part if isinstance(part, list) else [part]
    return [edge for edge in parts if isinstance(edge, (int, float))]


def _within(value: float, interval: Interval) -> bool:
    return interval[0] <= value <= interval[1]
