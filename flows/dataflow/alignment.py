"""What the partitions of a source bring while they catch up, put in the order of time."""

import itertools
import math
import time
from collections.abc import Callable, Iterable, Sequence

from flows.dataflow.input_order import Arrival
from operators.columnar.lazy import as_list, first_later, last_time

PATIENCE = 5.0
"""Seconds for which a partition that brings nothing, such as one without a leader, is waited for
while others catch up."""
MOST_LATE = 0.25
"""Seconds that an event waits at most for what may still come of other partitions."""
LEAST_LOOKS = 20
"""So often all are read from meanwhile, at least: a starved process is late with that."""
MOST_HELD = 25_000
"""So many events wait at most for partitions of which nothing is known yet."""


class Alignment:
    """The partitions of one source, read side by side where several of them feed one shard.

    While some still work off what had gathered, an event then waits until all of these are read up
    to its time. Later, where subjects lie apart, it waits until the others are read up to its
    arrival. A partition of which something waits is not read on. At the start nothing passes before
    something of each partition is known.
    """

    def __init__(self, parts: Iterable[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._behind = set(parts)
        if len(self._behind) < 2:
            self._behind.clear()
        self._began = clock()
        self._held: dict[str, Arrival] = {}
        self._newest: dict[str, float] = {}
        self._told: dict[str, float] = {}
        self._looks: dict[str, int] = {}
        self._caught_up: list[Arrival] = []

    def wants(self, part: str) -> bool:
        """Whether a partition is to be read on."""
        return part not in self._held

    def take(self, arrival: Arrival) -> None:
        """Take what a partition brought."""
        part, _, batch, _ = arrival
        if batch.live:
            self._behind.discard(part)
        self._told[part] = self._clock()
        if batch.events:
            self._held[part] = arrival
            self._looks[part] = 0
            self._newest[part] = _last(arrival)
        else:
            self._caught_up.append(arrival)

    def leave(self, part: str) -> None:
        """A partition is not read any more."""
        self._behind.discard(part)
        self._held.pop(part, None)

    def holds_any(self) -> bool:
        """Whether something waits."""
        return bool(self._held)

    def held(self) -> list[Arrival]:
        """What waits, to be saved beside the positions behind it."""
        return [
            arrival._replace(batch=arrival.batch._replace(events=as_list(arrival.batch.events)))
            for arrival in self._held.values()
        ]

    def release(
        self, is_mixed: bool = True, is_read_to: Callable[[str, float], bool] | None = None
    ) -> list[Arrival]:
        """What may be processed now; of one partition in its order.

        `is_mixed` says that several partitions feed one shard. Where subjects lie apart,
        `is_read_to(part, wall)` says whether all but that partition are read up to a wall time.
        """
        behind = self._counting()
        if not is_mixed:
            is_complete = behind <= self._told.keys() or self._holds_most()
            return self._all() if is_complete else []
        if not behind:
            return self._come(is_read_to) if is_read_to else self._all()
        frontier = min(self._newest.get(part, -math.inf) for part in behind)
        found = []
        for part in list(self._held):
            is_least = part in behind and self._newest[part] <= frontier
            ready = self._held.pop(part) if is_least else self._off(part, frontier)
            if ready is not None:
                found.append(ready._replace(batch=ready.batch._replace(live=False)))
        return found

    def _off(self, part: str, frontier: float) -> Arrival | None:
        """What waits of a partition that is not later than `frontier`; the rest goes on waiting."""
        ready, rest = _cut(self._held.pop(part), frontier)
        if rest is not None:
            self._held[part] = rest
            if ready is not None:
                ready = ready._replace(batch=ready.batch._replace(live=False))
        return ready

    def _all(self) -> list[Arrival]:
        found = [*self._held.values(), *self._caught_up]
        self._held, self._caught_up = {}, []
        return found

    def _come(self, is_read_to: Callable[[str, float], bool]) -> list[Arrival]:
        """What came, once nothing earlier can come of another partition.

        What waits of the others and is not later goes along: its own wait may be longer.
        """
        late = self._clock() - MOST_LATE
        found = []
        for part, arrival in self._held.items():
            self._looks[part] += 1
            is_late = self._told[part] < late and self._looks[part] > LEAST_LOOKS
            if is_late or is_read_to(part, arrival.batch.wall):
                found.append(arrival)
        for arrival in found:
            del self._held[arrival.part]
        if found:
            newest = max(map(_last, found))
            along = [self._off(part, newest) for part in list(self._held)]
            found += [arrival for arrival in along if arrival is not None]
        caught_up, self._caught_up = self._caught_up, []
        return [*found, *caught_up]

    def _counting(self) -> set[str]:
        """The partitions that the others wait for."""
        if not self._behind:
            return self._behind
        silent = self._clock() - PATIENCE
        for part in list(self._behind):
            if part not in self._held and self._told.get(part, self._began) < silent:
                self._behind.discard(part)
        if self._holds_most():
            return self._behind & self._held.keys() or set(self._held)
        return self._behind

    def _holds_most(self) -> bool:
        return sum(len(arrival.batch.events) for arrival in self._held.values()) > MOST_HELD


def in_order(given: Sequence[Arrival]) -> list[list[Arrival]]:
    """Arrivals as runs of one source, in which each partition comes once at most."""
    runs: list[list[Arrival]] = []
    seen: set[str] = set()
    for arrival in given:
        if not runs or runs[-1][0].source != arrival.source or arrival.part in seen:
            runs.append([])
            seen = set()
        runs[-1].append(arrival)
        seen.add(arrival.part)
    return runs


def _last(arrival: Arrival) -> float:
    """The time up to which a batch reaches; no device's clock makes it later than its arrival."""
    return min(last_time(arrival.batch.events), arrival.batch.wall)


def _cut(arrival: Arrival, frontier: float) -> tuple[Arrival | None, Arrival | None]:
    """What of an arrival is not later than `frontier`, and the rest."""
    batch = arrival.batch
    at = first_later(batch.events, frontier)
    if at == 0:
        return None, arrival
    if at == len(batch.events):
        return arrival, None
    before, after = cut_arrivals(batch.arrivals, at)
    wall = before[-1][1] if before else batch.wall
    first = batch._replace(events=batch.events[:at], wall=wall, arrivals=before)
    rest = batch._replace(events=batch.events[at:], arrivals=after, recreated=False)
    return arrival._replace(batch=first), arrival._replace(batch=rest)


def cut_arrivals(
    arrivals: Sequence[tuple[int, float]], at: int
) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
    """How many of the first `at` events arrived when, and how many of the rest."""
    before: list[tuple[int, float]] = []
    after: list[tuple[int, float]] = []
    for (n, wall), end in zip(arrivals, itertools.accumulate(n for n, _ in arrivals), strict=True):
        late = min(max(end - at, 0), n)
        if n > late:
            before.append((n - late, wall))
        if late:
            after.append((late, wall))
    return before, after
