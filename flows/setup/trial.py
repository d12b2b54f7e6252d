"""A definition on the live sources of its site, with nothing written: what would happen."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from connectors.base import ConnectorError, NoAnswer
from connectors.config.site import Site
from flows.dataflow.compiler import ALARM_SINK, DEAD_SINK, Compiled, CompiledSink, raw_name
from flows.dataflow.plan import Outlet, Outputs, Plan
from flows.dataflow.playback import Playback
from flows.language.field_values import Tables
from flows.language.model import Flow
from flows.setup.overhear import CannotListen, Listening, Overhearing
from operators.events import AlarmTransition, DeadLetter, Event, Message, Row
from operators.model.template import Template

LOOK = 0.1
STREAM, JUDGED = ".try", ".judged"
"""Outlets of the trial's own: what a stream gives, and what an alarm judges."""
ADDRESSES = ("to", "table", "name", "channel", "topic", "bucket")
"""Settings of sinks that say where to, and are no secrets."""
TOLD = ("subject", "metric", "alarm", "change", "type", "value", "text", "unit")


@dataclass
class Tally:
    """How many events came, how many subjects they had, and the last one."""

    events: int = 0
    subjects: set[str] = field(default_factory=set)
    last: Event | None = None

    def add(self, events: Iterable[Event]) -> None:
        """Count events."""
        for event in events:
            self.events += 1
            self.last = event
            self.subjects.add(str(getattr(event, "subject", None) or getattr(event, "topic", "")))


@dataclass
class SinkTally(Tally):
    """What a sink would write, where to, and its last message as it would look."""

    kind: str = ""
    target: str = ""
    shown: str = ""


class Trial:
    """One definition over its live sources. `tell` hears each transition of an alarm at once."""

    def __init__(
        self,
        flow: Flow,
        compiled: Compiled,
        site: Site,
        tables: Tables,
        folder: Path,
        tell: Callable[[AlarmTransition], None] = lambda change: None,
    ) -> None:
        plan = compiled.plan
        names = [node.name for node in plan.nodes if not node.is_alarm]
        self.sources = {name: Tally() for name in compiled.sources}
        self.streams = {name: Tally() for name in names if name in flow.streams}
        self.alarms = {name: Tally() for name in flow.alarms if self._has(plan, name)}
        self.changes = {name: Counter[str]() for name in self.alarms}
        self.sinks = {
            name: SinkTally(kind=sink.component.NAME, target=_target(sink.component))
            for name, sink in compiled.sinks.items()
        }
        self.dead: dict[tuple[str, str], tuple[int, str]] = {}
        self.troubles: dict[str, str] = {}
        self._flow, self._compiled, self._tell = flow, compiled, tell
        self._overhearing = Overhearing(site, flow.flow, folder, tables)
        self._playback = Playback(self._watched(plan), time.time(), self._collect)
        self._open: dict[str, Listening] = {}

    def run(self, seconds: float, progress: Callable[[float], None]) -> None:
        """Listen for so long, or until Ctrl-C."""
        try:
            for name, source in self._compiled.sources.items():
                try:
                    self._open[name] = self._overhearing.open(name, source)
                except (CannotListen, NoAnswer, ConnectorError) as error:
                    self.troubles[name] = str(error)
            start = time.time()
            while self._open and (gone := time.time() - start) < seconds:
                self._take()
                progress(gone / seconds)
                self._overhearing.stopping.wait(min(LOOK, seconds - gone))
            self._take()
        except KeyboardInterrupt:
            pass
        finally:
            self._overhearing.close()
            for listening in self._open.values():
                listening.close()
        self.troubles |= self._overhearing.health.down

    def _take(self) -> None:
        self._playback.advance(time.time())
        for name, listening in self._open.items():
            if events := listening.read():
                self.sources[name].add(events)
                self._playback.feed(raw_name(self._flow, name), events, time.time())
        for letter in self._overhearing.letters:
            self._refused(letter)
        self._overhearing.letters.clear()

    @staticmethod
    def _has(plan: Plan, name: str) -> bool:
        return any(node.name == name for node in plan.nodes)

    def _watched(self, plan: Plan) -> Plan:
        """The plan with what streams give and alarms judge beside what sinks get."""
        more = [Outlet(name + STREAM, (name,)) for name in self.streams]
        more += [
            Outlet(node.name + JUDGED, tuple(name for name, role in node.inputs if role is None))
            for node in plan.nodes
            if node.is_alarm
        ]
        return replace(plan, outlets=(*plan.outlets, *more))

    def _collect(self, outputs: Outputs) -> None:
        for name, tally in self.streams.items():
            tally.add(outputs.get(name + STREAM, ()))
        for name, tally in self.alarms.items():
            only = self._flow.alarms[name].only
            matches = only.matcher() if only else None
            events = outputs.get(name + JUDGED, ())
            tally.add(event for event in events if matches is None or matches(event))
        for event in outputs.get(ALARM_SINK, ()):
            if isinstance(event, AlarmTransition):
                self.changes.setdefault(event.alarm, Counter())[event.change or event.event] += 1
                self._tell(event)
        for name, sink in self.sinks.items():
            if events := outputs.get(name, ()):
                sink.add(events)
                sink.shown = _shown(self._compiled.sinks[name], events[-1])
        for event in outputs.get(DEAD_SINK, ()):
            if isinstance(event, DeadLetter):
                self._refused(event)

    def _refused(self, letter: DeadLetter) -> None:
        key = letter.step, letter.reason
        count, _ = self.dead.get(key, (0, ""))
        self.dead[key] = count + 1, f"{letter.origin}: {letter.detail}"


def _target(component: Any) -> str:
    found = next((value for key in ADDRESSES if (value := getattr(component, key, None))), "")
    return ", ".join(found) if isinstance(found, list) else str(found)


def _shown(sink: CompiledSink, event: Event) -> str:
    """The message that a sink would write: its title, its shape, or the event itself."""
    title = getattr(sink.component, "title", None)
    try:
        if sink.shape is not None:
            return str(sink.shape(event))
        if isinstance(title, str):
            return str(Template(title).render(event))
    except (LookupError, ValueError) as error:
        return f"cannot be made of this event: {error}"
    return brief(event)


def brief(event: Event) -> str:
    """An event in one line, what matters first."""
    keys = ("topic", "table") if isinstance(event, Message | Row) else TOLD
    found = (getattr(event, key, None) for key in keys)
    words = [as_text(value) for value in found if value not in (None, "")]
    return " ".join([type(event).__name__.lower(), *words])


def as_text(value: object) -> str:
    """A value for people: a number without needless digits."""
    return f"{value:g}" if isinstance(value, float) else str(value)
