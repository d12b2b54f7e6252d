"""The lines of one key of an archive, over its numbered objects, none of them twice."""

import hashlib
from collections.abc import Callable, Iterable

import msgspec

from operators.events import AlarmTransition, Event

FINGERPRINT_BYTES = 100
"""Memory that one fingerprint takes, about."""


def digest(data: bytes) -> bytes:
    """The 16 bytes of a BLAKE2b hash."""
    return hashlib.blake2b(data, digest_size=16).digest()


def fingerprint(event: Event, line: bytes) -> bytes:
    """The digest by which an event is found that is there already.

    It is that of its line; of an alarm transition that of its id, for its time `recorded` may
    differ if it is made again after a restart.
    """
    by_id = isinstance(event, AlarmTransition) and _id_of(line) == event.id
    return digest(event.id.encode() if by_id else line)


class _Known(msgspec.Struct):
    """The part of a line that tells two events apart."""

    id: str


_known = msgspec.json.Decoder(_Known).decode


def _id_of(line: bytes) -> str | None:
    """The id in a line; None where its shape has none, or one of another type."""
    try:
        return _known(line).id
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


class Span:
    """The lines of one key; its last object is in memory until it has `size` bytes.

    Of the objects before it only the fingerprints of their lines are kept.
    """

    def __init__(self, size: int) -> None:
        self.number = 0
        self.lines: list[bytes] = []
        self.bytes = 0
        self.waiting: list[tuple[bytes, bytes]] = []
        self._size = size
        self._before: set[bytes] = set()
        self._last: set[bytes] = set()

    def read_other(self, content: bytes) -> list[bytes]:
        """Take note of the lines of an object that is not continued here; returns them."""
        lines = content.splitlines(keepends=True)
        if lines and not lines[-1].endswith(b"\n"):
            lines.pop()  # a store that keeps half of what it was given
        self._before.update(map(digest, lines))
        self._before.update(
            digest(id.encode()) for line in lines if (id := _id_of(line)) is not None
        )
        return lines

    def read_back(self, number: int, content: bytes) -> None:
        """Go on with an object of an earlier process; objects come in order of their numbers."""
        lines = self.read_other(content)
        self.number = number
        self.lines, self.bytes = lines, sum(map(len, lines))

    def skip(self, number: int) -> None:
        """Leave an object as it is, and go on behind it."""
        self.number = number + 1
        self.lines, self.bytes = [], 0

    def add(self, lines: Iterable[tuple[bytes, bytes]]) -> None:
        """Queue the lines that are new, each with its fingerprint."""
        for key, line in lines:
            if key not in self._before and key not in self._last:
                self._last.add(key)
                self.waiting.append((key, line))

    def write(self, put: Callable[[int, bytes], None]) -> None:
        """Write objects until no line waits. Lines stay queued when `put` raises."""
        while self.waiting:
            if self.lines and self.bytes + len(self.waiting[0][1]) > self._size:
                self._next()
            count, total = 0, self.bytes
            for _, line in self.waiting:
                if total and total + len(line) > self._size:
                    break
                count, total = count + 1, total + len(line)
            lines = self.lines + [line for _, line in self.waiting[:count]]
            put(self.number, b"".join(lines))
            self.lines, self.bytes = lines, total
            del self.waiting[:count]

    @property
    def memory(self) -> int:
        """Bytes of memory it needs, about."""
        return self.bytes + FINGERPRINT_BYTES * (len(self._before) + len(self._last))

    def _next(self) -> None:
        self.number += 1
        self.lines, self.bytes = [], 0
        self._last = {key for key, _ in self.waiting}
