"""Timers of many signals in one heap, with at most one live entry for each signal."""

import heapq
import math
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar


class Holder(Protocol):
    """Who can have a timer: `key` breaks ties in the same way after a restart, `queued` belongs to `Timers`."""

    queued: float

    @property
    def key(self) -> tuple[str, ...]: ...


H = TypeVar("H", bound=Holder)


class Timers(Generic[H]):
    """Deadlines in epoch seconds. A holder whose deadline has moved on is put back when its old one comes up."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, tuple[str, ...], int, H]] = []
        self._pushed = 0

    def first(self) -> float:
        """No timer is due before this; infinity if there is none."""
        return self._heap[0][0] if self._heap else math.inf

    def arm(self, holder: H, deadline: float) -> None:
        """See to it that the holder comes up at the deadline or earlier."""
        if deadline < holder.queued:
            holder.queued = deadline
            self._pushed += 1
            heapq.heappush(self._heap, (deadline, holder.key, self._pushed, holder))

    def due(self, limit: float) -> Iterator[tuple[float, H]]:
        """Deadlines not later than `limit`, in order. Each holder must be armed again before the next is taken."""
        heap = self._heap
        while heap and heap[0][0] <= limit:
            deadline, _, _, holder = heapq.heappop(heap)
            if holder.queued == deadline:
                holder.queued = math.inf
                yield deadline, holder
