"""The stream graph of a flow for one shard: plain objects, no engine, no I/O, no clock of its own.

The live flow, the tests in a definition and replay run this same object; only who calls it and
whose clock it sees differ.
"""

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from flows.dataflow.clock import Clock, ClockSettings, Silences
from flows.dataflow.merging import by_time, gathered, merged, with_arrivals
from flows.dataflow.outlets import Outlets
from flows.dataflow.plan import ALARMS, ANSWERS, COMMANDS, Follow, Node, Outputs, Plan, Step, Take
from flows.dataflow.saved_names import saved_names
from flows.dataflow.shard_state import (
    VERSION,
    ArrivalsState,
    ShardState,
    StepState,
    give_state,
    take_state,
)
from operators.alarms.base_logic import AlarmLogic
from operators.alarms.command_handler import refuse_unknown, under_present_name
from operators.alarms.ended import end_alarms
from operators.columnar.lazy import as_list, newest_time
from operators.component import INSTANT, Due, Logic, Now
from operators.events import DeadLetter, Event, EventBatch, Reading
from operators.model.saved_state import decode, encode

Brought = tuple[str, Sequence[Event], float, Sequence[tuple[int, float]], float]
"""What a source partition brought: its name, events, the arrival of the last (epoch seconds), how
many arrived when, and the time up to which the partition was read, which may be later."""


@dataclass
class _Running:
    """A node, and for each of its steps the logic and the id that its state is saved under."""

    node: Node
    logics: list[Logic]
    ids: list[str]
    roles: bool = field(init=False)

    def __post_init__(self) -> None:
        self.roles = any(role is not None for _, role in self.node.inputs)

    def rename(self, names: Mapping[str, str]) -> None:
        """Make the logic of renamed steps anew, under the id that their state is saved under."""
        for number, step in enumerate(self.node.steps):
            id = names.get(step.identity, step.identity)
            if id != self.ids[number]:
                assert step.make_as is not None
                self.ids[number], self.logics[number] = id, step.make_as(id)


