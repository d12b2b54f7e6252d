"""A file of the evidence that is still to be stored.

Neither a crash nor a store that is down loses a job without a word.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from connectors.runtime import steady_clock
from connectors.runtime.line_log import LineLog
from operators.events import Event

REMEMBERED = 10_000


class Job(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An event whose evidence is to be stored under `key`.

    `lost` says why it cannot be, `file` where in the spool's folder it lies ready, and `made` what
    is known of that. `size` is what the job takes, in bytes. Of an object that is followed, `best`
    is the event with its best picture so far, and `until` (epoch seconds) when it was gone.
    """

    key: str
    event: Event
    size: int = 0
    lost: str | None = None
    file: str | None = None
    made: dict[str, Any] = {}
    best: Event | None = None
    until: float | None = None


class EvidenceSpool:
    """Jobs in order of arrival, by the id of their event. Not thread-safe.

    A line of the file is a job as it now is, or the id of one that is done as a text. With no path
    nothing is kept on disk. `unsaved` are the jobs of which the file says nothing yet.
    """

    def __init__(self, path: Path | None) -> None:
        self.jobs: OrderedDict[str, Job] = OrderedDict()
        self.bytes = 0
        self.unsaved: set[str] = set()
        self._changed: dict[str, None] = {}
        self._done: OrderedDict[str, None] = OrderedDict()
        self._log = LineLog(path, self._read, self._lines, "evidence that waits")
        self.durable = self._log.durable

    def knows(self, id: str) -> bool:
        """Whether an event's job waits or was done."""
        return id in self.jobs or id in self._done

    def put(self, job: Job) -> None:
        """Add a job, or say what became of it."""
        if job.event.id not in self.jobs:
            self.unsaved.add(job.event.id)
        self._keep(job)
        self._changed[job.event.id] = None

    def done(self, job: Job) -> None:
        """Forget a job, but not that it was done."""
        self._forget(job.event.id)
        self._changed[job.event.id] = None

    def sync(self) -> None:
        """Return when all jobs are on disk.

        Raises `OSError` where they cannot be; what the file holds then is what it held before.
        """
        self._log.forget_waiting()
        for id in self._changed:
            self._log.write(msgspec.json.encode(self.jobs.get(id, id)))
        self._log.sync()
        self._changed.clear()
        self.unsaved.clear()

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):
            self.sync()
        self._log.close()

    def _keep(self, job: Job) -> None:
        before = self.jobs.get(job.event.id)
        self.bytes += job.size - (before.size if before else 0)
        self.jobs[job.event.id] = job

    def _forget(self, id: str) -> None:
        self.unsaved.discard(id)
        job = self.jobs.pop(id, None)
        self.bytes -= job.size if job else 0
        self._done[id] = None
        while len(self._done) > REMEMBERED:
            self._done.popitem(last=False)

    def _read(self, line: bytes) -> None:
        entry = msgspec.json.decode(line, type=Job | str)
        if isinstance(entry, str):
            self._forget(entry)
        else:
            self._keep(entry)

    def _lines(self) -> Iterator[bytes]:
        yield from map(msgspec.json.encode, self._done)
        yield from map(msgspec.json.encode, self.jobs.values())


class DueTimes:
    """When jobs are due by the time of their events, though the wall clock may be set back.

    No event is of the future: what is due some seconds after it is due that long after it came.
    Cameras' times do not go back with the wall clock, and what they recorded is soon overwritten.
    """

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = steady_clock.now,
    ) -> None:
        self._monotonic, self._wall = monotonic, wall
        self._latest: dict[str, tuple[float, float]] = {}

    def wait(self, job: str, at: float, longest: float) -> float:
        """Seconds until the event time `at`; at most `longest` since it was asked for first."""
        now = self._monotonic()
        known = self._latest.get(job)
        if known is None or known[0] != at:
            known = self._latest[job] = (at, now + longest)
        return min(at - self._wall(), known[1] - now)

    def keep(self, jobs: Collection[str]) -> None:
        """Forget all but these."""
        if len(self._latest) > 2 * len(jobs) + 100:
            self._latest = {job: known for job, known in self._latest.items() if job in jobs}
