"""The files of a folder by what they hold, not by their times, and only once they hold still."""

from collections.abc import Iterable
from pathlib import Path

from flows.site.version import content

Stamp = tuple[int, int, int, int]
SUFFIXES = (".yaml", ".yml")


def definitions(folder: Path, site: Path) -> list[Path]:
    """The files of a folder that may be definitions; those with a dot in front are not."""
    try:
        found = sorted(folder.iterdir())
    except OSError:
        return []
    return [
        path
        for path in found
        if path.suffix in SUFFIXES and not path.name.startswith(".") and path != site
    ]


class Contents:
    """Hashes of files, read again when their inode, size or times changed.

    The change time moves with every write and rename, also where the modification time goes back.
    """

    def __init__(self) -> None:
        self._known: dict[Path, tuple[Stamp, str]] = {}

    def of(self, path: Path) -> str:
        """The hash of a file; empty where there is none."""
        try:
            stat = path.stat()
        except OSError:
            self._known.pop(path, None)
            return ""
        stamp = (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
        known = self._known.get(path)
        if known is None or known[0] != stamp:
            self._known[path] = known = (stamp, content(path))
        return known[1]


class Watch:
    """Tells which definitions changed, or something that they read.

    A change counts once two looks in a row found the same: half of a file is no change.
    """

    def __init__(self, folder: Path, site: Path) -> None:
        self._folder, self._site = folder, site
        self._contents = Contents()
        self._read_by: dict[Path, tuple[Path, ...]] = {}
        self._last: dict[Path, tuple[str, ...]] = {}
        self._settled: dict[Path, tuple[str, ...]] = {}

    def reads(self, definition: Path, files: Iterable[str]) -> None:
        """Have a change of these files be one of the definition."""
        self._read_by[definition] = tuple(Path(file) for file in files)

    def look(self) -> list[Path]:
        """The definitions that are new or changed since the last look."""
        now = {path: self._state(path) for path in definitions(self._folder, self._site)}
        changed = [
            path
            for path, state in now.items()
            if state == self._last.get(path) and state != self._settled.get(path)
        ]
        for path in self._last.keys() - now.keys():
            self._settled.pop(path, None)
        self._settled.update((path, now[path]) for path in changed)
        self._last = now
        return changed

    def _state(self, path: Path) -> tuple[str, ...]:
        files = (path, self._site, *self._read_by.get(path, ()))
        return tuple(self._contents.of(file) for file in dict.fromkeys(files))
