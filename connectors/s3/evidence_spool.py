"""A file of the evidence that is still to be stored.

Neither a crash nor a store that is down loses a job without a word.
"""

from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

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
    nothing is kept on disk.
    """

    def __init__(self, path: Path | None) -> None:
        self.jobs: OrderedDict[str, Job] = OrderedDict()
        self.bytes = 0
        self._done: OrderedDict[str, None] = OrderedDict()
        self._log = LineLog(path, self._read, self._lines, "evidence that waits")
        self.durable = self._log.durable
        self.sync = self._log.sync
        self.close = self._log.close

    def knows(self, id: str) -> bool:
        """Whether an event's job waits or was done."""
        return id in self.jobs or id in self._done

    def put(self, job: Job) -> None:
        """Add a job, or say what became of it."""
        self._keep(job)
        self._log.write(msgspec.json.encode(job))

    def done(self, job: Job) -> None:
        """Forget a job, but not that it was done."""
        self._forget(job.event.id)
        self._log.write(msgspec.json.encode(job.event.id))

    def _keep(self, job: Job) -> None:
        before = self.jobs.get(job.event.id)
        self.bytes += job.size - (before.size if before else 0)
        self.jobs[job.event.id] = job

    def _forget(self, id: str) -> None:
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
