"""A full disk under the saved state: said in plain words, waited for, and never a loss."""

import errno
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.base import Health, Stopped

NEEDED = 4 << 20
LEAST = 1 << 20
"""Bytes that must be free whenever a state is saved."""
LOOK = 1.0
NAME = "saved state"


@contextmanager
def room_for(folder: Path, health: Health, stopping: threading.Event) -> Iterator[None]:
    """Wait until the disk of `folder` has room for the saved state.

    Raises `Stopped` when asked to stop while waiting, and in place of the error of a disk that
    becomes full meanwhile: what was saved last still holds, and the next start goes on from there.
    """
    _wait(folder, health, stopping)
    try:
        yield
    except Exception as error:
        if not is_full(error):
            raise
        raise Stopped(
            f"the disk of {folder} is full; make room ({NEEDED >> 20} MiB or more): the next start"
            " waits for it and goes on from the state saved last, so nothing is lost"
        ) from error


def check_room(folder: Path) -> None:
    """Raise `OSError` before the engine saves to a disk without room.

    The engine's own error ends the process by a signal now and then, for it may fail a second time
    while it passes the first one on.
    """
    if shutil.disk_usage(folder).free < LEAST:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def _wait(folder: Path, health: Health, stopping: threading.Event) -> None:
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    waited = False
    while (free := shutil.disk_usage(there).free) < NEEDED:
        waited = True
        health.degraded(
            NAME,
            f"the disk of {folder} is full ({free >> 10} KiB free); make room, {NEEDED >> 20} MiB"
            " or more, to go on",
        )
        if stopping.wait(LOOK):
            raise Stopped(health.down[NAME])
    if waited:
        health.up(NAME)


def is_full(error: BaseException) -> bool:
    """Whether a disk or a quota without space is behind an error.

    Bytewax has SQLite's word for it in a text only.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if (
            isinstance(seen, sqlite3.Error)
            and getattr(seen, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        ):
            return True
        if "SqliteFailure" in str(seen) and "DiskFull" in str(seen):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
