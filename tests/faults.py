"""Work that is killed, as by `kill -9`, after each thing it does that outlives a process.

The work runs in a child under a profile function, which counts files and folders that were made,
written, renamed or removed, statements of databases, and topics and buckets that were made. The
program knows nothing of it.
"""

import io
import multiprocessing
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from bytewax.recovery import init_db_dir
from clickhouse_connect.driver.httpclient import HttpClient
from kafka import KafkaAdminClient
from minio import Minio

OPENS = {io.open, os.open}
CHANGES = {
    *(os.mkdir, os.rmdir, os.chmod, os.fsync, os.ftruncate, os.truncate),
    *(os.link, os.unlink, os.remove, os.rename, os.replace, init_db_dir),
}
"""Functions after whose return something has changed on disk. What a file still has in its buffer
has not: it dies with the process.
"""
STATEMENTS = {"execute", "executemany", "executescript", "commit"}
"""Methods of SQLite's that change the disk unless a transaction is open at their return."""
ANSWERED = {
    HttpClient.command.__code__,
    KafkaAdminClient.create_topics.__code__,
    Minio.make_bucket.__code__,
    Minio.set_bucket_lifecycle.__code__,
}
"""Functions that return once a server has done what it was asked to."""
PRELOADED = [
    *("api.cli.administration", "api.database.database", "connectors.clickhouse.writer"),
    *("connectors.email.spool", "connectors.mariadb.start_file", "connectors.s3.uploads"),
    *("connectors.runtime.outage", "flows.runtime.saved_state.folder", "tests.conftest"),
    "tests.faults",
]
LONGEST_S = 120

_fork = multiprocessing.get_context("forkserver")
_fork.set_forkserver_preload(PRELOADED)


def killed_after_each_effect(
    work: Callable[..., object], arguments: Callable[[int], tuple[Any, ...]]
) -> Iterator[int]:
    """Yield n = 1, 2, … once a child that ran `work(*arguments(n))` has died of its n-th effect.

    The last n is that of the child that finished. `work` is a function of a module; what it gets
    must be picklable, and another place for each n. Every child imports that module: what takes
    long to import belongs into `PRELOADED`.
    """
    number = 1
    while _dies(number, work, arguments(number)):
        yield number
        number += 1
    assert number > 2, f"{work.__name__} has not two effects: nothing was cut off"
    yield number


def _dies(after: int, work: Callable[..., object], arguments: tuple[Any, ...]) -> bool:
    child = _fork.Process(target=_run, args=(after, work, arguments))
    child.start()
    child.join(LONGEST_S)
    if child.exitcode is None:
        child.kill()
    assert child.exitcode in (0, -signal.SIGKILL), (
        f"{work.__name__} ended with exit status {child.exitcode} instead of being killed after"
        f" effect {after}; its traceback is on stderr"
    )
    return child.exitcode != 0


def _run(after: int, work: Callable[..., object], arguments: tuple[Any, ...]) -> None:
    sys.dont_write_bytecode = True
    effects = _Effects(after)
    sys.addaudithook(effects.audit)
    threading.setprofile(effects.profile)
    sys.setprofile(effects.profile)
    try:
        work(*arguments)
    finally:
        sys.setprofile(None)


class _Effects:
    """Counts effects, and kills the process after the last one it may have."""

    def __init__(self, left: int) -> None:
        self._left = left
        self._lock = threading.Lock()
        self._opened = threading.local()

    def audit(self, event: str, details: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(details[2], int):
            self._opened.writes = bool(details[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))

    def profile(self, frame: FrameType, event: str, function: Any) -> None:
        if (event == "c_return" and self._changes(function)) or (
            event == "return" and frame.f_code in ANSWERED
        ):
            with self._lock:
                self._left -= 1
                if self._left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

    def _changes(self, function: Any) -> bool:
        owner = getattr(function, "__self__", None)
        if isinstance(owner, sqlite3.Connection | sqlite3.Cursor):
            connection = owner.connection if isinstance(owner, sqlite3.Cursor) else owner
            return function.__name__ in STATEMENTS and not connection.in_transaction
        if owner is not None and type(owner) is not type(os):  # the method of an object
            return False
        return function in CHANGES or (function in OPENS and getattr(self._opened, "writes", False))
