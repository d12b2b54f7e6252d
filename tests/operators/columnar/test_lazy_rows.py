"""Rows that are tuples are the rows that they would be, however they are cut and joined."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.columnar.lazy import as_list
from operators.columnar.lazy_rows import LazyRows, RowLayout, joined
from operators.component import Logic, Now, StepContext
from operators.events import Event, Row
from operators.windows.step import Window
from tests.operators.columnar.test_store import alarm, threshold

LAYOUT = RowLayout(
    "ha.states", ("state_id", "state", "context", "entity_id"), "states/", "state_id",
    {2: bytes.hex},
)  # fmt: skip
TUPLES = st.lists(
    st.tuples(
        st.integers(1, 99), st.none() | st.text(), st.none() | st.binary(max_size=3), st.none()
    ),
    max_size=6,
)


def lazy(rows: list[tuple[Any, ...]]) -> LazyRows:
    names = [f"sensor.{number}" for number, *_ in rows]
    return LazyRows(LAYOUT, rows, [1.7e9 + row[0] for row in rows], {"entity_id": names})


def row(number: int, state: str | None, context: bytes | None, _: None) -> Row:
    return Row(
        id=f"states/{number}",
        time=1.7e9 + number,
        table="ha.states",
        op="insert",
        values={
            "state_id": number,
            "state": state,
            "context": None if context is None else context.hex(),
            "entity_id": f"sensor.{number}",
        },
    )


@given(TUPLES, TUPLES, st.booleans(), st.integers(0, 6), st.integers(0, 6))
def test_a_row_is_the_same_wherever_it_is_asked_for(
    first: list[Any], more: list[Any], is_mixed: bool, start: int, end: int
) -> None:
    wanted: list[Event] = [row(*each) for each in first + more]
    some: Any = joined([], lazy(first))
    some = joined(some, lazy(more).made() if is_mixed else lazy(more))
    assert as_list(some) == wanted
    assert as_list(some[start:end]) == wanted[start:end]
    if isinstance(some, LazyRows) and wanted:
        assert list(some.take([len(wanted) - 1, 0])) == [wanted[-1], wanted[0]]
        assert some[0] == some.one(0) == wanted[0]
        assert some.ids() == [event.id for event in wanted]
        assert some.newest == max(event.time for event in wanted)
        assert some.column("entity_id") == [f"sensor.{each[0]}" for each in first + more]
        assert some.column("nothing") is None


def window(when: dict[str, Any]) -> Logic:
    spec = Window.model_validate({"every": "1min", "calculate": ["mean"]})
    return spec.logic(StepContext("room", "room/w"))


@pytest.mark.parametrize("make", [threshold, alarm, window])
def test_a_step_that_takes_columns_of_readings_takes_rows_as_rows(
    make: Callable[..., Logic],
) -> None:
    given = [(n, "21", None, None) for n in range(200)]
    found = []
    for rows in (lazy(given), lazy(given).made()):
        logic = make({"above": 30})
        for _ in range(3):
            found.append(repr((logic.on_batch(rows, Now(1.8e9, 1.8e9)), logic.counts)))  # type: ignore[arg-type]
    assert found[:3] == found[3:]
