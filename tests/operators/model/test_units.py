"""Units and durations, as definitions, devices and programs write them."""

from typing import Any

import pytest

from operators.decoding.payloads.values import conversion
from operators.model.units import UNITS, convert, duration, quantity, seconds


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_converts_to_the_base_of_its_kind_and_back(unit: str) -> None:
    base = next(known for known in UNITS if UNITS[known][0] == UNITS[unit][0])
    assert convert(convert(12.5, unit, base), base, unit) == pytest.approx(12.5)


@pytest.mark.parametrize(
    ("metric", "unit"),
    [("pressure", "psi"), ("power", "MW"), ("distance", "ft"), ("pm25", "mg/m³")],
)
def test_a_definition_knows_the_units_that_devices_write(metric: str, unit: str) -> None:
    found = conversion(metric, unit)
    assert found is not None
    assert quantity(f"1 {unit}").base() == pytest.approx(
        found[0]
        * quantity(
            "1 " + {"pressure": "hPa", "power": "W", "distance": "m"}.get(metric, "µg/m³")
        ).base()
    )


@pytest.mark.parametrize(
    ("written", "length"),
    [(90, 90), (1.5, 1.5), (None, None), ("1m30s", 90), ("500ms", 0.5), ("5min", 300), ("2m", 120)],
)
def test_programs_may_write_seconds_or_a_duration(written: Any, length: float | None) -> None:
    assert seconds(written) == length


@pytest.mark.parametrize("written", ["5", "x", True, "5 m", "5mm", ""])
def test_what_is_no_duration_is_refused_with_the_remedy(written: Any) -> None:
    with pytest.raises(ValueError, match="write seconds as a number, or 30s, 5m, 1h"):
        seconds(written)


def test_a_definition_writes_minutes_as_min() -> None:
    assert duration("1h30min") == 5400
    with pytest.raises(ValueError, match=r"write 5min \(minutes\)"):
        duration("5m")


@pytest.mark.parametrize(
    "value",
    ["9" * 5000 + "s", "9" * 5000, "1s" * 5000, "99999999999999999999w", "101000w", 10**400],
)
def test_a_duration_has_a_bound_and_its_refusal_is_short(value: Any) -> None:
    for read in (duration, seconds):
        with pytest.raises(ValueError, match=r"duration|hundred years|no unit") as refusal:
            read(value)
        assert len(str(refusal.value)) < 200
    assert duration("5200w") == 5200 * 7 * 86_400


@pytest.mark.parametrize(
    "value", ["9" * 5000, "9" * 5000 + " W", 10**400, float("inf"), float("nan")]
)
def test_a_quantity_has_a_bound(value: Any) -> None:
    with pytest.raises(ValueError, match="number") as refusal:
        quantity(value)
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e12])
def test_seconds_that_a_program_writes_are_bounded(value: float) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        seconds(value)
