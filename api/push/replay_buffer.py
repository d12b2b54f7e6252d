"""The last updates, so that a client that comes back gets what it missed."""

import collections
from collections.abc import Iterator, Mapping

from api.push.cursor import BEGINNING, Place
from api.push.send_buffer import OnlyNewest
from api.push.updates import Update


class Journal:
    """A bounded list of updates in the order they were handed out, with what it no longer holds
    of each partition.
    """

    def __init__(self, updates: int, size: int) -> None:
        """Keeps at most `updates` updates whose data are at most `size` characters together."""
        self._most_updates = updates
        self._most_size = size
        self._size = 0
        self._updates: collections.deque[Update] = collections.deque()
        self._floors: dict[str, Place] = {}

    def __len__(self) -> int:
        return len(self._updates)

    def begin(self, part: str, place: Place) -> None:
        """A partition is read from `place` on: what was before it is not known."""
        self._floors[part] = place

    def forget(self, parts: set[str]) -> None:
        """Partitions that are no more: cursors that know them cannot be honoured any longer."""
        for part in parts:
            self._floors.pop(part, None)

    def add(self, update: Update) -> None:
        """Keep an update; pictures are not: nobody wants those that he missed, and they would
        push out everything else.
        """
        if isinstance(update.state_key, OnlyNewest):
            return
        self._updates.append(update)
        self._size += len(update.data)
        while len(self._updates) > self._most_updates or self._size > self._most_size:
            oldest = self._updates.popleft()
            self._size -= len(oldest.data)
            self._floors[oldest.part] = oldest.next

    def holds(self, cursor: Mapping[str, Place]) -> bool:
        """Whether everything after the cursor is still here."""
        return cursor.keys() <= self._floors.keys() and all(
            cursor.get(part, BEGINNING) >= floor for part, floor in self._floors.items()
        )

    def after(self, cursor: Mapping[str, Place]) -> Iterator[Update]:
        """The updates that whoever stopped at the cursor has not seen, in order."""
        for update in self._updates:
            if update.next > cursor.get(update.part, BEGINNING):
                yield update
