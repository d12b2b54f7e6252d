"""A flow whose saved state outlives its machine: one process runs it, and copies what it saves."""

import fcntl
import logging
import math
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
from typing import NamedTuple, NoReturn, TypeVar

import msgspec
from kafka.errors import KafkaError

from connectors.base import Health, Stopped
from connectors.config.site import Site
from connectors.kafka.connection import TopicConnection
from connectors.kafka.fencing.fence import Fence, LeaseLost
from connectors.kafka.leases.lease import STANDBY, Lease
from connectors.kafka.leases.ledger import Claim
from connectors.kafka.producer_client import open_producer
from connectors.runtime.private_files import open_private, private_folder, write_private
from connectors.runtime.threaded_writer import Retry
from connectors.s3.connection import ObjectStoreConnection
from connectors.s3.settings import Settings
from connectors.s3.store import ObjectRejected, Store
from flows.runtime.saved_state import points
from flows.runtime.saved_state.stores import stores
from flows.runtime.shards import WHOLE, Share, StateError
from flows.runtime.status import Metrics
from flows.site.recovery.slot import PROCESSES, SHARES

log = logging.getLogger("vigie")

EXIT_LOST = 75
SUFFIX = ".point"
T = TypeVar("T")
FAULTS = (Retry, ObjectRejected, sqlite3.Error, OSError)


class _Owner(msgspec.Struct):
    """Who has a flow's folder, and the term in which its state was written."""

    owner: str
    epoch: int = 0


class _Point(NamedTuple):
    """A copy of the state of a share, as it is found in the object store."""

    term: int
    share: Share
    name: str


