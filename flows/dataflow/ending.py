"""The end of a flow for good: its alarms end, and whoever was told of them is told so."""

import math
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain

from flows.dataflow.graph import Graph
from flows.dataflow.plan import ALARMS, Outputs, Plan
from flows.dataflow.shard_state import ShardState
from operators.component import INSTANT
from operators.events import AlarmTransition

LONGEST = 86_400.0
"""Seconds after the end for which notifications of it may still wait."""


def end(plan: Plan, state: ShardState, wall: float) -> tuple[Outputs, ShardState]:
    """End the alarms of a saved state: what goes to each sink, and the state that is left.

    It is as if an edit had dropped all of them, and what waits to be told of that were told. Time
    has not passed for them since the state was saved, but it is told as of `wall` (epoch seconds).
    Raises `ValueError` for a state that does not fit.
    """
    graph = Graph(_without_alarms(plan))
    graph.restore(state)
    due = state.clock.now[1]
    last = due + LONGEST
    made: Outputs = {}
    while due <= last:
        for sink, events in graph.tick(due).items():
            made.setdefault(sink, []).extend(events)
        wake = graph.next_wake()
        due = math.inf if wake is None else max(wake, due + INSTANT)
    for event in chain.from_iterable(made.values()):
        event.time = max(event.time, wall)
        if isinstance(event, AlarmTransition):
            event.recorded = event.time
    return made, graph.snapshot(state.arrivals)


def _without_alarms(plan: Plan) -> Plan:
    """What is behind the alarms of a plan, which reads the ends of all of them together."""
    alarms = {node.name for node in plan.nodes if node.is_alarm}
    behind: dict[str, None] = {ALARMS: None}

    def read(names: Iterable[str]) -> tuple[str, ...]:
        told = (ALARMS if name in alarms else name for name in names)
        return tuple(dict.fromkeys(name for name in told if name in behind))

    nodes = []
    for node in plan.nodes:
        inputs = read(name for name, _ in node.inputs)
        if inputs and not node.is_alarm:
            behind[node.name] = None
            nodes.append(replace(node, inputs=tuple((name, None) for name in inputs), tables=()))
    outlets = [replace(outlet, inputs=read(outlet.inputs)) for outlet in plan.outlets]
    return replace(plan, nodes=tuple(nodes), outlets=tuple(one for one in outlets if one.inputs))
