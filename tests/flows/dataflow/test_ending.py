"""A flow that ends for good: whoever was told of an alarm is told that it is over."""

from typing import Any

import pytest

from flows.dataflow.ending import end
from flows.dataflow.graph import Graph
from flows.dataflow.plan import Outputs, Plan
from flows.dataflow.shard_state import dump, load
from operators.events import AlarmTransition, Event, Reading
from tests.flows.dataflow.histories import T0, plan_of

FLOW = """\
vigie: 1
flow: f
sources: {r: {topic: r}}
streams:
  told: {from: alarms, steps: [notify: {by: alarm, wait: 10s}]}
alarms:
  hot: {from: r, when: {above: 30 °C}, response: Look.}
  silent: {from: r, when: {silent: 1h}, response: Look.}
sinks:
  log: {from: r, topic: readings}
  all: {from: alarms, topic: t}
  phone: {from: hot, webhook: {connection: pager, path: /p}}
  mail: {from: told, email: {to: a@example.org}}
"""


def reading(second: float, value: float, subject: str = "x") -> Event:
    return Reading(
        id=f"{subject}{second}", time=T0 + second, subject=subject, metric="temperature",
        value=value, unit="°C",
    )  # fmt: skip


@pytest.fixture
def plan() -> Plan:
    made = plan_of(FLOW)
    assert made is not None
    return made


def changes(outputs: Outputs, sink: str) -> list[tuple[Any, ...]]:
    return [
        (event.subject, event.change) if isinstance(event, AlarmTransition) else type(event)
        for event in outputs.get(sink, ())
    ]  # type: ignore[misc]


def test_every_sink_hears_the_end_of_what_it_was_told_and_only_of_alarms(plan: Plan) -> None:
    graph = Graph(plan)
    graph.feed("r", [reading(0, 31), reading(0, 20, "y")], T0)
    graph.tick(T0 + 60)
    made, _ = end(plan, load(dump(graph.snapshot())), T0 + 9_000)

    assert changes(made, "all") == [("x", "removed")]
    assert changes(made, "phone") == [("x", "cleared")]
    assert len(made["mail"]) == 1
    assert "log" not in made, "no reading, and nobody is called silent for the time since then"
    removed = made["all"][0]
    assert isinstance(removed, AlarmTransition) and removed.recorded == T0 + 9_000


def test_nothing_is_told_where_no_alarm_stands(plan: Plan) -> None:
    graph = Graph(plan)
    graph.feed("r", [reading(0, 21)], T0)
    graph.tick(T0 + 60)
    made, left = end(plan, load(dump(graph.snapshot())), T0 + 9_000)
    assert made == {}
    assert end(plan, left, T0 + 9_001)[0] == {}


def test_a_flow_of_the_same_name_goes_on_with_the_numbers_of_the_alarms(plan: Plan) -> None:
    graph = Graph(plan)
    graph.feed("r", [reading(0, 31)], T0)
    first, left = end(plan, load(dump(graph.snapshot())), T0 + 60)
    later = Graph(plan)
    later.restore(load(dump(left)))
    assert later.tick(T0 + 120) == {}, "what has ended does not end once more"
    [again] = later.feed("r", [reading(130, 32)], T0 + 130)["all"]
    [removed] = first["all"]
    assert isinstance(again, AlarmTransition) and isinstance(removed, AlarmTransition)
    assert again.change == "raised" and again.seq > removed.seq and again.occ > removed.occ
