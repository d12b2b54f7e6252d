"""Which event has which key: two events never share one, and an event keeps its own."""

from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import msgspec

from connectors.runtime.line_log import LineLog

REMEMBERED = 10_000


class KeyRegister:
    """Gives an event the key it wants, or the first that is free of `…_2`, `…_3` and so on.

    An event that comes again gets its key again, also after a restart: the last `REMEMBERED` keys
    are kept in a file, a line each (`[wanted, event, key]`). Without a path they are kept in memory
    only. Not thread-safe.
    """

    def __init__(self, path: Path | None) -> None:
        self._keys: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._taken: set[str] = set()
        self._log = LineLog(path, self._read, self._lines, "the key of an event")
        self.sync = self._log.sync
        self.close = self._log.close

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
        self._log.write(msgspec.json.encode((wanted, event, key)))
        return key

    def _remember(self, wanted: str, event: str, key: str) -> None:
        self._keys[wanted, event] = key
        self._taken.add(key)
        while len(self._keys) > REMEMBERED:
            _, old = self._keys.popitem(last=False)
            self._taken.discard(old)

    def _read(self, line: bytes) -> None:
        self._remember(*msgspec.json.decode(line, type=tuple[str, str, str]))

    def _lines(self) -> Iterator[bytes]:
        return (msgspec.json.encode((*one, key)) for one, key in self._keys.items())


def with_suffix(key: str, suffix: str) -> str:
    """A key with a suffix before its ending: `a/b.jpg` and `_2` make `a/b_2.jpg`."""
    folder, slash, name = key.rpartition("/")
    stem, dot, ending = name.rpartition(".")
    if not stem:
        return f"{key}{suffix}"
    return f"{folder}{slash}{stem}{suffix}{dot}{ending}"
