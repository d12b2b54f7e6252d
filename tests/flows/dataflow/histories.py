"""Runs a definition over a history of events, in any batches and with restarts between them."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from connectors.config.document import Document
from flows.checks.context import Scope
from flows.dataflow.compiler import compile_flow
from flows.dataflow.graph import Graph
from flows.dataflow.plan import Outputs, Plan
from flows.dataflow.shard_state import dump, load
from flows.loader import build
from operators.events import AlarmTransition, Event

Arrival = tuple[str, Event]
T0 = 1_772_366_400.0
AFTER = 200.0
"""How long after the last event the wall clock goes on, so that every timer fires."""


def plan_of(text: str) -> Plan | None:
    """The plan of a definition's text; None if it has errors."""
    document = Document(Path("history.yaml"))
    document.root = document.parse(text)
    flow = build(document)
    if flow is None:
        return None
    return compile_flow(flow, Scope(document, flow).tables, ZoneInfo("UTC")).plan


def plan_at(path: Path, profile: str | None = None) -> Plan:
    """The plan of a definition in a file."""
    document = Document.read(path)
    flow = build(document)
    assert flow is not None, document.report()
    return compile_flow(flow, Scope(document, flow).tables, ZoneInfo("UTC"), profile).plan


def rows(
    plan: Plan, arrivals: Sequence[Arrival], cuts: Iterable[int] = (), restarts: Iterable[int] = ()
) -> list[str]:
    """Everything that reaches a sink, one text a row and outlet, sorted.

    All arrive at one moment, as for a flow that catches up. A batch ends before each index in
    `cuts` and where the source changes; before each index in `restarts` the state is saved
    and restored into a new graph. An alarm's `recorded` is left out: it is the wall clock's.
    """
    wall = max((event.time for _, event in arrivals), default=T0) + 1.0
    sources = sorted({source for source, _ in arrivals} - set(plan.sides))
    graph, made = _expecting(Graph(plan), sources), []
    ends, stops = set(cuts), set(restarts)
    batch: list[Event] = []
    for index, (source, event) in enumerate(arrivals):
        batch.append(msgspec.structs.replace(event))  # type: ignore[type-var]
        last = index + 1 == len(arrivals)
        if not last and arrivals[index + 1][0] == source and index + 1 not in ends | stops:
            continue
        made += _rows(graph.feed(source, batch, wall))
        batch = []
        if index + 1 in stops:
            graph = _expecting(_restarted(plan, graph), sources)
    for source in sources:
        graph.caught_up(source, wall)
    made += _rows(graph.tick(wall + AFTER))
    return sorted(made)


def _expecting(graph: Graph, sources: Iterable[str]) -> Graph:
    """As the engine does at every start: event time waits for each source until it has caught
    up.
    """
    graph.expect(sources)
    return graph


def _restarted(plan: Plan, graph: Graph) -> Graph:
    fresh = Graph(plan)
    fresh.restore(load(dump(graph.snapshot())))
    return fresh


def _rows(outputs: Outputs) -> list[str]:
    made = []
    for outlet, events in outputs.items():
        for event in events:
            if isinstance(event, AlarmTransition):
                event = msgspec.structs.replace(event, recorded=event.time)
            made.append(f"{outlet}: {event!r}")
    return made


def shuffled(arrivals: Sequence[Arrival], delays: Sequence[float]) -> list[Arrival]:
    """The same events as they arrive when each is under way for its delay (seconds, in turn); a
    subject's keep their order.
    """
    at: dict[str, float] = {}
    keyed = []
    for index, (source, event) in enumerate(arrivals):
        subject = getattr(event, "subject", None) or getattr(event, "topic", None) or ""
        arrives = max(at.get(subject, 0.0), event.time + delays[index % len(delays)])
        at[subject] = arrives
        keyed.append((arrives, index, (source, event)))
    return [arrival for _, _, arrival in sorted(keyed, key=lambda item: item[:2])]
