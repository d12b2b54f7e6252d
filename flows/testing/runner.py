"""Runs the `tests:` of a definition: the live logic on a virtual clock, nothing outside."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from connectors.config.document import Path_
from flows.dataflow.compiler import (
    ANSWER_SINK,
    Compiled,
    NotRunnable,
    compile_flow,
    raw_name,
)
from flows.dataflow.plan import COMMANDS, Outlet, Outputs, Plan
from flows.dataflow.playback import Playback
from flows.language.field_values import Tables
from flows.language.model import Do, Flow, Play, Test
from flows.testing.expectations import Difference, Mismatch, Moment, compare
from flows.testing.inputs import events_of, time_of
from flows.testing.outputs import Output, SinkView
from operators.alarms.base_logic import AlarmLogic
from operators.alarms.command_handler import COMMAND, REJECTED
from operators.component import INSTANT, Location
from operators.events import AlarmTransition, Event, Occurrence
from operators.model.fields import field as field_of

DEFAULT_START = "2026-01-05T12:00:00"
"""Noon of a Monday, where a test says nothing else."""
WATCHED = "watched "
URGENCY = ("normal", "suppressed", "shelved", "out_of_service", "returned", "acked", "unacked")


class Entry(NamedTuple):
    """One line of what happened: at which second of the test, through which name, and what."""

    at: float
    name: str
    output: Output | str


@dataclass(frozen=True)
class Failure:
    """An expectation or action at `path` that did not come true at `at` seconds of the test."""

    path: Path_
    at: float
    what: str
    message: str
    nearest: Output | None = None
    differences: tuple[Difference, ...] = ()


@dataclass
class Outcome:
    """How one test ended: `reason` says why it was skipped, `raised` which alarms it raised."""

    test: str
    path: Path_
    status: Literal["passed", "failed", "skipped"] = "passed"
    reason: str = ""
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)
    timeline: list[Entry] = field(default_factory=list)
    raised: set[str] = field(default_factory=set)


def run_test(
    flow: Flow,
    tables: Tables,
    zone: ZoneInfo,
    index: int,
    others: Mapping[str, tuple[Flow, Tables]] | None = None,
    location: Location | None = None,
) -> Outcome:
    """Run the test with this index.

    `zone` is the site's, in which hours and dates are meant, and `location` where it is; `others`
    are the definitions, by file, under which a test goes on.
    """
    test = flow.tests[index]
    outcome = Outcome(test.test, ("tests", index))
    began = time.perf_counter()
    try:
        compiled = compile_flow(flow, tables, zone, test.profile, location=location)
    except NotRunnable as reason:
        outcome.status, outcome.reason = "skipped", str(reason)
        return outcome
    try:
        _Run(flow, compiled, tables, zone, test, outcome, others or {}, location).run()
    except NotRunnable as reason:
        outcome.status, outcome.reason = "skipped", str(reason)
        return outcome
    outcome.status = "failed" if outcome.failures else "passed"
    outcome.seconds = time.perf_counter() - began
    return outcome


JUST_AFTER = 3 * INSTANT
"""Seconds; what is due at an instant and comes after all that happens at it has come by then."""


class _Action(NamedTuple):
    """What is given, done or expected at one instant; `rank` orders these at the same one."""

    at: float
    rank: int
    number: int
    play: Play


def agenda(plays: Sequence[Play]) -> Iterator[_Action]:
    """All that happens in order: at one instant given first, then done, then expected."""
    actions: list[_Action] = []
    for number, play in enumerate(plays):
        if play.given is not None:
            actions += [_Action(at, 0, number, play) for at in play.times()]
        if play.do is not None:
            actions.append(_Action(play.at, 1, number, play))
        if play.expect is not None:
            actions.append(_Action(play.at, 2, number, play))
    yield from sorted(actions, key=lambda action: action[:3])


class _Run:
    def __init__(
        self,
        flow: Flow,
        compiled: Compiled,
        tables: Tables,
        zone: ZoneInfo,
        test: Test,
        outcome: Outcome,
        others: Mapping[str, tuple[Flow, Tables]],
        location: Location | None,
    ) -> None:
        self._location = location
        self._zone, self._test, self._outcome, self._others = zone, test, outcome, others
        start = datetime.fromisoformat(test.start or DEFAULT_START)
        self._start = (start if start.tzinfo else start.replace(tzinfo=zone)).timestamp()
        self._moment = Moment(self._start, zone)
        self._take(flow, tables, compiled)
        self._made: dict[str, list[Output]] = {}
        self._held: dict[str, list[Event]] = {}
        self._subjects: set[str] = set()
        self._answers: list[Occurrence] = []
        self._given = 0
        self._told = 0
        self._elapsed: Callable[[], float] = lambda: 0.0  # while the flow starts
        self._playback = Playback(self._plan, self._start, self._collect)
        self._elapsed = lambda: self._playback.now - self._start

    def _take(self, flow: Flow, tables: Tables, compiled: Compiled) -> None:
        """Go by this definition."""
        self._flow, self._tables = flow, tables
        self._sinks = {name: SinkView(flow.sinks[name], self._zone) for name in compiled.sinks}
        self._plan = _observed(compiled)
        self._alarms = {
            node.name: node.steps[0].identity for node in self._plan.nodes if node.is_alarm
        }

    def run(self) -> None:
        failures = self._outcome.failures
        for action in agenda(self._test.play):
            if failures and action.at > failures[0].at:
                return
            self._playback.coming(self._oldest(action))
            settled = JUST_AFTER if action.rank == 2 else 0.0
            self._playback.advance(self._start + action.at + settled)
            path = (*self._outcome.path, "play", action.number)
            if action.rank == 0:
                self._give(action)
            elif action.rank == 1:
                self._do(action, path)
            else:
                self._expect(action, path)
        if not failures:
            self._check_subjects()

    def _oldest(self, since: _Action) -> float:
        """The oldest time that is written for what is given from now on."""
        oldest = math.inf
        for play in self._test.play:
            if play.given is None or max(play.times()) < since.at:
                continue
            for given in play.given.values():
                for item in given if isinstance(given, list) else [given]:
                    time = time_of(item.get("time"), math.inf, self._start, self._zone)
                    oldest = min(oldest, time)
        return oldest

    # ------------------------------------------------------------------------
    # what happens
    def _give(self, action: _Action) -> None:
        at = self._start + action.at
        for name, given in (action.play.given or {}).items():
            source = self._flow.sources[name]
            events: list[Event] = []
            for item in given if isinstance(given, list) else [given]:
                self._given += 1
                id = f"test/{name}/{self._given}"
                some = events_of(name, source, item, id, at, self._start, self._tables, self._zone)
                for event in some:
                    self._note(f"given {name}", Output(event))
                events += some
            self._playback.feed(raw_name(self._flow, name), events, at)

    def _do(self, action: _Action, path: Path_) -> None:
        do = action.play.do
        if isinstance(do, str):
            self._note("do", "restart")
            self._playback.restart()
        elif do is not None:
            word, name = do.command
            self._note("do", f"{word} {name}" + (f" ({do.by})" if do.by else ""))
            if do.restarts:
                flow, tables = self._others[name]
                profile = self._test.profile
                at = self._location
                compiled = compile_flow(flow, tables, self._zone, profile, location=at)
                self._take(flow, tables, compiled)
                self._playback.restart(self._plan)
            elif word == "break":
                self._held.setdefault(name, [])
            elif word == "mend":
                for event in self._held.pop(name, []):
                    self._write(name, event)
            else:
                self._command(do, word, name, action.at, path)

    def _command(self, do: Do, word: str, name: str, at: float, path: Path_) -> None:
        self._told += 1
        asked = {
            "do": word,
            "alarm": name,
            "user": do.by or "test",
            "comment": do.note,
            "duration": do.for_,
        }
        data = {key: value for key, value in asked.items() if value is not None}
        logic = self._logic(name)
        known = list(logic.states())
        subject = do.subject or (known[0] if len(known) == 1 else "")
        command = Occurrence(
            id=f"test/do/{self._told}",
            time=self._playback.now,
            subject=subject,
            type=COMMAND,
            data=data,
        )
        self._answers.clear()
        self._playback.feed(COMMANDS, [command], self._playback.now)
        refused = [str(answer.data["error"]) for answer in self._answers if answer.type == REJECTED]
        came = refused[0] if refused else None
        if came == do.refused:
            return
        states = (
            ", ".join(f"{subject} {state}" for subject, state in logic.states().items())
            or "none is known yet"
        )
        if came is None:
            message = (
                f"expected to be refused as {do.refused}, but was carried out; its alarms: {states}"
            )
        else:
            message = f"was refused as {came}; its alarms: {states}"
        self._outcome.failures.append(Failure((*path, "do", word), at, f"{word} {name}", message))

    def _logic(self, alarm: str) -> AlarmLogic:
        logic = self._playback.logic(self._alarms[alarm])
        assert isinstance(logic, AlarmLogic)
        return logic

    # ------------------------------------------------------------------------
    # what comes out
    def _collect(self, outputs: Outputs) -> None:
        self._answers += [
            event for event in outputs.get(ANSWER_SINK, ()) if isinstance(event, Occurrence)
        ]
        for name, events in outputs.items():
            if name.startswith(WATCHED):
                self._watch(name.removeprefix(WATCHED), events)
        for name, events in outputs.items():
            if name in self._sinks:
                if name in self._held:
                    self._held[name] += events
                else:
                    for event in events:
                        self._write(name, event)

    def _watch(self, name: str, events: list[Event]) -> None:
        is_source = name in self._flow.sources
        for event in events:
            output = Output(event)
            self._made.setdefault(name, []).append(output)
            self._subjects.add(str(field_of(event, "subject")))
            if not is_source and name != "alarms":
                self._note(name, output)
            if isinstance(event, AlarmTransition) and event.event == "activated":
                self._outcome.raised.add(event.alarm)

    def _write(self, name: str, event: Event) -> None:
        output = self._sinks[name].output(event)
        if output is not None:
            self._made.setdefault(name, []).append(output)
            self._note(name, output)

    def _note(self, name: str, what: Output | str) -> None:
        self._outcome.timeline.append(Entry(self._elapsed(), name, what))

    # ------------------------------------------------------------------------
    # expectations
    def _expect(self, action: _Action, path: Path_) -> None:
        for name, expected in (action.play.expect or {}).items():
            place: Path_ = (*path, "expect", name)
            if name in self._flow.alarms and _is_state(expected):
                self._expect_state(name, expected, action.at, place)
                continue
            outputs = self._made.pop(name, [])
            mismatch = compare(expected, outputs, self._moment)
            if mismatch is not None:
                self._fail(place, action.at, name, mismatch)

    def _expect_state(
        self, name: str, expected: str | dict[str, str], at: float, place: Path_
    ) -> None:
        states = self._logic(name).states() if name in self._alarms else {}
        if isinstance(expected, str):
            came = max(states.values(), key=URGENCY.index, default="normal")
            if came != expected:
                who = ", ".join(
                    f"{subject} {state}" for subject, state in states.items() if state == came
                )
                self._fail(
                    place,
                    at,
                    name,
                    Mismatch(f"expected {expected}, is {came}" + (f" ({who})" if who else "")),
                )
            return
        for subject, state in expected.items():
            came = states.get(subject, "normal")
            if came != state:
                others = ", ".join(f"{one} {its}" for one, its in states.items()) or "none"
                known = "" if subject in states else f"; known subjects: {others}"
                self._fail(
                    (*place, subject),
                    at,
                    f"{name} of {subject}",
                    Mismatch(f"expected {state}, is {came}{known}"),
                )

    def _fail(self, place: Path_, at: float, what: str, mismatch: Mismatch) -> None:
        path = (*place, *mismatch.path)
        self._outcome.failures.append(
            Failure(path, at, what, mismatch.message, mismatch.nearest, mismatch.differences)
        )

    def _check_subjects(self) -> None:
        """Refuse `normal` for a subject that no event named: it is a mistake of spelling."""
        for number, play in enumerate(self._test.play):
            for name, expected in (play.expect or {}).items():
                if (
                    name not in self._flow.alarms
                    or not isinstance(expected, dict)
                    or not _is_state(expected)
                ):
                    continue
                for subject in expected:
                    if subject not in self._subjects:
                        path = (*self._outcome.path, "play", number, "expect", name, subject)
                        message = "nothing in this test has this subject"
                        self._outcome.failures.append(
                            Failure(path, play.at, f"{name} of {subject}", message)
                        )


def _is_state(expected: Any) -> bool:
    """Whether a state, or states by subject, is expected of an alarm rather than its changes."""
    if isinstance(expected, str):
        return expected != "nothing"
    return isinstance(expected, dict) and all(value in URGENCY for value in expected.values())


def _observed(compiled: Compiled) -> Plan:
    """The plan with an outlet behind every name."""
    plan, nodes = compiled.plan, compiled.plan.nodes
    names = [
        *compiled.sources,
        *(node.name for node in nodes if node.name not in compiled.sources),
        "alarms",
    ]
    sides = [f"{name}.{side}" for name in names for side in ("errors", "late")]
    watched = tuple(Outlet(WATCHED + name, (name,)) for name in (*names, *sides))
    return replace(plan, outlets=(*watched, *plan.outlets))
