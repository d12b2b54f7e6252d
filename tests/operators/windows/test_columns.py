"""Windows of readings that come as columns are those of the same readings as events."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.component import Logic, Now, StepContext
from operators.events import Event, Reading
from operators.windows.step import Window
from tests.operators.columnar.test_columns import WAYS, Make, history, of_arrow, through

pytestmark = pytest.mark.slow

KINDS: tuple[dict[str, Any], ...] = (
    {"every": "1min", "calculate": ["mean", "max"]},
    {"every": "10s", "calculate": ["first", "last", "sum", "count"]},
    {"every": "1min", "length": "3min", "calculate": ["mean", "stddev", "p95"]},
    {"every": "1h", "calculate": ["mean", "stddev", "median"]},
    {"every": "1min", "calculate": ["count"]},
    {"gap": "2s", "calculate": ["mean", "delta"]},
    {"gap": "1min", "calculate": ["count", "max"]},
)


def window(kind: dict[str, Any], lateness: float) -> Logic:
    return Window.model_validate(kind).logic(StepContext("room", "room/w", lateness=lateness))


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(KINDS), st.integers(0, 2**30), st.booleans(), st.sampled_from(WAYS),
    st.sampled_from([0.0, 5.0, 40.0]), st.sampled_from([1, 64]), st.sampled_from([3, 256]),
)  # fmt: skip
def test_columns_give_what_events_give(
    kind: dict[str, Any], seed: int, odd: bool, way: Make, lateness: float, some: int, chunk: int
) -> None:
    def again() -> Logic:
        return window(kind, lateness)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("operators.windows.base.SOME", some)
        patch.setattr("operators.windows.base.MANY_A_PANE", 0)
        for place in ("base", "columns"):
            patch.setattr(f"operators.windows.{place}.CHUNK", chunk)
        results = [
            repr(through(again(), history(seed, odd), make, seed, again)) for make in (list, way)
        ]
    assert results[0] == results[1]


def test_of_readings_that_join_a_window_no_event_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    logic = window({"every": "1h", "calculate": ["mean", "count"]}, 5.0)

    def sent(at: float) -> list[Event]:
        return [
            Reading(id=f"{n}@{at}", time=at, subject=f"rack{n}", metric="t", value=at, unit="°C")
            for n in range(200)
        ]

    monkeypatch.setattr("operators.windows.base.MANY_A_PANE", 1)
    for at in (7200.0, 7206.0):
        logic.on_batch(of_arrow(sent(at)), Now(at, at))  # type: ignore[arg-type]
    batch = of_arrow(sent(7212.0))
    with monkeypatch.context() as patch:
        patch.setattr(type(batch), "made", None)
        patch.setattr(type(batch), "one", None)
        assert logic.on_batch(batch, Now(7212.0, 7212.0)) == []  # type: ignore[arg-type]

    found: list[Any] = logic.on_time(Now(10800.0, 10800.0))
    assert len(found) == 200
    assert {tuple(one.values.items()) for one in found} == {(("mean", 7206.0), ("count", 3.0))}
