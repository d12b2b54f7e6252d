"""Up to where the pictures of a topic are dealt with, and the file that remembers it."""

import heapq
import json
import logging
import threading
from dataclasses import dataclass, field
from pathlib import Path

from connectors.base import ConnectorError
from connectors.runtime.private_files import private_folder, write_private

log = logging.getLogger("vigie")


@dataclass(slots=True)
class _Partition:
    next: int
    generation: int = 0
    under_way: list[int] = field(default_factory=list)  # a heap
    done: set[int] = field(default_factory=set)

    def position(self) -> int:
        while self.under_way and self.under_way[0] in self.done:
            self.done.discard(heapq.heappop(self.under_way))
        return self.under_way[0] if self.under_way else self.next


@dataclass(frozen=True, slots=True)
class Place:
    """Where a picture is; `generation` tells topics of one name apart, one made after another."""

    partition: int
    offset: int
    generation: int = 0


class Positions:
    """Pictures are read in order and dealt with in any; the position is the first that is not.

    `file` of None keeps nothing. Thread-safe.
    """

    def __init__(self, file: Path | None, topic: str) -> None:
        self._file = file
        self._topic = topic
        self._lock = threading.Lock()
        self._id: str | None = None
        self._warned = False
        self._partitions = {number: _Partition(offset) for number, offset in self._load().items()}
        self._saved = self.all()

    def is_other(self, id: str | None) -> bool:
        """Whether this id is known to be that of another topic than the positions belong to."""
        return None not in (self._id, id) and self._id != id

    def is_of(self, id: str | None) -> None:
        """The positions belong to the topic of this id, from now on."""
        self._id = id

    def start(self, partition: int, offset: int, anew: bool = False) -> None:
        """Reading goes on at an offset; `anew` for a topic that was made anew."""
        with self._lock:
            found = self._partitions.get(partition)
            generation = 0 if found is None else found.generation + anew
            if found is None or anew:
                self._partitions[partition] = _Partition(offset, generation)
            else:
                found.next = max(found.next, offset)

    def read(self, partition: int, offset: int) -> Place:
        """A picture was read."""
        with self._lock:
            found = self._partitions[partition]
            heapq.heappush(found.under_way, offset)
            found.next = offset + 1
            return Place(partition, offset, found.generation)

    def done(self, place: Place) -> None:
        """A picture is dealt with: what was found on it is durable, or it is skipped."""
        with self._lock:
            found = self._partitions.get(place.partition)
            if found is not None and found.generation == place.generation:
                found.done.add(place.offset)

    def next(self, partition: int) -> int | None:
        """The offset to read next; None for a partition that was never read."""
        with self._lock:
            found = self._partitions.get(partition)
            return None if found is None else found.next

    def all(self) -> dict[int, int]:
        """The position of each partition."""
        with self._lock:
            return {number: each.position() for number, each in self._partitions.items()}

    def save(self) -> None:
        """Keep the positions, durably; does nothing where none changed.

        A disk that takes none costs no more than pictures that are looked at again after a restart.
        """
        positions = self.all()
        if self._file is None or positions == self._saved:
            return
        written = {str(number): offset for number, offset in sorted(positions.items())}
        text = json.dumps(
            {"version": 1, "topic": self._topic, "id": self._id, "positions": written}
        )
        try:
            private_folder(self._file.parent)
            write_private(self._file, text.encode())
        except OSError as error:
            if not self._warned:
                log.warning("%s cannot be written: %s", self._file, error.strerror)
            self._warned = True
            return
        self._saved, self._warned = positions, False

    def _load(self) -> dict[int, int]:
        if self._file is None or not self._file.exists():
            return {}
        try:
            kept = json.loads(self._file.read_bytes())
            if kept["topic"] != self._topic:
                return {}
            self._id = kept.get("id")
            return {int(number): int(offset) for number, offset in kept["positions"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning(
                "%s holds no positions (%s); the pictures of the last seconds are looked at",
                self._file,
                error,
            )
            return {}


def positions_file(folder: str | None, source: str) -> Path | None:
    """Where the positions of a source are kept. Raises `ConnectorError` for a name with a slash."""
    if "/" in source:
        raise ConnectorError(f"expected the name of a source, got {source!r}")
    return None if folder in (None, "None") else Path(str(folder)) / f"detection-{source}.json"