class Recovery:
    """The points of one share of a flow, and the lease that says who writes them.

    A point is named by its term, so a process that is no longer the owner can overwrite none of the
    next one's. `data` is the folder of this share alone.
    """

    def __init__(
        self,
        site: Site,
        flow: str,
        data: Path,
        share: Share,
        stopping: threading.Event,
        silence: Callable[[str], float],
        stands_by: Callable[[str], None],
    ) -> None:
        section = site.recovery
        self._flow, self._folder, self._data = flow, data / "flows" / flow, data
        self._share, self._stopping, self._silence = share, stopping, silence
        self._stands_by = stands_by
        self._every, self._term = section.every, 0
        self._site = site.site
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
                self._broker,
                lease_of(self._flow, self._share),
                self._mine.owner,
                self._lasts,
                health,
                self._stopping,
                self._excludes,
                self._silence,
            )
            with lease.held(self._lost):
                self._bring(lease)
                yield

    @property
    def former(self) -> list[Share]:
        """Other shares that had some of the partitions since this one had them."""
        assert self.lease is not None
        names = (claim.lease for claim in self._others_before(self.lease))
        return [share for name in names if (share := share_of(self._flow, name)) is not None]

    def fence(self, topics: Iterable[str]) -> Fence | None:
        """What has the broker refuse the writes of a former owner; None if this broker cannot."""
        assert self.lease is not None
        former = [self._fence_of(claim.lease) for claim in self._others_before(self.lease)]
        fence = Fence(self._fence_of(self.lease.name), topics, self._confirm, former)
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
        try:
            self._copy()
        except FAULTS as error:
            raise Stopped(f"the saved state could not be copied: {error}") from error

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
        name = f"{self._prefix(self._share)}{self._term:010}{SUFFIX}"
        self._store.put(name, point, "application/octet-stream")

    def _prefix(self, share: Share) -> str:
        return f"{self._site}/{lease_of(self._flow, share)}/"

    def _excludes(self, lease: str) -> bool | None:
        """Whether another lease is of a share that has some of the same partitions."""
        share = share_of(self._flow, lease)
        return None if share is None else share != self._share and share.overlaps(self._share)

    def _fence_of(self, lease: str) -> str:
        return f"{self._broker.prefix}{lease}"

    def _others_before(self, lease: Lease) -> list[Claim]:
        """Those that had some of the partitions since this share had them, the newest first."""
        names = [claim.lease for claim in lease.before]
        mine = names.index(lease.name) if lease.name in names else len(names)
        return lease.before[:mine]

    def _bring(self, lease: Lease) -> None:
        """Have the newest state in the folder: what is there, or the last points."""
        last = lease.before[0] if lease.before else None
        has_some = self._folder.exists() and bool(stores(self._folder))
        mine = (lease.name, self._mine.owner, self._mine.epoch)
        is_newest = has_some and (last is None or (last.lease, last.owner, last.term) == mine)
        self._refuse_older_state(is_new=last is None and not has_some)
        self._until_done(self._store.make_ready)
        found = self._until_done(lambda: self._points(lease))
        self._term = max(lease.term, found[0].term + 1 if found else 0)
        superseded = [point for point in found if point.share == self._share]
        if not is_newest and found:
            wanted = covering(found, self._share)
            points.put(
                [(point.share, self._until_done(partial(self._get, point))) for point in wanted],
                self._folder,
            )
            for point in wanted:
                log.info("%s: goes on from %s", lease.name, point.name)
            # under a name of its own: the former owner may still write under the last one
            self._until_done(lambda: self._put(points.make(self._folder)))
        elif not is_newest and last:
            log.warning(
                "%s: %s ran it and left no copy of its state in the object store: it goes on from"
                " %s",
                lease.name, last.owner, "what is here" if has_some else "nothing",
            )  # fmt: skip
        else:
            superseded = superseded[1:]
        for old in superseded:
            self._until_done(partial(self._store.delete, old.name))
        self._mine.epoch = lease.term
        private_folder(private_folder(self._data / "flows") / self._flow)
        write_private(self._folder / points.OWNER, msgspec.json.encode(self._mine))

    def _refuse_older_state(self, is_new: bool) -> None:
        """Raise `StateError` where a share begins anew beside a state that was never copied."""
        if not is_new or self._data.parent.name not in (SHARES, PROCESSES):
            return
        whole = self._data.parents[1] / "flows" / self._flow
        if whole.exists() and stores(whole):
            raise StateError(
                f"{whole} has the state of this flow from before `recovery`; run it once without"
                " --process, which copies it, and then share it out"
            )

    def _points(self, lease: Lease) -> list[_Point]:
        """What is there of this share and of those that overlap it, the newest first."""
        leases = {lease.name, *(claim.lease for claim in lease.before)}
        shares = [share for name in leases if (share := share_of(self._flow, name))]
        return sorted(
            (
                _Point(int(name.removeprefix(prefix).removesuffix(SUFFIX)), share, name)
                for share in shares
                for prefix in [self._prefix(share)]
                for name in self._store.names(prefix)
            ),
            reverse=True,
            key=lambda point: point.term,
        )

    def _get(self, point: _Point) -> bytes:
        return self._store.get(point.name) or b""

    def _until_done(self, work: Callable[[], T]) -> T:
        while True:
            try:
                return work()
            except FAULTS as error:
                log.warning("%s: waits for its saved state: %s", self._flow, error)
                self.check()
                if self._stopping.wait(1.0):
                    raise Stopped(str(error)) from error

    def _read_owner(self) -> _Owner:
        try:
            return msgspec.json.decode((self._folder / points.OWNER).read_bytes(), type=_Owner)
        except (OSError, msgspec.MsgspecError):
            return _Owner(f"{socket.gethostname()}/{uuid.uuid4().hex[:8]}")

    def _say(self, name: str, is_up: bool, detail: str) -> None:
        if name != STANDBY:
            log.info("%s: %s %s", self._flow, name, detail)
        elif not is_up:
            log.info("%s: stands by: %s", self._flow, detail)
            self._stands_by(detail)

    def _lost(self, why: str) -> NoReturn:
        """End at once: whatever is under way must not be written any more."""
        log.error("%s: ends at once: %s", self._flow, why)
        os._exit(EXIT_LOST)


def lease_of(flow: str, share: Share) -> str:
    """The name of the lease of a share of a flow, also of its points and of its producers."""
    return flow if share.name is None else f"{flow}@{share.name}"


def share_of(flow: str, lease: str) -> Share | None:
    """The share that a lease is for; None for one of another flow."""
    name, at, share = lease.partition("@")
    try:
        return None if name != flow else Share.of_name(share) if at else WHOLE
    except ValueError:
        return None


def covering(found: Iterable[_Point], share: Share) -> list[_Point]:
    """The points that hold the newest state of each partition of a share, the oldest first.

    `found` has the newest first.
    """
    found = list(found)
    count = math.lcm(share.count, *(point.share.count for point in found))
    missing = set(filter(share.has, range(count)))
    wanted = []
    for point in found:
        covered = set(filter(point.share.has, missing))
        if covered:
            wanted.append(point)
        missing -= covered
    return wanted[::-1]
