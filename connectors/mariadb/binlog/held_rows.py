"""Row packets of a transaction that is not yet committed."""

import struct
import tempfile
from collections.abc import Iterator
from typing import IO, Generic, TypeVar

from connectors.base import ConnectorError

MEMORY_BYTES = 32 << 20
_HEAD = struct.Struct("<II")

T = TypeVar("T")


class HeldRows(Generic[T]):
    """Packets with the table each belongs to, in their order.

    Beyond `MEMORY_BYTES` they go to a temporary file. A savepoint is a mark to which the end may go
    back.
    """

    def __init__(self) -> None:
        self._tables: list[T] = []
        self._packets: list[tuple[T, bytes]] = []
        self._size = 0
        self._file: IO[bytes] | None = None
        self._marks: dict[str, tuple[int, int]] = {}

    def append(self, table: T, packet: bytes) -> None:
        """Hold one packet more; raises `ConnectorError` where there is no room for it."""
        self._size += len(packet)
        if self._size <= MEMORY_BYTES:
            self._packets.append((table, packet))
            return
        if not self._tables or self._tables[-1] is not table:
            self._tables.append(table)
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115
            self._file.write(_HEAD.pack(len(self._tables) - 1, len(packet)) + packet)
        except OSError as error:
            raise ConnectorError(
                f"a transaction of more than {MEMORY_BYTES >> 20} MiB cannot be held until its"
                f" commit in {tempfile.gettempdir()}: {error}; make room there, or set TMPDIR"
            ) from error

    def mark(self, savepoint: str) -> None:
        """Remember the present end under a name."""
        self._marks[savepoint] = (len(self._packets), self._file.tell() if self._file else 0)

    def back_to(self, savepoint: str) -> None:
        """Forget what came after a mark, all where it was made before anything came."""
        count, end = self._marks.get(savepoint, (0, 0))
        del self._packets[count:]
        if self._file is not None:
            self._file.truncate(end)
            self._file.seek(end)

    def __iter__(self) -> Iterator[tuple[T, bytes]]:
        yield from self._packets
        if self._file is not None:
            self._file.seek(0)
            while head := self._file.read(_HEAD.size):
                number, length = _HEAD.unpack(head)
                yield self._tables[number], self._file.read(length)

    def clear(self) -> None:
        """Hold nothing any more."""
        self._packets.clear()
        self._tables.clear()
        self._marks.clear()
        self._size = 0
        if self._file is not None:
            self._file.close()
            self._file = None
