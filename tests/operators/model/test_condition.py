"""The condition of thresholds and alarms: what may be written, and what is refused with which
words.
"""

from typing import Any

import pytest
from pydantic import ValidationError

from operators.model.condition import Column, When


@pytest.mark.parametrize(
    ("settings", "kind", "unit"),
    [
        ({"above": "30 °C", "clear": "28 °C", "for": "2min"}, "above", "°C"),
        ({"above": "1 kW", "clear": "900 W"}, "above", "kW"),
        ({"below": 5, "clear_for": "30s"}, "below", None),
        ({"outside": ["40 %", "60 %"], "clear": ["42 %", "58 %"]}, "outside", "%"),
        ({"inside": ["40 Hz", "45 Hz"], "clear": ["39 Hz", "46 Hz"]}, "inside", "Hz"),
        ({"is": "on"}, "is", None),
        ({"is": 0}, "is", None),
        ({"silent": "15min", "clear_for": "1min"}, "silent", None),
        ({"seen": "2min", "for": "10s"}, "seen", None),
        (
            {"above": {"column": "limit", "default": "30 °C"}, "clear": {"column": "clear"}},
            "above",
            "°C",
        ),
        ({"above": 30, "times": 3, "in": "1min"}, "above", None),
    ],
)
def test_a_condition_has_one_kind_and_a_unit(
    settings: dict[str, Any], kind: str, unit: str | None
) -> None:
    when = When.model_validate(settings)
    assert (when.kind, when.unit) == (kind, unit)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "exactly one of: above, below, outside, inside, is, silent, seen"),
        ({"above": 1, "below": 2}, "above and below are given"),
        (
            {"above": "30 °C", "clear": "32 °C"},
            "'clear' (32 °C) must be lower than 'above' (30 °C)",
        ),
        ({"above": 30, "clear": 30}, "'clear' (30) must be lower than 'above' (30)"),
        ({"below": "5 °C", "clear": "4 °C"}, "'clear' (4 °C) must be higher than 'below' (5 °C)"),
        ({"above": "30 °C", "clear": "28 %"}, "'clear' is in %, 'above' in °C"),
        ({"above": "30 °C", "clear": 28}, "'clear' is in no unit, 'above' in °C"),
        ({"above": 30, "clear": [20, 25]}, "'clear' of 'above' is one value"),
        ({"above": "30 C"}, "unknown unit 'C'; did you mean '°C'"),
        ({"above": True}, "needs a number"),
        ({"outside": [60, 40]}, "the lower value first"),
        ({"outside": ["40 %", "60 °C"]}, "the first value of 'outside' is in %, the second in °C"),
        ({"outside": [40, 60], "clear": 50}, "needs two values"),
        ({"outside": [40, 60], "clear": [30, 50]}, "must lie inside"),
        ({"outside": [40, 60], "clear": [50, 45]}, "the lower value first"),
        ({"outside": [40]}, "at least 2 items"),
        ({"inside": [40, 60], "clear": [42, 58]}, "must lie around 'inside' [40, 60]"),
        ({"inside": [60, 40]}, "the lower value first"),
        ({"is": "on", "clear": 1}, "'clear' goes with above, below, outside or inside"),
        ({"silent": "0s"}, "'silent' must be longer than 0s"),
        ({"silent": "5min", "for": "1min"}, "takes no 'for' and no 'times'"),
        ({"silent": 5}, "5 has no unit; write 5s, 5min or 5h"),
        ({"silent": True}, "needs a time such as 30s, not true"),
        ({"above": 3, "for": "2m"}, "write 2min"),
        ({"above": 3, "times": 3}, "'times' and 'in' go together"),
        ({"above": 3, "in": "1min"}, "'times' and 'in' go together"),
        ({"above": {"column": "limit", "default": "warm"}}, "not a number with a unit"),
        ({"abov": 3}, "Extra inputs are not permitted"),
    ],
)
def test_a_condition_that_makes_no_sense_is_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        When.model_validate(settings)
    assert says in str(caught.value)


def test_a_column_needs_no_default() -> None:
    when = When.model_validate({"below": {"column": "limit"}})
    assert when.below == Column(column="limit")
    assert When.model_json_schema()["properties"]["below"]["description"]
