"""The order in which the partitions of a source were taken, for a run that is killed."""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from connectors.runtime.private_files import open_private, write_private
from flows.runtime.sources.taken_again import Release

MOST_BYTES = 2 << 20
"""Then another file is begun, and the one before that is let go: what is kept reaches back over
many epochs.
"""


class OrderJournal:
    """A file with what each release brought of the partitions of a source: counts, a line each.

    A line is in the file before anything that follows from the release leaves the process. It
    outlives the process, not the machine.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._older = path, path.with_name(f"{path.name}.older")
        self._size = path.stat().st_size if path.exists() else 0
        self._file: int | None = None

    def after(self, taken: Mapping[str, int]) -> list[Release]:
        """The releases behind the counts of a saved state."""
        return [
            release
            for release in self._lines()
            if any(count > taken.get(part, 0) for part, count in release.items())
        ]

    def add(self, release: Release) -> None:
        """Note a release: of each partition that it brought something of, the events so far."""
        line = f"{json.dumps(release)}\n".encode()
        if self._size + len(line) > MOST_BYTES:
            self._turn_over()
        if self._file is None:
            with open_private(self._path, "ab") as file:
                self._file = os.dup(file.fileno())
        os.write(self._file, line)
        self._size += len(line)

    def _turn_over(self) -> None:
        self.close()
        self._path.replace(self._older)
        self._size = 0

    def replace(self, releases: Iterable[Release]) -> None:
        """Have the journal hold these releases alone."""
        self.close()
        self._older.unlink(missing_ok=True)
        lines = [f"{json.dumps(release)}\n" for release in releases]
        self._size = sum(map(len, lines))
        if lines or self._path.exists():
            write_private(self._path, "".join(lines).encode())

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _lines(self) -> list[Release]:
        releases: list[Release] = []
        for path in (self._older, self._path):
            for line in path.read_bytes().splitlines() if path.exists() else ():
                with suppress(ValueError):  # a line may end where the disk was full
                    releases.append(json.loads(line))
        return releases


def counted(taken: dict[str, int], brought: Iterable[tuple[str, int]]) -> Release:
    """Add what a release brings of each partition to `taken`; returns the counts of these."""
    parts: dict[str, int] = {}
    for part, count in brought:
        if count:
            parts[part] = taken[part] = taken.get(part, 0) + count
    return parts
