"""Plays history through a plan: many events at a time, with the result of one instant at a time."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flows.dataflow.clock import GRACE
from flows.dataflow.plan import Node, Outputs, Plan
from flows.dataflow.playback import Playback
from operators.events import Event

MARGIN = 1e-5
"""Seconds by which a pass ends before a silent source's time reaches a deadline: sums of times
are not exact.
"""


@dataclass
class Piece:
    """Events in the order in which they came, with the instant at which each came.

    That is its own time, or that of a newer one before it.
    """

    events: Sequence[Event]
    times: list[float]


@dataclass(frozen=True)
class Pace:
    """How far a pass may reach without a timer that an event sets falling due in it.

    `shortest` is the shortest span, in seconds, that any step waits; `grids` are the spans at whose
    multiples (since 1970) timers may be due. Infinity and none let a pass be as long as no known
    timer is due.
    """

    shortest: float = math.inf
    grids: tuple[float, ...] = ()

    def limit(self, start: float) -> float:
        """The end of a pass that begins at `start`."""
        ends = ((math.floor(start / grid) + 1) * grid for grid in self.grids)
        return min(start + self.shortest, *ends, math.inf)


ONE_INSTANT = Pace(shortest=0.0)
"""The slow way, which is right by itself: a pass for each instant."""


class Player:
    """One plan over history, on a virtual clock that begins at `start`.

    What steps do depends on the order of events and timers alone. So a pass takes all events up to
    the first instant at which a timer may fall due, as far as the timers that are set and `pace`
    tell; the clock is then moved to that instant through `Playback`, which fires each timer by
    itself.
    """

    def __init__(
        self, plan: Plan, start: float, pace: Pace, collect: Callable[[Outputs], None]
    ) -> None:
        self._plan = plan
        self._pace = pace
        self._idle = plan.clock.idle
        self._brings_together = any(len(_data(node, plan)) > 1 for node in plan.nodes)
        self._arrivals: dict[str, float] = {}
        self._playback = Playback(plan, start, collect)

    @property
    def now(self) -> float:
        """The virtual time, in epoch seconds."""
        return self._playback.now

    def take(self, given: Sequence[tuple[str, Piece]]) -> None:
        """Take what sources brought in a span of time; each source may be there once."""
        inputs = [
            _SourceEvents(
                source, piece, self._plan.clock_of(source).lateness, self._brings_together
            )
            for source, piece in given
            if piece.events
        ]
        while inputs:
            now = min(brought.times[brought.at] for brought in inputs)
            self._playback.advance(now)
            self._pass(inputs, now, self._end(inputs, now))
            inputs = [brought for brought in inputs if brought.at < len(brought.times)]

    def table(self, source: str, rows: list[Event]) -> None:
        """Take the rows of a table, or commands, at the present instant."""
        self._playback.feed(source, rows, self._playback.now)

    def finish(self, at: float) -> None:
        """Let time pass up to the end."""
        self._playback.advance(at)

    def _pass(self, inputs: "list[_SourceEvents]", now: float, end: float) -> None:
        made = []
        for brought in inputs:
            first = brought.at
            brought.at = (
                bisect_right(brought.times, now, first)
                if end <= now
                else bisect_left(brought.times, end, first)
            )
            if brought.at > first:
                last = self._arrivals[brought.source] = brought.times[brought.at - 1]
                whole = first == 0 and brought.at == len(brought.times)
                made.append(
                    (
                        brought.source,
                        brought.events if whole else brought.events[first : brought.at],
                        last,
                    )
                )
        self._playback.feed_together(made)

    def _end(self, inputs: "list[_SourceEvents]", now: float) -> float:
        """The first instant after `now` at which a timer may be due or a source be silent."""
        due = self._playback.next_due()
        end = min(due.wall, self._pace.limit(now))
        # what the timer's own signal brings may fire it from its deadline on
        if self._brings_together:
            end = min(end, due.event)
        reached = now
        here = {brought.source: brought for brought in inputs}
        for brought in inputs:
            end = min(end, brought.next_late())
        for source in {*self._arrivals, *here}:
            more = here.get(source)
            arrival = self._arrivals.get(source, -math.inf)
            if more is not None and more.times[more.at] == now:
                arrival = now
            if now >= arrival + self._idle:
                continue
            end = min(
                end, arrival + self._idle if more is None else more.silent_at(arrival, self._idle)
            )
            lateness = self._plan.clock_of(source).lateness
            if arrival - lateness < due.event < math.inf:
                silent = due.event + lateness + GRACE - MARGIN
                reached = max(
                    reached, silent if more is None else min(silent, more.reaches(due.event))
                )
        return end if due.event == math.inf else min(end, reached)


class _SourceEvents:
    """What one source brought, and how much of it was taken."""

    def __init__(self, source: str, piece: Piece, lateness: float, heed_late: bool) -> None:
        self.source = source
        self.events = piece.events
        self.times = piece.times
        self.at = 0
        self._lateness = lateness
        self._gap = -1
        self._late: list[float] = []
        if heed_late:
            self._late = [
                time
                for event, time in zip(piece.events, piece.times, strict=True)
                if event.time < time
            ]

    def next_late(self) -> float:
        """When the next event comes that is older than one before it; infinity if none does.

        It is infinity, too, if none needs care. Steps that bring streams together sort what one
        pass brings, so such an event has a pass of its own.
        """
        found = bisect_left(self._late, self.times[self.at])
        return self._late[found] if found < len(self._late) else math.inf

    def reaches(self, deadline: float) -> float:
        """When this source's events bring event time to a deadline."""
        found = bisect_left(self.times, deadline, self.at, key=lambda time: time - self._lateness)
        return self.times[found] if found < len(self.times) else math.inf

    def silent_at(self, arrival: float, idle: float) -> float:
        """The earliest that this source may have been silent for `idle` s since `arrival`."""
        times, at = self.times, self.at
        if times[at] >= arrival + idle:
            return arrival + idle
        if self._gap < at:
            self._gap = self._next_gap(at, idle)
        return times[self._gap] + idle

    def _next_gap(self, at: int, idle: float) -> int:
        """The first event from `at` on that silence follows, or the last one of the piece."""
        times = self.times
        while True:
            found = bisect_left(times, times[at] + idle, at + 1)
            if found == len(times):
                return found - 1
            if found == at + 1:
                return at
            at = found - 1


def _data(node: Node, plan: Plan) -> list[str]:
    """What a node reads but tables and commands."""
    return [name for name, _ in node.inputs if name not in plan.sides]
