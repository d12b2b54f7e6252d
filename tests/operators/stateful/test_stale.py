import pytest
from pydantic import ValidationError

from operators.events import Event
from operators.stateful.stale import Stale
from tests.operators.shard import Shard, occurrence, reading, step


def qualities(events: list[Event]) -> list[tuple[float, float | None, str | None]]:
    return [(e.time, getattr(e, "value", None), getattr(e, "quality", None)) for e in events]


def test_the_last_reading_comes_once_more_as_stale_when_nothing_came() -> None:
    shard = Shard(step(Stale, "stale: 10s"))
    assert qualities(shard.feed(reading(0, 1.0), reading(3, 2.0))) == [
        (0, 1.0, "good"),
        (3, 2.0, "good"),
    ]
    assert qualities(shard.wait_until(13)) == [(13, 2.0, "stale")]
    assert shard.wait_until(1000) == []
    assert qualities(shard.feed(reading(1001, 2.0))) == [(1001, 2.0, "good")]


def test_a_value_that_never_changes_is_stale_until_it_does() -> None:
    shard = Shard(step(Stale, "stale: {unchanged: 10s}"))
    out = shard.feed(
        *(reading(n * 5, value) for n, value in enumerate([1.0, 1.0, 1.0, 1.0, 2.0, 2.0]))
    )
    assert [quality for _, _, quality in qualities(out)] == [
        "good",
        "good",
        "good",
        "stale",
        "good",
        "good",
    ]
    assert shard.counts == {"unchanged": 1}


def test_other_events_pass_and_old_readings_are_late() -> None:
    shard = Shard(step(Stale, "stale: 10s"))
    pressed, bad = occurrence(1, "pressed"), reading(2, 5.0, quality="bad")
    assert shard.feed(reading(3, 1.0), pressed, bad, reading(2, 1.0))[1:] == [pressed, bad]
    assert [event.time for event in shard.late] == [2]


def test_it_must_be_told_what_makes_a_reading_stale() -> None:
    with pytest.raises(ValidationError, match="needs 'after'"):
        step(Stale, "stale: {}")
