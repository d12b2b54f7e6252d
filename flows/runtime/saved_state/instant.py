"""Files of saved state as they are at one instant, while a process writes them."""

import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

COPY = Path(__file__).with_name("database_copy.py")
DATABASES = {".sqlite", ".sqlite3", ".db"}
LEFT_OUT = re.compile(
    r"(running-.*|member-.*|arranging|new-\d+|old-.*|.*-(wal|shm|journal)|.*\.new|.*\.log)"
)
"""Locks, names of processes, logs, and what SQLite and we ourselves have under way."""


def files(folder: Path) -> Iterator[Path]:
    """The files below a folder that belong to a copy of it, by their paths from there."""
    for path in sorted(folder.rglob("*")):
        part = path.relative_to(folder)
        is_left_out = any(LEFT_OUT.fullmatch(name) for name in part.parts)
        if path.is_file() and not path.is_symlink() and not is_left_out:
            yield part


def content(path: Path, copy: Path) -> bytes | None:
    """A file as it is at one instant; None if it went meanwhile, as superseded states do.

    A SQLite database is copied by its own backup, to `copy` first, in a process of its own. Raises
    `sqlite3.Error`.
    """
    try:
        if path.suffix not in DATABASES:
            return path.read_bytes()
        copy.unlink(missing_ok=True)
        command = [sys.executable, "-I", "-S", str(COPY), str(path), str(copy)]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
        if done.returncode and path.exists():
            raise sqlite3.OperationalError(f"{path}: {done.stderr.strip()}")
        return copy.read_bytes()
    except FileNotFoundError:
        return None
