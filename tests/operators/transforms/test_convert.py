import pytest
from pydantic import ValidationError

from operators.events import Reading, Summary
from operators.transforms.convert import Convert
from tests.operators.shard import Shard, reading, step


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [(1.5, "kW", 1500.0), (7.0, "W", 7.0), (7.0, None, 7.0), (None, "kW", None)],
)
def test_a_value_is_brought_to_its_unit(
    value: float | None, unit: str | None, expected: float | None
) -> None:
    [event] = Shard(step(Convert, "convert: {power: W}")).feed(
        reading(0, value, metric="power", unit=unit)
    )
    assert isinstance(event, Reading)
    assert (event.value, event.unit) == (expected, "W")


def test_degrees_have_an_offset_but_their_differences_do_not() -> None:
    shard = Shard(step(Convert, "convert: {temperature: °C}"))
    mean = Summary(
        id="s", time=60, start=0, subject="a", metric="temperature", unit="°F",
        values={"mean": 212.0, "delta": 18.0, "count": 3.0},
    )  # fmt: skip
    [event] = shard.feed(mean)
    assert isinstance(event, Summary)
    assert event.values == pytest.approx({"mean": 100.0, "delta": 10.0, "count": 3.0})


def test_other_metrics_pass_and_a_unit_of_another_kind_is_set_aside() -> None:
    shard = Shard(step(Convert, "convert: {power: W}"))
    other = reading(0, 20.0, unit="°F")
    assert shard.feed(other, reading(1, 20.0, metric="power", unit="°C")) == [other]
    [letter] = shard.errors
    assert letter.reason == "unit"
    assert "power of rack is in °C, which cannot become W" in letter.detail
    assert shard.counts == {"unit": 1}


def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(ValidationError, match="did you mean"):
        step(Convert, "convert: {temperature: C}")
