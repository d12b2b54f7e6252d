"""The plan of a flow's graph: nodes, their steps, and the outlets to sinks, as plain data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from flows.dataflow.clock import ClockSettings
from operators.component import Logic, Now
from operators.events import Event

ALARMS = "alarms"
ANSWERS = "vigie_answers"
COMMANDS = "vigie_commands"
COMMANDS_ELSEWHERE = "vigie_commands_elsewhere"
"""What people ask of alarms reaches every shard. Of a subject that a shard does not know it
speaks only under `COMMANDS`.
"""
RULES = "rules"
"""The role in which an alarm takes rules that people write."""

Outputs = dict[str, list[Event]]
Take = Callable[[list[Event], Now], list[Event]]
Follow = Callable[[str, Logic, Take, list[Event], Now], list[Event]]
"""Lets a step (its id, its logic, what takes events) take events, and follows some of them."""


@dataclass(frozen=True)
class Step:
    """One piece of logic of a stream or alarm.

    `identity` is its present identity, under which its state is saved unless it was renamed;
    `stateful` says whether that must not be lost. `was` is the identity that it had before, and
    `make_as` makes the logic of a renamed one, whose state keeps the identity it was born with.
    `columns` says that it takes readings as columns (`operators.columnar.lazy`).
    """

    identity: str
    make: Callable[[], Logic]
    stateful: bool = False
    was: str | None = None
    make_as: Callable[[str], Logic] | None = None
    columns: bool = False


@dataclass(frozen=True)
class Node:
    """A named stream or alarm: its inputs as (name, role or None), and its steps, top to bottom."""

    name: str
    inputs: tuple[tuple[str, str | None], ...]
    steps: tuple[Step, ...]
    is_alarm: bool = False
    tables: tuple[tuple[str, int], ...] = ()
    """Sources of rows that steps take beside the events, with the number of the step."""

    def takes_columns(self, name: str) -> bool:
        """Whether what it reads of this name may come as columns."""
        data = [one for one, role in self.inputs if role is None]
        return data == [name] and bool(self.steps) and self.steps[0].columns

    def takes_rows(self) -> dict[str, list[str]]:
        """The sources whose rows a step keeps (tables, or rules of an alarm), by its identity."""
        found: dict[str, list[str]] = {}
        for name, number in self.tables:
            found.setdefault(self.steps[number].identity, []).append(name)
        for name, role in self.inputs:
            if self.is_alarm and role == RULES:
                found.setdefault(self.steps[0].identity, []).append(name)
        return found


@dataclass(frozen=True)
class Outlet:
    """A sink's end of the graph: which names feed it, and its own selection.

    `form` gives an event the form in which this sink has it: one for people, who are told the end
    of what they were told the start of, unless `drops_ends`. Sinks with the same settings are
    `like` each other. One that `takes_columns` is given readings as they come, as columns, too.
    """

    name: str
    inputs: tuple[str, ...]
    only: Callable[[Event], bool] | None = None
    form: Callable[[Event], Event] | None = None
    drops_ends: bool = False
    like: str = ""
    takes_columns: bool = False


@dataclass(frozen=True)
class Plan:
    """A compiled definition: its nodes, every input before its reader."""

    flow: str
    nodes: tuple[Node, ...]
    outlets: tuple[Outlet, ...]
    clock: ClockSettings = field(default_factory=ClockSettings)
    source_clocks: Mapping[str, ClockSettings] = field(default_factory=dict)
    sides: frozenset[str] = frozenset()
    """Sources of tables and commands: what they bring does not move event time."""

    def clock_of(self, source: str) -> ClockSettings:
        """The clock of a source's events; `idle` is the flow's."""
        return self.source_clocks.get(source, self.clock)

    @property
    def slowest_clock(self) -> ClockSettings:
        """The clock of the flow, with the lateness of the source that needs most."""
        lateness = max(clock.lateness for clock in (self.clock, *self.source_clocks.values()))
        return replace(self.clock, lateness=lateness)

    def identities(self) -> list[str]:
        """Identities of all steps whose state must not get lost."""
        return [step.identity for node in self.nodes for step in node.steps if step.stateful]

    def takes_columns(self, source: str) -> bool:
        """Whether all who read a source take columns: steps at the beginning, and sinks."""
        nodes = [node for node in self.nodes if source in {name for name, _ in node.inputs}]
        outlets = [outlet for outlet in self.outlets if source in outlet.inputs]
        takes = [node.takes_columns(source) for node in nodes]
        takes += [outlet.takes_columns for outlet in outlets]
        return bool(takes) and all(takes)

    def carried(self) -> dict[str, str]:
        """The identities of renamed steps, with those that they had before."""
        steps = [step for node in self.nodes for step in node.steps]
        return {step.identity: step.was for step in steps if step.was is not None}
