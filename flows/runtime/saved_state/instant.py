"""Files of saved state as they are at one instant, while a process writes them."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

DATABASES = {".sqlite", ".sqlite3", ".db"}
LEFT_OUT = re.compile(r"(running-.*|arranging|new-\d+|old-.*|.*-(wal|shm|journal)|.*\.new|.*\.log)")
"""Locks, logs, and what SQLite and we ourselves have under way."""


def files(folder: Path) -> Iterator[Path]:
    """The files below a folder that belong to a copy of it, by their paths from there."""
    for path in sorted(folder.rglob("*")):
        part = path.relative_to(folder)
        is_left_out = any(LEFT_OUT.fullmatch(name) for name in part.parts)
        if path.is_file() and not path.is_symlink() and not is_left_out:
            yield part


def content(path: Path, copy: Path) -> bytes | None:
    """A file as it is at one instant; None if it went meanwhile, as superseded states do.

    A SQLite database is copied by its own backup, to `copy` first. Raises `sqlite3.Error`.
    """
    try:
        if path.suffix not in DATABASES:
            return path.read_bytes()
        copy.unlink(missing_ok=True)
        with (
            closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
        return copy.read_bytes()
    except FileNotFoundError:
        return None
    except sqlite3.OperationalError:
        if not path.exists():
            return None
        raise
