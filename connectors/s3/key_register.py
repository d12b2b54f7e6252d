"""Which event has which key: two events never share one, and an event keeps its own."""

import os
from collections import OrderedDict
from pathlib import Path
from typing import BinaryIO

import msgspec

from connectors.runtime.private_files import open_private, private_folder, write_private

REMEMBERED = 10_000


class KeyRegister:
    """Gives an event the key it wants, or the first that is free of `…_2`, `…_3` and so on.

    An event that comes again gets its key again, also after a restart: the last `REMEMBERED` keys
    are kept in a file, a line each (`[wanted, event, key]`). Without a path they are kept in memory
    only. Not thread-safe.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._keys: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._taken: set[str] = set()
        self._file: BinaryIO | None = None
        self._lines = 0
        if path is not None:
            private_folder(path.parent)
            self._read(path)
            self._rewrite(path)

    def key(self, wanted: str, event: str) -> str:
        """The key of an event; durable after `sync`."""
        known = self._keys.get((wanted, event))
        if known is not None:
            return known
        key, number = wanted, 1
        while key in self._taken:
            number += 1
            key = with_suffix(wanted, f"_{number}")
        self._remember(wanted, event, key)
        if self._file is not None:
            self._file.write(msgspec.json.encode((wanted, event, key)) + b"\n")
            self._lines += 1
        return key

    def sync(self) -> None:
        """Return when all keys are on disk."""
        if self._file is None or self._path is None:
            return
        if self._lines > 2 * REMEMBERED:
            self._rewrite(self._path)
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _remember(self, wanted: str, event: str, key: str) -> None:
        self._keys[wanted, event] = key
        self._taken.add(key)
        while len(self._keys) > REMEMBERED:
            _, old = self._keys.popitem(last=False)
            self._taken.discard(old)

    def _read(self, path: Path) -> None:
        """Read the lines; one that a kill cut short is none."""
        try:
            lines = path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return
        for line in lines:
            try:
                wanted, event, key = msgspec.json.decode(line, type=tuple[str, str, str])
            except msgspec.MsgspecError:
                continue
            self._remember(wanted, event, key)

    def _rewrite(self, path: Path) -> None:
        self.close()
        lines = [msgspec.json.encode((*one, key)) + b"\n" for one, key in self._keys.items()]
        write_private(path, b"".join(lines))
        self._lines = len(lines)
        # closed by `close`
        self._file = open_private(path, "ab")  # type: ignore[assignment]


def with_suffix(key: str, suffix: str) -> str:
    """A key with a suffix before its ending: `a/b.jpg` and `_2` make `a/b_2.jpg`."""
    folder, slash, name = key.rpartition("/")
    stem, dot, ending = name.rpartition(".")
    if not stem:
        return f"{key}{suffix}"
    return f"{folder}{slash}{stem}{suffix}{dot}{ending}"
