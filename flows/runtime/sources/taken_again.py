"""What a killed run had taken of several partitions, taken again in the same order."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from connectors.base import Batch
from flows.dataflow.alignment import cut_arrivals
from flows.dataflow.input_order import Arrival
from operators.columnar.lazy import as_list

PATIENCE = 30.0
"""Seconds for which a partition is waited for that brings nothing, once another did."""
MOST_EVENTS = 100_000
"""More are no release of this topic: it was replaced, or its saved state was."""
Release = Mapping[str, int]
"""How many events of each partition were taken so far, of those that a release brought some."""


class TakenAgain:
    """Releases of a run that was killed, made again one by one.

    `taken` is how many events of each partition the saved state holds; `releases` are those behind
    it. Where subjects lie apart, their order depends on when each event came, and what was written
    since the state was saved must be written again alike. Partitions that bring nothing for a while
    end it.
    """

    def __init__(
        self,
        releases: Iterable[Release],
        taken: Release,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._left = deque(releases)
        self._taken = dict(taken)
        self._held: dict[str, list[Arrival]] = {}
        self._live: dict[str, Arrival] = {}
        self._clock = clock
        self._since = math.inf

    def is_over(self) -> bool:
        """Whether all was taken, or what is left cannot be had, or is no longer of these."""
        if not self._left or self._clock() - self._since > PATIENCE:
            return True
        return sum(self._missing(self._left[0], part) for part in self._left[0]) > MOST_EVENTS

    def left(self) -> Sequence[Release]:
        """The releases that were not made again."""
        return list(self._left)

    def wants(self, part: str) -> bool:
        """Whether a partition is to be read on for the next release, or because it has nothing."""
        held = self._count(part)
        return not held or bool(self._left and held < self._missing(self._left[0], part))

    def take(self, arrival: Arrival) -> None:
        """Take what a partition brought."""
        part, _, batch, _ = arrival
        if batch.live:
            empty = batch._replace(events=[], arrivals=())
            self._live[part] = arrival._replace(batch=empty)
        if batch.events:
            self._held.setdefault(part, []).append(arrival)
        if batch.events or self._since == math.inf:
            self._since = self._clock()

    def release(self) -> list[list[Arrival]]:
        """The releases that are complete, each as it was."""
        found: list[list[Arrival]] = []
        while self._left and all(
            self._count(part) >= self._missing(self._left[0], part) for part in self._left[0]
        ):
            release = self._left.popleft()
            some = [self._off(part, self._missing(release, part)) for part in release]
            self._taken.update(release)
            found.append([arrival for arrival in some if arrival is not None])
            self._since = self._clock()
        return found

    def held(self) -> list[Arrival]:
        """What waits, one arrival a partition; then that of those which had caught up."""
        return [*map(_together, self._held.values()), *self._live.values()]

    def _missing(self, release: Release, part: str) -> int:
        return release.get(part, 0) - self._taken.get(part, 0)

    def _count(self, part: str) -> int:
        return sum(len(arrival.batch.events) for arrival in self._held.get(part, ()))

    def _off(self, part: str, count: int) -> Arrival | None:
        """The first `count` events that wait of a partition."""
        if count <= 0:
            return None
        arrival = _together(self._held.pop(part))
        batch = arrival.batch
        before, after = cut_arrivals(batch.arrivals, count)
        first = batch._replace(events=batch.events[:count], wall=before[-1][1], arrivals=before)
        if after:
            rest = batch._replace(events=batch.events[count:], arrivals=after, recreated=False)
            self._held[part] = [arrival._replace(batch=rest)]
        return arrival._replace(batch=first)


def _together(arrivals: Sequence[Arrival]) -> Arrival:
    """What one partition brought, as one arrival that is not live."""
    last = arrivals[-1]
    batches = [arrival.batch for arrival in arrivals]
    if len(batches) == 1 and last.batch.arrivals:
        return last._replace(batch=last.batch._replace(live=False))
    together = Batch(
        [event for batch in batches for event in as_list(batch.events)],
        last.batch.wall,
        False,
        next_offset=last.batch.next_offset,
        recreated=any(batch.recreated for batch in batches),
        arrivals=[
            one for batch in batches for one in batch.arrivals or ((len(batch.events), batch.wall),)
        ],
    )
    return last._replace(batch=together)
