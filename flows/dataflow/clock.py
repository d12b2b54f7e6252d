"""The two clocks of a shard: event time moves with the data, wall time with their arrival."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from flows.dataflow.shard_state import ClockState
from operators.component import Now

GRACE = 1.0
"""Seconds of silence after which a source's time goes on by itself: what was sent by then has
come through the process.
"""
RETRY = 0.25
"""Seconds until the next look at a source of which it is not known yet whether it is silent."""


@dataclass(frozen=True)
class ClockSettings:
    """Seconds of `lateness`, `idle` and `ahead`; `arrival` replaces event times by arrival."""

    lateness: float = 5.0
    idle: float = 30.0
    ahead: float = 5.0
    arrival: bool = False


class Silence(NamedTuple):
    """The wall times between which a source partition is known to have brought nothing new."""

    since: float = -math.inf
    until: float = math.inf


SILENT = Silence()
Silences = Mapping[str, Silence]
"""The silence of each source partition; one that is not there may have something to say that
nobody has read yet.
"""


class Clock:
    """Event time: the least watermark of the source partitions that count.

    Those count that still work off what had gathered, and those that delivered within the idle
    time. Once none counts, event time is the wall clock less the lateness; where all that will come
    is known, as on a virtual clock, it is the wall clock until what comes late. Before anything
    ever came, the idle time begins when the partitions have been read to their ends: the first
    events may be old ones.

    A partition's watermark is the time of its newest event less the lateness. While it is known to
    be silent, its watermark goes on with the wall clock, `GRACE` later: so a timer fires at most
    that and the lateness after its deadline, and an event is late only if it is later, by more than
    the lateness, than those before it were.
    """

    def __init__(self, settings: ClockSettings) -> None:
        self._settings = settings
        self.event = -math.inf
        self.wall = -math.inf
        self._watermarks: dict[str, float] = {}
        self._arrivals: dict[str, float] = {}
        self._behind: set[str] = set()
        self._empty_since = -math.inf
        self._silences: Silences | None = None
        self.coming = math.inf
        """On a virtual clock, the time of the oldest event that is still to come."""

    def expect(self, parts: Iterable[str]) -> None:
        """These partitions have not caught up yet: event time does not run ahead of them."""
        self._behind = set(parts)
        self._silences = {}

    def caught_up(self, part: str, wall: float = -math.inf) -> None:
        """A source partition had, at `wall`, delivered all that had gathered."""
        if part in self._behind:
            self._behind.discard(part)
            self._empty_since = max(self._empty_since, wall)

    def saw(self, part: str, watermark: float, wall: float) -> None:
        """A batch arrived at `wall`; `watermark` is its newest event's time less the lateness."""
        self.saw_together([(part, watermark, wall)])

    def saw_together(self, batches: Iterable[tuple[str, float, float]]) -> None:
        """Batches of several source partitions arrived: (part, watermark, wall) of each."""
        for part, watermark, wall in batches:
            self.wall = max(self.wall, wall)
            self._arrivals[part] = max(self._arrivals.get(part, -math.inf), wall)
            self._watermarks[part] = max(self._watermarks.get(part, -math.inf), watermark)
        self._advance(self._watermarks)

    def tick(self, wall: float, silences: Silences | None = None) -> None:
        """Let wall time pass without events.

        `silences` says how long each partition is known to have been silent, where that is new.
        """
        self.wall = max(self.wall, wall)
        if silences is not None:
            self._silences = silences
        self._advance({part: self._gone_on(part) for part in self._watermarks})

    def now(self, before: float = -math.inf) -> Now:
        """The time on both clocks; `before` is event time before what came now."""
        return Now(self.event, self.wall, before)

    def wall_of(self, deadline: float) -> float:
        """The next wall time at which an event-time deadline may be due if no more events come."""
        if deadline <= self.event:
            return deadline
        idle = self._idle_until(deadline)
        due = max((self._reaches(part, deadline) for part in self._busy()), default=idle)
        return due if due > self.wall else self.wall + RETRY

    def _reaches(self, part: str, deadline: float) -> float:
        """The wall time at which this partition, if silent, stops holding back the deadline."""
        if self._watermarks[part] >= deadline:
            return self.wall
        idle = self._idle_until(deadline)
        return min(
            _later(deadline, self._lag(part)), max(self._arrivals[part] + self._settings.idle, idle)
        )

    def _gone_on(self, part: str) -> float:
        """A partition's watermark after its silence so far."""
        watermark, silence = self._watermarks[part], self._silence(part)
        if part in self._behind or silence is None:
            return watermark
        return max(watermark, min(self.wall, silence.until) - self._lag(part))

    def _lag(self, part: str) -> float:
        """How far a silent partition's watermark is behind the wall clock."""
        silence = self._silence(part)
        since = max(self._arrivals[part], silence.since) if silence else self._arrivals[part]
        return since + GRACE - self._watermarks[part]

    def _silence(self, part: str) -> Silence | None:
        return SILENT if self._silences is None else self._silences.get(part)

    def _busy(self) -> list[str]:
        return [
            part
            for part, arrival in self._arrivals.items()
            if self.wall < arrival + self._settings.idle
        ]

    def _advance(self, watermarks: Mapping[str, float]) -> None:
        counting = self._behind.union(self._busy())
        if counting:
            self.event = max(self.event, min(watermarks.get(part, -math.inf) for part in counting))
        elif self.wall >= self._first_idle():
            certain = self.wall - self._settings.lateness
            if self._silences is None:
                certain = max(certain, min(self.wall, self.coming))
            self.event = max(self.event, certain)

    def _idle_until(self, deadline: float) -> float:
        """The wall time at which event time reaches a deadline while all sources are idle."""
        is_certain = self._silences is None and deadline <= self.coming
        due = deadline if is_certain else _later(deadline, self._settings.lateness)
        return max(due, self._first_idle())

    def _first_idle(self) -> float:
        """The wall time before which sources that never brought anything are not idle."""
        return -math.inf if self._arrivals else self._empty_since + self._settings.idle

    def state(self) -> ClockState:
        """What must survive a restart."""
        return ClockState((self.event, self.wall), dict(self._watermarks), dict(self._arrivals))

    def restore(self, state: ClockState) -> None:
        """Take back what `state` returned."""
        self.event, self.wall = state.now
        self._watermarks, self._arrivals = dict(state.marks), dict(state.arrivals)


def _later(deadline: float, lag: float) -> float:
    """The first instant that is later than a deadline by a lag."""
    due = deadline + lag
    while due - lag < deadline:  # a sum of floats may fall short of it
        due = math.nextafter(due, math.inf)
    return due
