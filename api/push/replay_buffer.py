"""The replay buffer: the last updates, for clients that come back."""

import collections
import itertools
from collections.abc import Iterator, Mapping

from api.push.cursor import BEGINNING, Position
from api.push.send_buffer import LatestOnly
from api.push.updates import Update


class ReplayBuffer:
    """Updates in the order they went out, and how far back they reach in each partition."""

    def __init__(self, updates: int, size: int) -> None:
        """Keeps at most `updates` updates whose data are at most `size` characters together."""
        self._most_updates = updates
        self._most_size = size
        self._size = 0
        self._updates: collections.deque[Update] = collections.deque()
        self._floors: dict[str, Position] = {}
        self._first = 0

    def __len__(self) -> int:
        return len(self._updates)

    def begin(self, partition: str, position: Position) -> None:
        """A partition is read from a position on: what came before is not known."""
        self._floors[partition] = position

    def forget(self, partitions: set[str]) -> None:
        """Drop partitions that no longer exist: cursors that name them cannot be resumed."""
        for partition in partitions:
            self._floors.pop(partition, None)

    def add(self, update: Update) -> None:
        """Keep an update.

        Pictures are not kept: nobody wants the missed ones, and they would push out everything
        else.
        """
        if isinstance(update.state_key, LatestOnly):
            return
        self._updates.append(update)
        self._size += len(update.data)
        while len(self._updates) > self._most_updates or self._size > self._most_size:
            oldest = self._updates.popleft()
            self._first += 1
            self._size -= len(oldest.data)
            self._floors[oldest.partition] = oldest.next

    def holds(self, cursor: Mapping[str, Position]) -> bool:
        """Whether everything after the cursor is still here."""
        return cursor.keys() <= self._floors.keys() and all(
            cursor.get(partition, BEGINNING) >= floor for partition, floor in self._floors.items()
        )

    def after(
        self, cursor: Mapping[str, Position], at_once: int
    ) -> Iterator[tuple[list[Update], bool] | None]:
        """The updates after a cursor, in order, of `at_once` at a time, and whether more may come.

        What is added between two slices comes with a later one; None says that some were dropped
        before their turn.
        """
        number = self._first
        while number < self._first + len(self._updates):
            if number < self._first:
                yield None
                return
            start = number - self._first
            part = list(itertools.islice(self._updates, start, start + at_once))
            number += len(part)
            yield (
                [one for one in part if one.next > cursor.get(one.partition, BEGINNING)],
                len(part) == at_once,
            )
