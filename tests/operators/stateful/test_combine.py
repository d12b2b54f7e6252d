import pytest
from pydantic import ValidationError

from operators.component import Now, StepContext
from operators.events import Event, Reading
from operators.stateful.combine import Combine
from tests.operators.shard import Shard, reading, step

TEXT = "combine: {subject: house, metric: surplus, plus: [made], minus: [bought], max_age: 1min}"
CONTEXT = StepContext(flow="f", step="f/surplus/combine", roles=("made", "bought"))


def power(time: float, value: float, subject: str, unit: str | None = "W") -> Event:
    return reading(time, value, subject=subject, metric="power", unit=unit)


def values(events: list[Event]) -> list[tuple[float, float | None]]:
    return [(event.time, event.value) for event in events if isinstance(event, Reading)]


def test_the_sum_is_emitted_with_every_reading_once_all_roles_are_known() -> None:
    shard = Shard(step(Combine, TEXT), CONTEXT)
    out = shard.feed_roles([("made", power(0, 3000, "solar")), ("bought", power(1, 500, "mains"))])
    assert out == [
        Reading(
            id="mains.power@1/f/surplus/combine",
            time=1,
            subject="house",
            metric="surplus",
            value=2500,
            unit="W",
        )
    ]
    assert values(shard.feed_roles([("made", power(5, 1000, "solar"))])) == [(5, 500)]
    assert shard.counts == {"incomplete": 1}


def test_units_are_converted_to_that_of_the_first_role() -> None:
    shard = Shard(step(Combine, TEXT), CONTEXT)
    out = shard.feed_roles(
        [("made", power(0, 3, "solar", "kW")), ("bought", power(1, 500, "mains"))]
    )
    assert values(out) == [(1, 2.5)]
    assert shard.feed_roles([("bought", power(2, 20, "mains", "°C"))]) == []
    assert shard.counts == {"incomplete": 1, "unit": 1}


def test_a_value_that_is_too_old_does_not_count() -> None:
    shard = Shard(step(Combine, TEXT), CONTEXT)
    shard.feed_roles([("made", power(0, 3000, "solar")), ("bought", power(1, 500, "mains"))])
    assert shard.feed_roles([("bought", power(61, 500, "mains"))]) == []
    assert values(shard.feed_roles([("made", power(62, 100, "solar"))])) == [(62, -400)]


def test_several_signals_of_a_role_add_up() -> None:
    shard = Shard(step(Combine, TEXT), CONTEXT)
    out = shard.feed_roles(
        [
            ("made", power(0, 1, "east")),
            ("made", power(1, 2, "west")),
            ("bought", power(2, 5, "mains")),
        ]
    )
    assert values(out) == [(2, -2)]


def test_roles_of_one_batch_are_taken_by_time() -> None:
    shard = Shard(step(Combine, TEXT), CONTEXT)
    out = shard.feed_roles(
        [
            ("made", power(0, 10, "solar")),
            ("made", power(4, 30, "solar")),
            ("bought", power(2, 1, "mains")),
        ]
    )
    assert values(out) == [(2, 9), (4, 29)]


def test_an_older_reading_goes_to_late_and_bad_ones_are_counted() -> None:
    shard = Shard(step(Combine, TEXT), CONTEXT)
    shard.feed_roles([("made", power(5, 1, "solar"))])
    shard.feed_roles([("made", power(4, 1, "solar")), ("made", reading(6, None, subject="solar"))])
    assert [event.time for event in shard.late] == [4]
    assert shard.counts == {"incomplete": 1, "not_data": 1}


def test_old_values_are_freed() -> None:
    shard = Shard(step(Combine, TEXT), CONTEXT)
    shard.feed_roles([("made", power(5, 1, "solar"))])
    shard.wait_until(100)
    assert "solar" not in repr(shard.logic.snapshot())


def test_a_role_twice_and_a_stream_without_roles_are_refused() -> None:
    with pytest.raises(ValidationError, match="named twice"):
        step(Combine, "combine: {subject: a, metric: b, plus: [x], minus: [x], max_age: 1s}")
    with pytest.raises(TypeError, match="needs roles"):
        step(Combine, TEXT).logic(CONTEXT).on_batch([power(0, 1, "solar")], Now(0, 0))
