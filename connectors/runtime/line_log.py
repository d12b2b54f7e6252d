"""A file in which a sink remembers across crashes: a log of lines."""

import contextlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

import msgspec

from connectors.runtime.private_files import open_private, private_folder, write_private

COMPACT_BYTES = 4 << 20


class LineLog:
    """Lines without their end of line. With no path nothing is kept on disk. Not thread-safe.

    `read` takes each line that is there, and raises `ValueError` or `MsgspecError` where it is none
    of `holds`; a last line that was only partly written is left out. `lines` are those that say
    what the file should hold by now: it is written anew at the start and when it has grown long.
    """

    def __init__(
        self,
        path: Path | None,
        read: Callable[[bytes], None],
        lines: Callable[[], Iterable[bytes]],
        holds: str,
    ) -> None:
        self.durable = path is not None
        self._lines = lines
        self._waiting: list[bytes] = []
        self._file: IO[bytes] | None = None
        self._size = self._longest = 0
        if path is not None:
            private_folder(path.parent)
            _replay(path, read, holds)
            self._rewrite(path)

    def write(self, line: bytes) -> None:
        """Add a line; it is not in the file before `sync`."""
        if self._file is not None:
            self._waiting.append(line + b"\n")

    def sync(self) -> None:
        """Return when all lines are on disk.

        Raises `OSError` where they cannot be; the file then is as it was, and they still wait.
        """
        if self._file is None or not self._waiting:
            return
        if self._size > self._longest:
            with contextlib.suppress(OSError):  # there may be room for a few lines more
                self._rewrite(Path(self._file.name))
                return
        self._append(self._file, b"".join(self._waiting))
        self._waiting.clear()

    def forget_waiting(self) -> None:
        """Leave out the lines that no `sync` has put on disk."""
        self._waiting.clear()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self.sync()
            self._file.close()
            self._file = None

    def _append(self, file: IO[bytes], lines: bytes) -> None:
        rest = memoryview(lines)
        try:
            while rest:
                rest = rest[file.write(rest) :]
            os.fsync(file.fileno())
        except OSError:
            with contextlib.suppress(OSError):
                file.truncate(self._size)
            raise
        self._size += len(lines)

    def _rewrite(self, path: Path) -> None:
        whole = b"".join(line + b"\n" for line in self._lines())
        write_private(path, whole)
        if self._file is not None:
            self._file.close()
        self._file = open_private(path, "ab", buffering=0)
        self._waiting.clear()
        self._size = len(whole)
        self._longest = COMPACT_BYTES + 2 * len(whole)


def _replay(path: Path, read: Callable[[bytes], None], holds: str) -> None:
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return
    for number, line in enumerate(lines, 1):
        try:
            read(line)
        except (ValueError, msgspec.MsgspecError) as error:
            raise ValueError(
                f"{path}, line {number}: expected {holds}, got {line[:80]!r} ({error});"
                " move the file away to go on without what it holds"
            ) from error
