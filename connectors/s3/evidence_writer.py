"""What the sinks for evidence share: jobs that wait on disk, and word of what became of them."""

import time
from pathlib import Path
from typing import NamedTuple

import msgspec

from connectors.base import ConnectorContext, ConnectorError
from connectors.runtime.backoff import Backoff
from connectors.runtime.batch_writer import FIRST_BACKOFF, LONGEST_BACKOFF
from connectors.runtime.private_files import room
from connectors.runtime.threaded_writer import Retry, ThreadedWriter
from connectors.s3.evidence import evidence
from connectors.s3.evidence_spool import EvidenceSpool, Job
from connectors.s3.followed_objects import FollowedObjects, is_last, is_later, worth
from connectors.s3.key_register import KeyRegister
from connectors.s3.keys import BadKey, KeyTemplate
from connectors.s3.settings import Settings
from connectors.s3.uploads import Uploads
from operators.events import Detection, Event, encode_lines
from operators.model.template import Template

IDLE = 1.0
LITTLE = 0.25
"""The part of a disk's reserve in which evidence may wait, too."""
FULL = "the disk on which evidence waits is full"


class Bounds(NamedTuple):
    """How much evidence may wait: so many jobs, and so many bytes of them."""

    jobs: int
    bytes: int


class EvidenceWriter(ThreadedWriter):
    """Puts events into the spool; a thread of its own does the work of a subclass with them.

    The flow never waits for the object store: what does not fit into the spool is lost, which is
    counted and told. `kind` is what kind of evidence it is.
    """

    def __init__(
        self,
        context: ConnectorContext,
        settings: Settings,
        key: str,
        kind: str,
        bounds: Bounds,
        follows: bool = False,
    ) -> None:
        """With `follows` an object has one job, from its first event until its last."""
        super().__init__(context)
        self._follows = follows
        self._kind = kind
        self._bucket = settings.bucket
        self._bounds = bounds
        self._template = KeyTemplate(key)
        self._one_each = "time" in Template(key).placeholders()
        self._uploads = Uploads(context, settings, key)
        self._flushing = 0
        self._disk = f"{context.name} spool"
        self._try_at = 0.0
        self._backoff = Backoff(FIRST_BACKOFF, LONGEST_BACKOFF)
        try:
            self._spool = EvidenceSpool(self._file("waiting"))
            self._keys = KeyRegister(self._file("keys"))
            self._objects = FollowedObjects(self._spool.jobs.values())
        except (OSError, ValueError) as error:
            raise ConnectorError(
                f"{context.name}: the file of waiting evidence cannot be used: {error}"
            ) from error

    def _file(self, word: str) -> Path | None:
        folder = self._context.folder
        return folder / f"{self._kind}.{self._context.name}.{word}.log" if folder else None

    def write(self, events: list[Event]) -> None:
        """Put events into the spool; never waits for a far end."""
        refused: list[tuple[Event, str]] = []
        with self._changed:
            self._raise()
            for event in events:
                if self._spool.knows(event.id):
                    self._context.count("repeated", 1)
                    continue
                try:
                    if not (self._follows and is_later(event)):
                        self._add(event)
                    elif (job := self._spool.jobs.get(self._objects.job_of(event) or "")) is None:
                        self._context.count("continues_nothing", 1)
                    else:
                        self._follow(job, event)
                except BadKey as error:
                    refused.append((event, str(error)))
            self._changed.notify_all()
        for event, detail in refused:
            self._context.refuse(event, "bad_key", detail)

    def _add(self, event: Event) -> None:
        if not self._is_wanted(event):
            return
        wanted = self._template.key(event)
        key = self._keys.key(wanted, event.id) if self._one_each else wanted
        size = len(encode_lines([event])) + len(key)
        job = Job(key=key, event=event, size=size)
        if len(self._spool.jobs) >= self._bounds.jobs:
            job = self._as_lost(job, "too many objects wait for the object store")
        elif (why := self._full(size)) is not None:
            job = self._as_lost(job, why)
        self._spool.put(job)
        self._objects.begin(event)

    def _follow(self, job: Job, event: Event) -> None:
        """Take what came later of a job's object."""
        if is_last(event):
            self._objects.end(event)
        if job.lost is not None or job.file is not None:
            return
        if is_last(event):
            self._spool.put(msgspec.structs.replace(job, until=event.time))
        elif isinstance(event, Detection) and isinstance(job.event, Detection):
            best = job.best or job.event
            if isinstance(best, Detection) and worth(event) > worth(best):
                self._better(job, event)

    def _better(self, job: Job, event: Event) -> None:
        """Take an event with a better picture of the object."""

    def _full(self, more: int) -> str | None:
        """Why so many bytes more cannot wait; None where they can."""
        if self._spool.bytes + more > self._bounds.bytes:
            return "too many bytes wait for the object store"
        return FULL if self._lacks_room(more) else None

    def _lacks_room(self, more: int) -> bool:
        """Whether what waits would take room that the rest of the flow needs.

        A little may always wait: where the store answers, a disk that is nearly full costs nothing.
        """
        if self._context.folder is None:
            return False
        try:
            disk = room(self._context.folder)
        except OSError:
            return False  # what is wrong shows when it is written
        return disk.spare < more and self._spool.bytes + more > disk.reserve * LITTLE

    def flush(self) -> None:
        """Return when the jobs are on disk, or done where there is no folder for them.

        So it is in the last run of a flow. What a full disk does not take is lost, which is told
        before.
        """
        with self._changed:
            if self._spool.durable and not self._context.is_last:
                self._raise()
                if not self._save():
                    self._lose_unsaved()
                    self._wait_while(lambda: self._spool.unsaved)
                return
            self._flushing += 1
            self._changed.notify_all()
            try:
                self._wait_while(lambda: self._spool.jobs)
            finally:
                self._flushing -= 1

    def _save(self) -> bool:
        """Put the jobs on disk; whether it took them."""
        try:
            self._keys.sync()
            self._spool.sync()
        except OSError as error:
            self._context.health.degraded(
                self._disk,
                f"the disk of {self._context.folder} takes no evidence: {error.strerror};"
                " make room there: until then it is lost",
            )
            return False
        if self._disk in self._context.health.down:
            self._context.health.up(self._disk)
        return True

    def _lose_unsaved(self) -> None:
        for id in self._spool.unsaved:
            job = self._spool.jobs[id]
            if job.lost is None:
                self._spool.put(self._as_lost(job, FULL))
        self._changed.notify_all()

    def close(self) -> None:
        """Stop the thread; what waits in the spool goes on after the next start."""
        self._stop(self._context.connection.timeout + 5)
        self._uploads.close()
        with self._changed:
            self._spool.close()
            self._keys.close()

    def _is_wanted(self, event: Event) -> bool:
        """Whether there may be evidence of an event."""
        return True

    # The rest runs in the background thread.

    def _run(self) -> None:
        while not self._closed:
            self._tell_lost()
            self._save_what_waits()
            if not self._prepare() and not self._deliver():
                with self._changed:
                    self._changed.wait(self._pause())

    def _save_what_waits(self) -> None:
        """Save what a full disk did not take, once it has room."""
        with self._changed:
            if self._disk in self._context.health.down:
                self._save()

    def _prepare(self) -> bool:
        """Make evidence ready that need not wait for the store; whether there was any."""
        return False

    def _upload(self, jobs: list[Job]) -> None:
        """Store what is ready, and call `_end` with it; raises `Retry`."""
        raise NotImplementedError

    def _ready(self) -> list[Job]:
        """The jobs that are to be uploaded next."""
        raise NotImplementedError

    def _pause(self) -> float:
        """Seconds to wait when there is nothing to do at this moment."""
        return IDLE

    def _deliver(self) -> bool:
        if time.monotonic() < self._try_at:
            return False
        with self._changed:
            jobs = self._ready()
        began = time.time()
        try:
            if jobs:
                self._uploads.make_ready()
                self._upload(jobs)
            else:
                self._uploads.answers()
        except Retry as retry:
            self._context.health.degraded(self._context.name, retry.detail)
            self._try_at = time.monotonic() + self._backoff.pause(retry.after)
            return False
        self._context.written((job.event for job in jobs), began)
        self._context.health.up(self._context.name)
        self._backoff.reset()
        return bool(jobs)

    def _as_lost(self, job: Job, reason: str) -> Job:
        return Job(key=job.key, event=_light(job.event), lost=reason)

    def _lose(self, job: Job, reason: str) -> None:
        with self._changed:
            self._spool.put(self._as_lost(job, reason))

    def _tell_lost(self) -> None:
        with self._changed:
            lost = [job for job in self._spool.jobs.values() if job.lost is not None]
        if lost:
            self._context.count("evidence_lost", len(lost))
            self._end(lost)

    def _end(self, jobs: list[Job]) -> None:
        """Tell what became of jobs, and forget them."""
        made = [evidence(self._context, self._kind, self._bucket, job) for job in jobs]
        self._context.tell(made)
        self._drop(jobs)

    def _drop(self, jobs: list[Job]) -> None:
        """Forget jobs, once what was refused of them is safe."""
        self._context.flush_dead_letters()
        with self._changed:
            for job in jobs:
                if self._objects.job_of(job.event) == job.event.id:
                    self._objects.end(job.event)
                self._spool.done(job)
            self._save()
            self._changed.notify_all()


def _light(event: Event) -> Event:
    """An event without the picture it carries."""
    for name in ("jpeg", "payload"):
        if getattr(event, name, None):
            event = msgspec.structs.replace(event, **{name: b""})
    return event