class Graph:
    """One shard of a flow. Feed it batches, tick it; it returns what goes to which sink.

    `counts` holds, per persisted step id, how often each word (late, duplicate, …) was counted
    since `take_counts`.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._clock = Clock(plan.slowest_clock)
        self._running = [
            _Running(
                node, [step.make() for step in node.steps], [step.identity for step in node.steps]
            )
            for node in plan.nodes
        ]
        self._name_hiders()
        self._outlets = Outlets(plan.outlets)
        self._dropped: dict[str, StepState] = {}
        self._left: dict[str, StepState] = {}
        self._counts: dict[tuple[str, str], int] = {}
        self._source: str | None = None
        self.follow: Follow | None = None
        self.new_tables: set[str] = set()
        """After `restore`: sources of rows that a step needs whole, since it did not take them
        before.
        """

    def expect(self, parts: Iterable[str]) -> None:
        """Name the source partitions that feed this shard; event time waits for each of them."""
        self._clock.expect(parts)

    def own(self, owns: Callable[[str], bool]) -> None:
        """Say which subjects are expected in this shard; all are where nobody does."""
        for *_, logic in self._steps():
            logic.owns = owns

    def coming(self, time: float) -> None:
        """Name the time of the oldest event that is still to come, on a virtual clock."""
        self._clock.coming = time

    def caught_up(self, part: str, wall: float) -> None:
        """A source partition had, at `wall`, delivered all that had gathered."""
        self._clock.caught_up(part, wall)

    def feed(
        self,
        source: str,
        events: list[Event],
        wall: float,
        part: str | None = None,
        arrivals: Sequence[tuple[int, float]] = (),
    ) -> Outputs:
        """Take events of a source (of its partition `part`).

        The last one arrived at `wall` (epoch seconds), and so did all, unless `arrivals` says how
        many arrived when.
        """
        return self.feed_parts(source, [(part or source, events, wall, arrivals, -math.inf)])

    def feed_parts(self, source: str, given: Sequence[Brought]) -> Outputs:
        """Take what several partitions of a source brought together, as one stream in time."""
        if source in self._plan.sides:
            sides = [as_list(events) for _, events, *_ in given if events]
            return self._feed_side(source, sides, max(wall for _, _, wall, *_ in given))
        clock = self._plan.clock_of(source)
        before = self._clock.event
        seen: list[tuple[str, float, float]] = []
        lists: list[Sequence[Event]] = []
        for one in given:
            part, events, wall, _, mark = one
            if events:
                events, newest = self._dated(source, one, clock)
                mark = max(mark, newest)
                lists.append(events)
            if mark > -math.inf:
                seen.append((part, mark - clock.lateness - INSTANT, wall))
        if seen:
            self._clock.saw_together(seen)
        if not lists:
            return {}
        return self._pass({source: merged(lists)}, before)

    def _feed_side(self, source: str, lists: list[list[Event]], wall: float) -> Outputs:
        if not lists:
            return {}
        events = gathered(lists)
        self._clock.tick(wall)
        return self._pass(self._commanded(events) if source == COMMANDS else {source: events})

    def _dated(
        self, source: str, given: Brought, clock: ClockSettings
    ) -> tuple[Sequence[Event], float]:
        """The events, and the time of the newest, once none is too far ahead."""
        _, events, wall, arrivals, _ = given
        arrivals = arrivals or ((len(events), wall),)
        if clock.arrival:
            events = as_list(events)
            for event, arrival in with_arrivals(events, arrivals):
                event.time = arrival
        newest = newest_time(events)
        if newest > min(arrival for _, arrival in arrivals) + clock.ahead:
            events = as_list(events)
            self._hold_back_the_future(source, with_arrivals(events, arrivals), clock.ahead)
            newest = newest_time(events)
        return events, newest

    def _commanded(self, commands: list[Event]) -> Outputs:
        """Commands under alarms' present names, and answers to those for alarms that nobody has."""
        alarms = [each for each in self._running if each.node.is_alarm]
        names = {each.ids[0].partition("/")[2]: each.node.name for each in alarms}
        names |= {each.node.name: each.node.name for each in alarms}
        logics = [one for each in alarms for one in each.logics if isinstance(one, AlarmLogic)]

        def knows(subject: str) -> bool:
            return any(logic.knows(subject) for logic in logics)

        answers = (refuse_unknown(one, self._plan.flow, names, knows) for one in commands)
        refused: list[Event] = [answer for answer in answers if answer is not None]
        made: Outputs = {COMMANDS: [under_present_name(one, names) for one in commands]}
        return made | {ANSWERS: refused} if refused else made

    def feed_together(self, given: Sequence[tuple[str, Sequence[Event], float]]) -> Outputs:
        """Take what several sources brought in one span: (source, events, arrival of the last).

        Their events are taken as one stream in the order of time. Times are believed: history has
        no arrival of its own.
        """
        for source, events, wall in sorted(given, key=operator.itemgetter(2)):
            if source not in self._plan.sides:
                self._clock.saw(
                    source,
                    newest_time(events) - self._plan.clock_of(source).lateness - INSTANT,
                    wall,
                )
        return self._pass({source: merged([events]) for source, events, _ in given})

    def next_due(self) -> Due:
        """The earliest deadline of all steps on each clock."""
        event = wall = math.inf
        for running in self._running:
            for logic in running.logics:
                due = logic.next_time()
                event, wall = min(event, due.event), min(wall, due.wall)
        return Due(event, -math.inf if self._dropped else wall)

    def tick(self, wall: float, silences: Silences | None = None) -> Outputs:
        """Let time pass up to `wall` (epoch seconds).

        `silences` says how long each source partition is known to have been silent, where that is
        new; until it is given and partitions are expected, all are known to be.
        """
        self._clock.tick(wall, silences)
        return self._pass({})

    def logic(self, identity: str) -> Logic:
        """The logic of the step with this identity; raises KeyError."""
        for _, step, logic in self._steps():
            if step.identity == identity:
                return logic
        raise KeyError(identity)

    def next_wake(self) -> float | None:
        """The wall time at which `tick` is needed next, if no events come; None for never."""
        event, wall = self.next_due()
        if event != math.inf:
            wall = min(wall, self._clock.wall_of(event))
        return None if wall == math.inf else wall

    def take_counts(self) -> dict[tuple[str, str], int]:
        """Counters since the last call, by (step id, word)."""
        for id, _, logic in self._steps():
            if logic.counts:
                for word, n in logic.counts.items():
                    self._add_count(id, word, n)
                logic.counts.clear()
        counts, self._counts = self._counts, {}
        return counts

    def take_notes(self) -> list[str]:
        """What people should know since the last call."""
        noting = [logic.notes for _, _, logic in self._steps()]
        taken = [note for notes in noting for note in notes]
        for notes in noting:
            notes.clear()
        return taken

    def snapshot(self, arrivals: ArrivalsState | None = None) -> ShardState:
        """Everything that must survive a restart, with what waits before the graph."""
        steps: dict[str, StepState] = {**self._left, **self._dropped}
        names: dict[str, str] = {}
        for id, step, logic in self._steps():
            if step.stateful:
                names[step.identity] = id
            state = take_state(id, logic)
            if state is not None:
                steps[id] = state
        tables = {
            names.get(identity, identity): sources
            for node in self._plan.nodes
            for identity, sources in node.takes_rows().items()
        }
        sinks = self._outlets.snapshot()
        return ShardState(VERSION, self._clock.state(), steps, tables, arrivals, names, sinks)

    def restore(self, state: ShardState) -> None:
        """Take back a snapshot; raises `ValueError` if it does not fit.

        State of steps that are no longer there must have been refused before; the alarms in it are
        ended.
        """
        self._clock.restore(state.clock)
        self._outlets.restore(state.sinks, state.clock.now[1])
        names = saved_names(self._plan, state)
        for running in self._running:
            running.rename(names)
        self._name_hiders()
        ids = {id for id, _, _ in self._steps()}
        self._dropped = {id: step for id, step in state.steps.items() if id not in ids}
        for id, _, logic in self._steps():
            if id in state.steps:
                give_state(id, logic, state.steps[id])
        for node in self._plan.nodes:
            for identity, sources in node.takes_rows().items():
                id = names.get(identity, identity)
                had = state.tables.get(id, sources if id in state.steps else [])
                self.new_tables.update(name for name in sources if name not in had)

    def _name_hiders(self) -> None:
        """Let each alarm know those that hide it."""
        alarms = {
            running.node.name: running.logics[0]
            for running in self._running
            if running.node.is_alarm
        }
        for running in self._running:
            for name, role in running.node.inputs:
                hider, hidden = alarms.get(name), running.logics[:1]
                if role == "suppressed_by" and isinstance(hider, AlarmLogic):
                    for logic in hidden:
                        if isinstance(logic, AlarmLogic):
                            logic.hidden_by(name, hider)

    def _steps(self) -> Iterator[tuple[str, Step, Logic]]:
        """The steps, each with the id that its state is saved under, and its logic."""
        for running in self._running:
            yield from zip(running.ids, running.node.steps, running.logics, strict=True)

    def _end_dropped(self, made: Outputs, now: Now) -> None:
        """End the alarms of a saved state that the definition has no longer."""
        self._left, dropped, self._dropped = {}, self._dropped, {}
        for id, saved in dropped.items():
            state = decode(saved.state, Any)
            if not isinstance(state, dict) or "engine" not in state:
                continue
            ended, left = end_alarms(state, id, now)
            self._left[id] = StepState(saved.version, msgspec.Raw(encode(left)))
            if ended:
                made.setdefault(ALARMS, []).extend(ended)
                for *_, logic in self._steps():
                    logic.let_go(ended)

    def _pass(self, made: Outputs, before: float = -math.inf) -> Outputs:
        """Run every node once, in order: its new inputs, then the timers that are due."""
        now = self._clock.now(before)
        if self.follow:
            made = {name: as_list(events) for name, events in made.items()}
        self._source = next(iter(made), None)
        if self._dropped:
            self._end_dropped(made, now)
        for running in self._running:
            self._run(running, made, now)
        return self._outlets.give(made)

    def _run(self, running: _Running, made: Outputs, now: Now) -> None:
        node, logics = running.node, running.logics
        by_rows: dict[int, list[Event]] = {}
        for name, number in node.tables:
            if rows := made.get(name):
                by_rows.setdefault(number, []).extend(logics[number].on_role(name, rows, now))
        events: list[Event] = []
        for number, (id, logic) in enumerate(zip(running.ids, logics, strict=True)):
            if number == 0:
                given = [(role, made[name]) for name, role in node.inputs if made.get(name)]
                events = by_time(given)[0][1] if given and not running.roles else []
            if number == 0 and running.roles:
                for role, some in by_time(given):
                    take = partial(logic.on_role, role or "")
                    events += self._take(node.steps[0], id, logic, take, some, now)
            elif events:
                step = node.steps[number]
                events = self._take(step, id, logic, logic.on_batch, events, now)
            if from_rows := by_rows.get(number):
                events = [*from_rows, *events]
            due = logic.next_time()
            if due.event <= now.event or due.wall <= now.wall:
                events = [*events, *logic.on_time(now)]
            if logic.errors:
                for letter in logic.errors:
                    letter.source = letter.source or (
                        self._source and self._source.removesuffix(".unlabelled")
                    )
                made.setdefault(f"{node.name}.errors", []).extend(logic.errors)
                logic.errors = []
            if logic.late:
                made.setdefault(f"{node.name}.late", []).extend(logic.late)
                self._add_count(id, "late", len(logic.late))
                logic.late = []
            if logic.answers:
                made.setdefault(ANSWERS, []).extend(logic.answers)
                logic.answers.clear()
        if not node.steps:
            events = gathered(made[name] for name, _ in node.inputs if name in made)
        if events:
            made[node.name] = EventBatch(events)
            if node.is_alarm:
                made.setdefault(ALARMS, []).extend(events)

    def _take(
        self, step: Step, id: str, logic: Logic, take: Take, events: list[Event], now: Now
    ) -> list[Event]:
        """What follows from events, given as columns where the step takes them."""
        some = events if step.columns else as_list(events)
        return self.follow(id, logic, take, some, now) if self.follow else take(some, now)

    def _hold_back_the_future(
        self, source: str, arrived: Iterable[tuple[Event, float]], ahead: float
    ) -> None:
        """Give an event too far ahead its arrival time and quality bad: it must move no clock."""
        for event, arrival in arrived:
            if event.time > arrival + ahead and not isinstance(event, DeadLetter):
                event.time = arrival
                if isinstance(event, Reading):
                    event.quality = "bad"
                self._add_count(source, "future")

    def _add_count(self, step: str, word: str, n: int = 1) -> None:
        self._counts[step, word] = self._counts.get((step, word), 0) + n
