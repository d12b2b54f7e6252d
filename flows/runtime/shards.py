"""Which shards of a flow a process runs, and the locks that keep two processes off one shard."""

import fcntl
import io
import math
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TextIO

from connectors.runtime.private_files import open_private, private_folder


class StateError(Exception):
    """The saved state cannot be used as it is; the message says why and names the remedy."""


@dataclass(frozen=True)
class Share:
    """Process `number` of `count`, from 1.

    It runs every shard whose number leaves `number - 1` over when divided by `count`.
    """

    number: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `1/2`; raises ValueError with the remedy."""
        found = re.fullmatch(r"([1-9]\d{0,3})/([1-9]\d{0,3})", text)
        if found is None or int(found[1]) > int(found[2]):
            raise ValueError(
                f"{text!r} is no share of a flow; write NUMBER/COUNT, such as 1/2 and 2/2 for two"
                " processes"
            )
        return cls(int(found[1]), int(found[2]))

    def has(self, partition: int) -> bool:
        """Whether this process works on a partition."""
        return partition % self.count == self.number - 1

    @property
    def name(self) -> str | None:
        """A word for files and keys that processes must not share; None where there is one."""
        return f"{self.number}of{self.count}" if self.count > 1 else None

    @classmethod
    def of_name(cls, name: str) -> Self:
        """From `name`; raises ValueError."""
        return cls.parse(name.replace("of", "/"))

    def overlaps(self, other: "Share") -> bool:
        """Whether some partition is in both."""
        return (self.number - other.number) % math.gcd(self.count, other.count) == 0

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


WHOLE = Share()


@contextmanager
def lock_shards(folder: Path, shards: Iterable[str], share: Share) -> Iterator[None]:
    """Keep other processes off these shards while this one runs; raises `StateError`.

    Two processes that write one state make it useless. The kernel lets go of the locks when the
    process ends, however it ends.
    """
    private_folder(folder)
    locks: list[TextIO] = []
    taken: dict[str, list[str]] = {}
    try:
        for shard in shards:
            file = io.TextIOWrapper(open_private(folder / f"running-{shard}", "ab+"), "utf-8")
            locks.append(file)
            holder = _lock(file, share)
            if holder is not None:
                taken.setdefault(holder, []).append(shard)
        if taken:
            who = " and ".join(
                f"{_numbered(numbers)} as {holder}" for holder, numbers in sorted(taken.items())
            )
            raise StateError(
                f"this flow runs already on the saved state in {folder}: {who}. Stop that process"
                " first, or give this one another folder with --data; to share a flow out, give"
                " each process its own part: --process 1/2, --process 2/2"
            )
        yield
    finally:
        for lock in locks:
            lock.close()


def _lock(file: TextIO, share: Share) -> str | None:
    """Take a lock, or say who has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        return file.read().strip() or "an unknown process"
    file.truncate(0)
    file.write(f"process {os.getpid()} (--process {share})\n")
    file.flush()
    return None


def _numbered(shards: list[str]) -> str:
    return f"shard{'s' if len(shards) > 1 else ''} {', '.join(shards)}"


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Keep other processes from arranging the saved states in a folder; wait while one does."""
    private_folder(folder)
    with open_private(folder / "arranging", "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
