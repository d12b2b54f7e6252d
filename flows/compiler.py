"""From a checked definition to what runs: the plan of the graph, and the sources and sinks around it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from connectors.base import PushSource, Sink, Source
from flows.graph import ALARMS, ClockSettings, Node, Outlet, Plan, Step
from flows.lock import born_identities
from flows.spec import Alarm, Flow, Stream, inputs, origin
from operators.settings import Component, Logic, MapLogic, StepContext
from operators.events import Event
from operators.template import Shape

ALARM_SINK = "vigie_alarms"
DEAD_SINK = "vigie_dead"
Tables = Mapping[str, Sequence[Mapping[str, Any]]]


class NotRunnable(Exception):
    """The definition is valid, but this release or this profile cannot run it; the message says what and why."""


@dataclass(frozen=True)
class CompiledSink:
    """A sink's component and its own form of an event, if it has one."""

    component: Sink
    shape: Callable[[Event], dict[str, Any]] | None


@dataclass(frozen=True)
class Compiled:
    """A definition ready to run: the plan, the sources that feed it and the sinks it feeds."""

    plan: Plan
    sources: dict[str, Source | PushSource]
    sinks: dict[str, CompiledSink]
    sharded: bool


def compile_flow(flow: Flow, tables: Tables, timezone: ZoneInfo, profile: str | None = None) -> Compiled:
    """Compile a definition that `flows.checks` accepted; raises `NotRunnable`."""
    return _Compiler(flow, tables, timezone, profile).compile()


class _Compiler:
    def __init__(self, flow: Flow, tables: Tables, timezone: ZoneInfo, profile: str | None) -> None:
        self._flow = flow
        self._tables = tables
        self._timezone = timezone
        self._active = {
            name for section in (flow.sources, flow.sinks) for name, entry in section.items()
            if entry.profile in (None, profile)
        }  # fmt: skip
        self._born = born_identities(flow)

    def compile(self) -> Compiled:
        sources = {n: self._runnable(n, s.settings) for n, s in self._flow.sources.items() if n in self._active}
        if not sources:
            profiles = sorted({s.profile for s in self._flow.sources.values() if s.profile})
            raise NotRunnable(f"no source is active; choose a profile: --profile {' or '.join(profiles)}")
        sinks = {
            name: CompiledSink(self._runnable(name, sink.settings), Shape(sink.shape).render if sink.shape else None)
            for name, sink in self._flow.sinks.items()
            if name in self._active
        }
        nodes = tuple(self._ordered([*self._labels(sources), *self._streams(), *self._alarms()]))
        plan = Plan(self._flow.flow, nodes, tuple(self._outlets(nodes)), self._clock())
        cross = any(self._crosses(stream) for stream in self._flow.streams.values())
        sharded = not cross and all(component.NAME == "topic" for component in sources.values())
        return Compiled(plan, sources, sinks, sharded)

    def _clock(self) -> ClockSettings:
        clock = self._flow.clock
        return ClockSettings(clock.lateness, clock.idle, clock.ahead, clock.time == "arrival")

    def _runnable(self, name: str, component: Any) -> Any:
        if not component.RUNS:
            raise NotRunnable(f"{name!r} uses {component.NAME!r}, which this release can check but not run yet")
        return component

    def _context(self, identity: str, roles: tuple[str, ...] = ()) -> StepContext:
        clock = self._flow.clock
        return StepContext(self._flow.flow, identity, roles, self._tables, self._timezone, clock.lateness, clock.ahead)

    def _labels(self, sources: Mapping[str, Component]) -> Iterator[Node]:
        """A source with labels becomes a node of its own name behind it."""
        for name in sources:
            if labels := self._flow.sources[name].label:
                yield Node(
                    name,
                    ((raw_name(self._flow, name), None),),
                    (Step(f"{self._flow.flow}/{name}/label", partial(_labelled, labels)),),
                )

    def _streams(self) -> Iterator[Node]:
        for name, stream in self._flow.streams.items():
            inputs = tuple(self._inputs(stream.from_))
            steps = []
            roles = tuple(role for _, role in inputs if role)
            for kind, identifier, component in self._steps(stream):
                self._runnable(name, component)
                identity = f"{self._flow.flow}/{name}/{kind}" + (f":{identifier}" if identifier else "")
                identity = self._born.get(identity, identity)
                steps.append(
                    Step(identity, partial(component.logic, self._context(identity, roles)), component.STATEFUL)
                )
            yield Node(name, inputs, tuple(steps))

    def _steps(self, stream: Stream) -> Iterator[tuple[str, str | None, Any]]:
        for step in stream.steps:
            if step.kind == "use":
                for inner in self._flow.recipes[step.settings.recipe]:
                    yield inner.kind, inner.id, inner.settings
            else:
                yield step.kind, step.id, step.settings

    def _crosses(self, stream: Stream) -> bool:
        return any(component.CROSS_SUBJECT for _, _, component in self._steps(stream))

    def _alarms(self) -> Iterator[Node]:
        for name, alarm in self._flow.alarms.items():
            identity = f"{self._flow.flow}/{name}"
            identity = self._born.get(identity, identity)
            yield Node(
                name,
                tuple(self._alarm_inputs(alarm)),
                (Step(identity, partial(self._alarm_logic, alarm, name, identity), True),),
                True,
            )

    def _alarm_logic(self, alarm: Alarm, name: str, identity: str) -> Logic:
        return alarm.logic(self._context(identity))

    def _alarm_inputs(self, alarm: Alarm) -> Iterator[tuple[str, str | None]]:
        yield from self._inputs(alarm.from_)

    def _inputs(self, source: str | list[str] | dict[str, str]) -> Iterator[tuple[str, str | None]]:
        pairs = [(n, r) for r, n in source.items()] if isinstance(source, dict) else [(n, None) for n in inputs(source)]
        for name, role in pairs:
            if origin(name) not in self._flow.sources or origin(name) in self._active:
                yield name, role

    def _ordered(self, nodes: list[Node]) -> Iterator[Node]:
        """Every node after those it reads; `alarms` comes after all alarms."""
        waiting = {node.name: node for node in nodes}
        alarms = {node.name for node in nodes if node.is_alarm}
        while waiting:
            for node in list(waiting.values()):
                needs = {origin(name) for name, _ in node.inputs}
                if ALARMS in needs:
                    needs |= alarms
                if not needs & (waiting.keys() - {node.name}):
                    yield waiting.pop(node.name)

    def _outlets(self, nodes: tuple[Node, ...]) -> Iterator[Outlet]:
        for name, sink in self._flow.sinks.items():
            if name in self._active:
                only = sink.only.matcher() if sink.only else None
                yield Outlet(name, tuple(n for n, _ in self._inputs(sink.from_)), only)
        if self._flow.alarms:
            yield Outlet(ALARM_SINK, (ALARMS,))
        yield Outlet(DEAD_SINK, tuple(f"{node.name}.errors" for node in nodes))


def raw_name(flow: Flow, source: str) -> str:
    """Under which name a source's events enter the graph: its own, or one before the node that labels them."""
    return f"{source}.unlabelled" if flow.sources[source].label else source


def _labelled(labels: Mapping[str, str]) -> Logic:
    def add(events: list[Event], now: object) -> list[Event]:
        for event in events:
            event.labels = {**event.labels, **labels}  # type: ignore[union-attr]
        return events

    return MapLogic(add)
