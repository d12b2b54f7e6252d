"""Readings that come as columns give what the same readings give as events."""

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.columnar.arrow_batch import decode_columns, encode
from operators.columnar.lazy import LazyEvents
from operators.columnar.reading_columns import joined
from operators.component import Logic, Now
from operators.events import Event, Reading, decode_lines, encode_lines
from tests.operators.columnar.test_store import CONDITIONS, PAUSES, alarm, events, few, threshold

Make = Callable[[list[Event]], Sequence[Event]]


def of_arrow(some: list[Event]) -> Sequence[Event]:
    return joined(decode_columns(encode(some)))  # type: ignore[arg-type]


def of_arrow_in_parts(some: list[Event]) -> Sequence[Event]:
    middle = len(some) // 2
    return joined([of_arrow(part) for part in (some[:middle], some[middle:]) if part])


WAYS: tuple[Make, ...] = (of_arrow, of_arrow_in_parts)
CASES = (*CONDITIONS, {"is": 25}, {"above": "300 K"})


def history(seed: int, odd: bool) -> list[Event]:
    """Readings of some subjects, as a topic gives them; with `odd`, of several metrics, units and
    qualities, some without a number.
    """
    rng = random.Random(seed)
    some = [
        event
        for event in events(rng, 400, PAUSES[seed % 3])
        if isinstance(event, Reading)
        and (odd or (event.metric, event.unit) == ("temperature", "°C"))
        and (odd or (event.quality == "good" and not event.labels))
    ]
    return decode_lines(encode_lines(some))


def through(
    logic: Logic, given: list[Event], make: Make, seed: int, again: Callable[[], Logic]
) -> list[Any]:
    """What a step emits and saves of batches of any size, with restarts in between."""
    rng, emitted, newest, place = random.Random(seed), list[Any](), -math.inf, 0
    while place < len(given):
        batch = given[place : place + rng.choice((1, 7, 40, 150))]
        place += len(batch)
        newest = max(newest, *(event.time for event in batch))
        now = Now(newest - 5, newest + 1)
        emitted += logic.on_batch(make(batch), now)  # type: ignore[arg-type]
        if rng.random() < 0.3:
            emitted += logic.on_time(now)
        if rng.random() < 0.2:
            emitted += [list(logic.late), dict(logic.counts), state := logic.snapshot()]
            logic = again()
            logic.restore(state, logic.VERSION)
    return [*emitted, logic.late, logic.counts, logic.snapshot()]


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(CASES), st.integers(0, 2**30), st.booleans(), st.sampled_from(WAYS),
    st.sampled_from([1, 20, 500]),
)  # fmt: skip
def test_columns_give_what_events_give(
    when: dict[str, Any], seed: int, odd: bool, way: Make, patience: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("operators.columnar.walk.PATIENCE", patience)
        patch.setattr("operators.columnar.store.SOME", 1 if patience < 500 else 64)
        results = [
            repr(through(threshold(when), history(seed, odd), make, seed, lambda: threshold(when)))
            for make in (list, way)
        ]
    assert results[0] == results[1]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(CASES), st.integers(0, 2**30), st.booleans(), st.sampled_from(WAYS),
    st.sampled_from([0, 1000]), st.sampled_from([1, 64]),
)  # fmt: skip
def test_columns_give_an_alarm_what_events_give(
    when: dict[str, Any], seed: int, odd: bool, way: Make, states_kept: int, some: int
) -> None:
    def again() -> Logic:
        return few(alarm, when, states_kept)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("operators.columnar.store.SOME", some)
        results = [
            repr(through(again(), history(seed, odd), make, seed, again)) for make in (list, way)
        ]
    assert results[0] == results[1]


@pytest.mark.parametrize("make", [threshold, alarm])
@pytest.mark.parametrize("way", WAYS)
def test_where_nothing_changes_no_event_is_made(
    way: Make, make: Callable[..., Logic], monkeypatch: pytest.MonkeyPatch
) -> None:
    logic = make({"above": "30 °C"})

    def sent(at: float) -> list[Event]:
        return [
            Reading(id=f"{n}@{at}", time=at, subject=f"rack{n}", metric="t", value=25.0, unit="°C")
            for n in range(200)
        ]

    for at in (1000.0, 1001.0):
        logic.on_batch(way(sent(at)), Now(at, at))  # type: ignore[arg-type]
    batch = way(sent(1002.0))
    assert isinstance(batch, LazyEvents)
    monkeypatch.setattr(type(batch), "made", None)
    monkeypatch.setattr(type(batch), "one", None)

    assert logic.on_batch(batch, Now(1002.0, 1002.0)) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("way", WAYS)
def test_an_event_is_made_for_each_edge_alone(way: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    logic = threshold({"above": "30 °C", "clear": "28 °C"})

    def sent(start: int, stop: int) -> list[Event]:
        return [
            Reading(
                id=f"{rack}@{at}", time=float(at), subject=f"rack{rack}", metric="t", unit="°C",
                value=35.0 if rack == at % 50 else 25.0,
            )
            for at in range(start, stop)
            for rack in range(50)
        ]  # fmt: skip

    logic.on_batch(way(sent(0, 2)), Now(2.0, 2.0))  # type: ignore[arg-type]
    batch = way(sent(2, 40))
    one, made = type(batch).one, list[int]()  # type: ignore[attr-defined]
    monkeypatch.setattr(type(batch), "made", None)
    monkeypatch.setattr(
        type(batch), "one", lambda self, place: (made.append(place), one(self, place))[1]
    )

    edges = logic.on_batch(batch, Now(40.0, 40.0))  # type: ignore[arg-type]
    assert [(edge.subject, edge.value) for edge in edges] == [  # type: ignore[union-attr]
        found for n in range(2, 40) for found in ((f"rack{n - 1}", 0.0), (f"rack{n}", 1.0))
    ]
    assert len(made) <= 2 * len(edges)  # joined batches ask their parts


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**30), st.booleans(), st.sampled_from(WAYS), st.data())
def test_columns_are_the_events_that_they_were_made_of(
    seed: int, odd: bool, way: Make, data: st.DataObject
) -> None:
    some = history(seed, odd)[:30]
    columns = way(some)

    start = data.draw(st.integers(0, len(some)))
    stop = data.draw(st.integers(start, len(some)))
    assert list(columns) == some
    assert list(columns[start:stop]) == some[start:stop]
    assert columns[-1] == some[-1]
    if isinstance(columns, LazyEvents):
        assert [columns[place] for place in range(start, stop)] == some[start:stop]
        assert columns.newest == max(event.time for event in some)
        assert set(columns.subjects()) >= {event.subject for event in some}  # type: ignore[union-attr]
