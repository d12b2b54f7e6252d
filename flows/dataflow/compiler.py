"""From a checked definition to what runs: the plan of the graph, its sources and its sinks."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from connectors.base import AnySource, Sink
from flows.dataflow.clock import ClockSettings
from flows.dataflow.plan import (
    ALARMS,
    ANSWERS,
    COMMANDS,
    COMMANDS_ELSEWHERE,
    Node,
    Outlet,
    Plan,
    Step,
)
from flows.dataflow.selections import Ways
from flows.language.field_values import (
    Facts,
    Tables,
    either,
    facts_before,
    facts_of,
    ignore_field,
    listed,
    names_in,
    narrowed,
)
from flows.language.lock import carried, identity
from flows.language.model import Batching, Clock, Flow, OnError, Stream, inputs, origin
from flows.language.model import Sink as FlowSink
from flows.language.outbox import with_outbox
from flows.language.picture_model import areas, as_lines, masks
from flows.language.profiles import for_profile, profiles
from flows.language.upstream import clocks, live_cameras
from operators.alarms.logic import make_logic
from operators.component import Location, Logic, MapLogic, StepContext
from operators.events import Event
from operators.model.changes import as_told, is_annunciated
from operators.model.template import Shape
from operators.notifications.notify import Notify
from operators.transforms.drop import Drop
from operators.transforms.only import Only
from operators.vision.zones import Zones

ALARM_SINK = "vigie_alarms"
ANSWER_SINK = "vigie_replies"
DEAD_SINK = "vigie_dead"


class NotRunnable(Exception):
    """The definition is valid, but this release or profile cannot run it; the message says why."""


@dataclass(frozen=True)
class CompiledSink:
    """A sink's component, its own form of an event, and the seconds an event may wait for it.

    `shape` and `outbox` are None where the definition gives none.
    """

    component: Sink
    shape: Callable[[Event], dict[str, Any]] | None = None
    batch: Batching | None = None
    outbox: float | None = None


@dataclass(frozen=True)
class Compiled:
    """A definition ready to run: the plan, the sources that feed it and the sinks it feeds.

    `sharded` says that the partitions of its topics can be worked on apart, `decodes_records` that
    the subjects of some are known behind a step `decode` only; `on_error` is what happens to what a
    source, stream or sink cannot process, by its name. `outbox` are the sinks that the flow does
    not wait for.
    """

    plan: Plan
    sources: dict[str, AnySource]
    sinks: dict[str, CompiledSink]
    sharded: bool
    on_error: Mapping[str, OnError]
    outbox: frozenset[str] = frozenset()
    decodes_records: bool = False


def compile_flow(
    flow: Flow,
    tables: Tables,
    timezone: ZoneInfo,
    profile: str | None = None,
    born: Mapping[str, str] | None = None,
    run: str = "",
    page_url: str | None = None,
    location: Location | None = None,
) -> Compiled:
    """Compile a definition that `flows.checks.run_all` accepted; raises `NotRunnable`.

    `born` maps the identities of renamed steps to those their state is saved under
    (`flows.language.lock.born`). `run` names a replay of history. `page_url` is where people open
    the page, `location` where the site is.
    """
    active = for_profile(flow, profile)
    if not active.sources:
        names = " or ".join(sorted(profiles(flow)))
        raise NotRunnable(f"no source is active; choose a profile: --profile {names}")
    return _Compiler(active, tables, timezone, born or {}, run, page_url or "", location).compile()


class _Compiler:
    def __init__(
        self,
        flow: Flow,
        tables: Tables,
        timezone: ZoneInfo,
        born: Mapping[str, str],
        run: str,
        page_url: str,
        location: Location | None,
    ) -> None:
        self._flow = flow
        self._tables = tables
        self._dialects = {name: own.dialect() for name, own in flow.dialects.items()}
        self._timezone = timezone
        self._born = born
        self._moved = carried(flow)
        self._renamed = {
            name: entry.was
            for section in (flow.streams, flow.alarms)
            for name, entry in section.items()
            if entry.was is not None
        }
        self._run = run
        self._page_url = page_url
        self._location = location
        self._ways = Ways(flow, tables)

    def compile(self) -> Compiled:
        sources: dict[str, AnySource] = {
            name: source.settings for name, source in self._flow.sources.items()
        }
        sinks = {
            name: CompiledSink(
                sink.settings,
                Shape(sink.shape).render if sink.shape else None,
                sink.batch,
                sink.outbox,
            )
            for name, sink in self._flow.sinks.items()
        }
        nodes = tuple(_ordered([*self._labels(), *self._streams(), *self._alarms()]))
        self._refuse_what_is_not_built()
        clocks = {
            raw_name(self._flow, n): _clock(s.clock)
            for n, s in self._flow.sources.items()
            if s.clock
        }
        outlets = tuple(self._outlets(nodes))
        plan = Plan(
            self._flow.flow, nodes, outlets, _clock(self._flow.clock), clocks, self._sides(sources)
        )
        apart = not any(
            _brings_together(stream) for stream in self._flow.streams.values()
        ) and not any(
            alarm.rules or (alarm.armed and alarm.armed.while_) or any(alarm.hiders.values())
            for alarm in self._flow.alarms.values()
        )
        data = [source for source in sources.values() if not is_table(source)]
        sharded = apart and bool(data) and all(source.NAME == "topic" for source in data)
        policies = self._error_policies(nodes)
        decodes = any(getattr(source, "messages", False) for source in data)
        return Compiled(plan, sources, sinks, sharded, policies, with_outbox(self._flow), decodes)

    def _sides(self, sources: Mapping[str, AnySource]) -> frozenset[str]:
        tables = [
            raw_name(self._flow, name) for name, source in sources.items() if is_table(source)
        ]
        return frozenset([*tables, COMMANDS, COMMANDS_ELSEWHERE])

    def _refuse_what_is_not_built(self) -> None:
        for name, stream in self._flow.streams.items():
            if stream.by is not None:
                raise NotRunnable(
                    f"streams.{name}: 'by' of a whole stream cannot run yet; write it on the steps"
                    " that have it"
                )
        for name, sink in self._flow.sinks.items():
            if sink.outbox is not None and not sink.settings.EXPIRES:
                raise NotRunnable(
                    f"sinks.{name}: 'outbox' is for webhooks; remove it: the flow waits while the"
                    " far end is down"
                )

    def _error_policies(self, nodes: tuple[Node, ...]) -> dict[str, OnError]:
        """The policy of each stream: `stop` if one of its sources says so, `drop` if all do."""
        policies = {name: source.on_error for name, source in self._flow.sources.items()}
        policies |= {name: sink.on_error for name, sink in self._flow.sinks.items()}
        for node in nodes:
            above = {policies.get(origin(name), "dead_letter") for name, _ in node.inputs}
            policies[node.name] = (
                "stop" if "stop" in above else "drop" if above == {"drop"} else "dead_letter"
            )
        return policies

    def _context(
        self, name: str, identity: str, facts: Facts, roles: tuple[str, ...] = ()
    ) -> StepContext:
        clock = self._flow.clock
        flow = self._flow.flow
        zones = self._flow.zones
        return StepContext(
            flow, identity, roles, self._tables, self._timezone, clock.lateness, clock.ahead, name,
            areas(zones), self._run,
            any(clock.time == "arrival" for clock in clocks(self._flow, name).values()),
            lines=as_lines(self._flow.lines), masks=masks(zones), renamed=self._renamed,
            known=listed(self._tables, facts), metrics=names_in(facts, "metric"),
            page_url=self._page_url, dialects=self._dialects, location=self._location,
        )  # fmt: skip

    def _labels(self) -> Iterator[Node]:
        """A source with labels becomes a node of its own name behind it."""
        for name, source in self._flow.sources.items():
            if source.label:
                step = Step(
                    identity(self._flow.flow, name, "label"), partial(_labelled, source.label)
                )
                yield Node(name, ((raw_name(self._flow, name), None),), (step,))

    def _streams(self) -> Iterator[Node]:
        for name, stream in self._flow.streams.items():
            reads = _inputs(stream.from_)
            roles = tuple(role for _, role in reads if role)
            steps = []
            kinds = [step.kind for step in stream.steps]
            read = either(facts_of(self._flow, one) for one, _ in reads)
            known = facts_before(self._flow, name, read)
            places = zip(stream.steps, [*kinds[1:], ""], known, strict=False)
            for number, (step, then, facts) in enumerate(places):
                now = identity(self._flow.flow, name, step.kind, step.id)
                context = replace(self._context(name, now, facts, roles), then=then)
                if isinstance(step.settings, Notify):
                    context = replace(
                        context,
                        selected=self._ways.before(name, number),
                        behind_alarms=self._ways.from_alarms(name, number),
                    )
                settings = step.settings
                made = self._step(now, context, settings.logic, settings.STATEFUL)
                steps.append(replace(made, columns=settings.takes_columns))
            tables = tuple(
                (table, n)
                for n, step in enumerate(stream.steps)
                for table in self._tables_of(name, step.settings)
            )
            yield Node(name, reads, tuple(steps), tables=tables)

    def _tables_of(self, stream: str, settings: Any) -> list[str]:
        """The sources of rows that a step takes beside its events."""
        side = settings.side_input()
        rows = live_cameras(self._flow, stream) if isinstance(settings, Zones) else []
        return rows if side is None else [*rows, side]

    def _alarms(self) -> Iterator[Node]:
        for name, alarm in self._flow.alarms.items():
            now = f"{self._flow.flow}/{name}"
            facts = either(facts_of(self._flow, read) for read in alarm.sources)
            if alarm.only is not None:
                facts = narrowed(facts, alarm.only, ignore_field)
            arms = alarm.armed.while_ if alarm.armed else None
            context = replace(
                self._context(name, now, facts),
                selected=self._ways.to(alarm.sources),
                arming=self._ways.to([arms]) if arms else None,
            )
            step = self._step(now, context, partial(make_logic, alarm), True)
            commands = ((COMMANDS, "commands"), (COMMANDS_ELSEWHERE, "commands_elsewhere"))
            reads = (*_inputs(alarm.from_), *alarm.side_inputs(), *commands)
            step = replace(step, columns=alarm.takes_columns)
            yield Node(name, reads, (step,), is_alarm=True)

    def _step(
        self, now: str, context: StepContext, make: Callable[[StepContext], Logic], stateful: bool
    ) -> Step:
        """A step under its identity, or under the one that the lock file has for its state."""
        saved = self._born.get(now, now)
        before = self._moved.get(now)
        was = self._born.get(before, before) if before is not None else None

        def make_as(id: str) -> Logic:
            return make(replace(context, step=id))

        return Step(
            saved, partial(make_as, saved), stateful, was if was != saved else None, make_as
        )

    def _outlets(self, nodes: tuple[Node, ...]) -> Iterator[Outlet]:
        for name, sink in self._flow.sinks.items():
            yield self._outlet(name, sink)
        yield Outlet(ALARM_SINK, (ALARMS,))
        yield Outlet(ANSWER_SINK, (ANSWERS,))
        yield Outlet(DEAD_SINK, tuple(f"{node.name}.errors" for node in nodes))

    def _outlet(self, name: str, sink: FlowSink) -> Outlet:
        """What a sink is given; people hear of alarms what is annunciated."""
        people, only, reads = sink.settings.tells_people, sink.only, tuple(inputs(sink.from_))
        chosen = only.matcher(people) if only else is_annunciated if people else None
        if not people or (only is not None and only.wants_all):
            columns = sink.settings.TAKES_COLUMNS and chosen is None
            return Outlet(name, reads, chosen, takes_columns=columns)
        form = partial(as_told, page_url=self._page_url)
        like = f"{sink.settings.NAME} {sink.settings.model_dump_json()}"
        return Outlet(name, reads, chosen, form, _drops_ends(self._flow, reads), like)


def _drops_ends(flow: Flow, names: Iterable[str]) -> bool:
    """Whether a stream that is read chooses changes of alarms by what happens, not by which."""
    streams = [flow.streams[name] for name in names if name in flow.streams]
    return any(
        any(
            isinstance(step.settings, Only | Drop)
            and (step.settings.change is not None or step.settings.state is not None)
            for step in stream.steps
        )
        or _drops_ends(flow, inputs(stream.from_))
        for stream in streams
    )


def _clock(clock: Clock) -> ClockSettings:
    return ClockSettings(clock.lateness, clock.idle, clock.ahead, clock.time == "arrival")


def raw_name(flow: Flow, source: str) -> str:
    """The name under which a source's events enter the graph.

    It is the source's own, or one before the node that labels its events.
    """
    return (
        f"{source}.unlabelled" if source in flow.sources and flow.sources[source].label else source
    )


def is_table(source: AnySource) -> bool:
    """Whether a source is a table of rows, which every shard reads whole."""
    return bool(getattr(source, "table", False))


def _brings_together(stream: Stream) -> bool:
    return any(step.settings.CROSS_SUBJECT for step in stream.steps)


def _inputs(source: str | list[str] | dict[str, str]) -> tuple[tuple[str, str | None], ...]:
    if isinstance(source, dict):
        return tuple((name, role) for role, name in source.items())
    return tuple((name, None) for name in inputs(source))


def _ordered(nodes: list[Node]) -> Iterator[Node]:
    """Every node after those it reads; what reads `alarms` comes after all alarms."""
    waiting = {node.name: node for node in nodes}
    alarms = {node.name for node in nodes if node.is_alarm}
    while waiting:
        ready = [
            node
            for node in waiting.values()
            if not _needs(node, alarms) & (waiting.keys() - {node.name})
        ]
        if not ready:
            raise NotRunnable(f"these read each other in a circle: {', '.join(waiting)}")
        for node in ready:
            yield waiting.pop(node.name)


def _needs(node: Node, alarms: set[str]) -> set[str]:
    needs = {origin(name) for name, _ in node.inputs} | {name for name, _ in node.tables}
    return needs | alarms if ALARMS in needs else needs


def _labelled(labels: Mapping[str, str]) -> Logic:
    def add(events: list[Event], now: object) -> list[Event]:
        return [
            msgspec.structs.replace(event, labels={**getattr(event, "labels", {}), **labels})
            for event in events
        ]

    return MapLogic(add)
