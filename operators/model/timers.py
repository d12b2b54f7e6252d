"""Timers of many signals in one heap, with at most one live entry for each signal."""

import heapq
import math
import operator
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar


class Holder(Protocol):
    """The owner of a timer: `key` breaks ties, also after a restart; `queued` is for `Timers`."""

    queued: float

    @property
    def key(self) -> tuple[str, ...]:
        """Subject, metric or whatever else tells holders apart."""


H = TypeVar("H", bound=Holder)


class Timers(Generic[H]):
    """Deadlines in epoch seconds; a holder whose deadline moved is put back at the old one."""

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
        """Holders due by `limit`, in order; arm each again before taking the next."""
        heap = self._heap
        while heap and heap[0][0] <= limit:
            deadline, _, _, holder = heapq.heappop(heap)
            if holder.queued == deadline:
                holder.queued = math.inf
                yield deadline, holder


class Rounds(Generic[H]):
    """Like `Timers`, for many holders due at the same instants, handed out together by key."""

    def __init__(self) -> None:
        self._instants: list[float] = []
        self._holders: dict[float, list[H]] = {}

    def first(self) -> float:
        """No timer is due before this; infinity if there is none."""
        return self._instants[0] if self._instants else math.inf

    def arm(self, holder: H, deadline: float) -> None:
        """See to it that the holder comes up at the deadline or earlier."""
        if deadline < holder.queued:
            holder.queued = deadline
            holders = self._holders.get(deadline)
            if holders is None:
                self._holders[deadline] = [holder]
                heapq.heappush(self._instants, deadline)
            else:
                holders.append(holder)

    def due(self, limit: float) -> Iterator[tuple[float, list[H]]]:
        """Deadlines by `limit` in order, each with its holders; arm all again before the next."""
        while self._instants and self._instants[0] <= limit:
            deadline = heapq.heappop(self._instants)
            holders = [
                holder for holder in self._holders.pop(deadline) if holder.queued == deadline
            ]
            holders.sort(key=_key_of)
            for holder in holders:
                holder.queued = math.inf
            yield deadline, holders


_key_of = operator.attrgetter("key")
