"""A flow whose saved state outlives its machine: one process runs it, and copies what it saves."""

import fcntl
import logging
import os
import socket
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NoReturn, TypeVar

import msgspec
from kafka.errors import KafkaError

from connectors.base import Health
from connectors.config.site import Site
from connectors.kafka.connection import TopicConnection
from connectors.kafka.fencing.fence import Fence, LeaseLost
from connectors.kafka.leases.lease import Lease
from connectors.kafka.producer_client import open_producer
from connectors.runtime.private_files import open_private, private_folder, write_private
from connectors.runtime.threaded_writer import Retry
from connectors.s3.connection import ObjectStoreConnection
from connectors.s3.settings import Settings
from connectors.s3.store import ObjectRejected, Store
from flows.runtime.saved_state import points
from flows.runtime.saved_state.stores import stores
from flows.runtime.shards import StateError
from flows.runtime.status import Metrics

log = logging.getLogger("vigie")

EXIT_LOST = 75
SUFFIX = ".point"
T = TypeVar("T")
FAULTS = (Retry, ObjectRejected, sqlite3.Error, OSError)


class _Owner(msgspec.Struct):
    """Who has a flow's folder, and the epoch in which its state was written."""

    owner: str
    epoch: int = 0


class Recovery:
    """The points of one flow, and the lease that says who writes them.

    A point is named by its epoch, so a process that is no longer the owner can overwrite none of
    the next one's.
    """

    def __init__(self, site: Site, flow: str, data: Path) -> None:
        section = site.recovery
        self._flow, self._folder, self._data = flow, data / "flows" / flow, data
        self._every, self._epoch = section.every, 0
        self._prefix = f"{site.site}/{flow}/"
        connection = site.connection(section.connection, ObjectStoreConnection)
        settings = Settings(section.connection, str(section.objects), parallel=1)
        self._store = Store(connection, settings)
        self._mine = self._read_owner()
        self._broker = site.connection("redpanda", TopicConnection)
        self._lasts = section.lease
        self.lease: Lease | None = None
        self._ended = threading.Event()
        self._written = time.time()

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Wait until this process may run the flow, and have its state here."""
        private_folder(self._data)
        with open_private(self._data / f"recovery-{self._flow}.lock", "ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StateError(
                    f"another process runs the flow {self._flow!r} in {self._data}; stop it first"
                ) from None
            health = Health(self._say)
            self.lease = lease = Lease(
                self._broker, self._flow, self._mine.owner, self._lasts, health, threading.Event()
            )
            with lease.held(self._lost):
                self._bring(lease)
                yield

    def fence(self, topics: Iterable[str]) -> Fence | None:
        """What has the broker refuse the writes of a former owner; None if this broker cannot."""
        fence = Fence(f"{self._broker.prefix}{self._flow}", topics, self._confirm)
        try:
            open_producer(self._broker.fenced(fence), "fence").close(timeout=1)
        except (KafkaError, OSError) as error:
            log.warning(
                "%s: the broker does not refuse the writes of a process that lost its lease (%s);"
                " the lease alone guards. A user needs the right to Write the transactional ids"
                " that begin with %s",
                self._flow, error, fence.id_of(""),
            )  # fmt: skip
            return None
        return fence

    def _confirm(self) -> None:
        assert self.lease is not None
        try:
            self.lease.confirm()
        except LeaseLost as error:
            self._lost(str(error))

    def check(self) -> None:
        """End this process unless it alone may write."""
        try:
            if self.lease is not None:
                self.lease.check()
        except LeaseLost as error:
            self._lost(str(error))

    @contextmanager
    def copied(self, metrics: Metrics) -> Iterator[None]:
        """Write points meanwhile, and the last one at a clean end."""
        metrics.copied(lambda: time.time() - self._written)
        thread = threading.Thread(target=self._run, name="recovery", daemon=True)
        thread.start()
        try:
            yield
        except BaseException:
            self._ended.set()
            raise
        self._ended.set()
        thread.join()
        self._copy()

    def _run(self) -> None:
        is_down = False
        while not self._ended.wait(self._every):
            try:
                self._copy()
            except FAULTS as error:
                if not is_down:
                    log.warning("%s: the saved state cannot be copied: %s", self._flow, error)
                is_down = True
            else:
                if is_down:
                    log.info("%s: the saved state is copied again", self._flow)
                is_down = False

    def _copy(self) -> None:
        point = points.make(self._folder)
        self.check()
        self._put(point)
        self._written = time.time()

    def _put(self, point: bytes) -> None:
        name = f"{self._prefix}{self._epoch:010}{SUFFIX}"
        self._store.put(name, point, "application/octet-stream")

    def _bring(self, lease: Lease) -> None:
        """Have the newest state in the folder: what is there, or the last point."""
        before, owner = lease.before
        has_some = self._folder.exists() and bool(stores(self._folder))
        mine = (self._mine.epoch, self._mine.owner)
        is_newest = has_some and (before == 0 or (before, owner) == mine)
        self._until_done(self._store.make_ready)
        names = self._until_done(lambda: self._store.names(self._prefix))
        last = int(names[-1].removeprefix(self._prefix).removesuffix(SUFFIX)) if names else 0
        self._epoch = max(lease.epoch, last + 1)
        if not is_newest and names:
            point = self._until_done(lambda: self._store.get(names[-1]))
            points.put(point or b"", self._folder)
            log.info("%s: goes on from %s, which %s left", self._flow, names[-1], owner)
        elif not is_newest and before:
            log.warning(
                "%s: %s ran it and left no copy of its state in the object store: it goes on from"
                " %s", self._flow, owner, "what is here" if has_some else "nothing",
            )  # fmt: skip
        superseded = names[:-1]
        if not is_newest and names:
            # under a name of its own: the former owner may still write under the last one
            self._until_done(partial(self._put, point or b""))
            superseded = names
        for old in superseded:
            self._until_done(partial(self._store.delete, old))
        self._mine.epoch = lease.epoch
        private_folder(private_folder(self._data / "flows") / self._flow)
        write_private(self._folder / points.OWNER, msgspec.json.encode(self._mine))

    def _until_done(self, work: Callable[[], T]) -> T:
        while True:
            try:
                return work()
            except FAULTS as error:
                log.warning("%s: waits for its saved state: %s", self._flow, error)
                self.check()
                time.sleep(1.0)

    def _read_owner(self) -> _Owner:
        try:
            return msgspec.json.decode((self._folder / points.OWNER).read_bytes(), type=_Owner)
        except (OSError, msgspec.MsgspecError):
            return _Owner(f"{socket.gethostname()}/{uuid.uuid4().hex[:8]}")

    def _say(self, name: str, is_up: bool, detail: str) -> None:
        log.info("%s: %s %s", self._flow, name, detail)

    def _lost(self, why: str) -> NoReturn:
        """End at once: whatever is under way must not be written any more."""
        log.error("%s: ends at once: %s", self._flow, why)
        os._exit(EXIT_LOST)
