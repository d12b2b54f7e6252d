"""The examples in the documentation of every step are valid, and run."""

import importlib
import pkgutil

import pytest

import operators
from operators.component import Now, Operator, StepContext
from operators.events import (
    AlarmTransition,
    DeadLetter,
    Detection,
    Event,
    Frame,
    Message,
    Row,
    Summary,
)
from tests.operators.shard import occurrence, reading, step

EVENTS: list[Event] = [
    reading(0, 21.5, unit="°C", labels={"area": "yard"}),
    reading(1, 31.0, unit="°C", quality="bad"),
    reading(2, 1.0, subject="hall", metric="motion"),
    reading(3, None, text="heat", metric="mode"),
    Summary(id="s", time=60, start=0, subject="rack", metric="temperature", values={"mean": 21.0},
    unit="°C"),
    occurrence(4, "MOTION_DETECTED", data={"presence": True}),
    Frame(id="f", time=5, subject="gate", width=64, height=48),
    Detection(id="d", time=5, subject="gate", class_="person", score=0.9, box=(0, 0, 1, 1)),
    AlarmTransition(
        id="a", time=6, recorded=6, rule="too_hot", alarm="too_hot", subject="rack", occ=1, seq=1,
        event="activated",
        change="raised", state="unacked", isa="B",
    ),
    Message(id="m", time=7, topic="sensor/motion", payload=b"{}"),
    Row(id="w", time=8, table="ha.states", op="insert", values={"state": "on"}),
    DeadLetter(id="x", time=9, flow="f", step="s", reason="bad_json", detail="",
    origin="sensor/motion"),
]  # fmt: skip


def _every_operator() -> list[type[Operator]]:
    found: dict[str, type[Operator]] = {}
    for module in pkgutil.walk_packages(operators.__path__, "operators."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and issubclass(value, Operator) and "NAME" in vars(value):
                found[value.NAME] = value
    return sorted(found.values(), key=lambda kind: kind.NAME)


OPERATORS = _every_operator()
CASES = [pytest.param(kind, text, id=text) for kind in OPERATORS for text in kind.EXAMPLES]


@pytest.mark.parametrize("kind", OPERATORS, ids=lambda kind: kind.NAME)
def test_every_step_has_examples_and_describes_its_fields(kind: type[Operator]) -> None:
    assert kind.EXAMPLES
    assert kind.__doc__
    for name, info in kind.model_fields.items():
        assert info.description, name
    assert kind.model_json_schema()["description"]


@pytest.mark.parametrize(("kind", "text"), CASES)
def test_an_example_is_valid_and_takes_every_kind_of_event(kind: type[Operator], text: str) -> None:
    operator = step(kind, text)
    if kind.NAME in ("use", "decode"):
        return
    context = StepContext(
        flow="site",
        step="site/stream/step",
        roles=("made", "bought"),
        tables={
            "rooms": [{"subject": "rack", "room": "cellar"}],
            "meters": [{"serial": "rack", "owner": "us"}],
        },
    )
    logic = operator.logic(context)
    if kind.CROSS_SUBJECT:
        logic.on_role("made", list(EVENTS), Now(3, 8))
    else:
        logic.on_batch(list(EVENTS), Now(3, 8))
    logic.on_time(Now(1e7, 1e7))
    snapshot = logic.snapshot()
    assert (snapshot is not None) == kind.STATEFUL
    if kind.STATEFUL:
        operator.logic(context).restore(snapshot, logic.VERSION)
