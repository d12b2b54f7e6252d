"""A file of the evidence that is still to be stored.

Neither a crash nor a store that is down loses a job without a word.
"""

import os
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from connectors.runtime.private_files import open_private, private_folder, write_private
from operators.events import Event

REMEMBERED = 10_000
COMPACT_BYTES = 4 << 20


class Job(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An event whose evidence is to be stored under `key`.

    `lost` says why it cannot be, `file` where in the spool's folder it lies ready, and `made` what
    is known of that. `size` is what the job takes, in bytes.
    """

    key: str
    event: Event
    size: int = 0
    lost: str | None = None
    file: str | None = None
    made: dict[str, Any] = {}


class EvidenceSpool:
    """Jobs in order of arrival, by the id of their event. Not thread-safe.

    The file is a log: a line is a job as it now is, or the id of one that is done as a text. With
    no path nothing is kept on disk.
    """

    def __init__(self, path: Path | None) -> None:
        self.jobs: OrderedDict[str, Job] = OrderedDict()
        self.bytes = 0
        self._path = path
        self._file: BinaryIO | None = None
        self._done: OrderedDict[str, None] = OrderedDict()
        if path is not None:
            private_folder(path.parent)
            self._read(path)
            self._rewrite(path)

    @property
    def durable(self) -> bool:
        """Whether `sync` keeps the jobs on disk."""
        return self._file is not None

    def knows(self, id: str) -> bool:
        """Whether an event's job waits or was done."""
        return id in self.jobs or id in self._done

    def put(self, job: Job) -> None:
        """Add a job, or say what became of it."""
        self._keep(job)
        self._log(msgspec.json.encode(job))

    def done(self, job: Job) -> None:
        """Forget a job, but not that it was done."""
        self._forget(job.event.id)
        self._log(msgspec.json.encode(job.event.id))

    def sync(self) -> None:
        """Return when everything is on disk."""
        if self._file is None or self._path is None:
            return
        if self._file.tell() > COMPACT_BYTES + 2 * self.bytes:
            self._rewrite(self._path)
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

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

    def _log(self, line: bytes) -> None:
        if self._file is not None:
            self._file.write(line + b"\n")

    def _read(self, path: Path) -> None:
        """Replay the log without a last line that was only partly written."""
        try:
            lines = path.read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return
        for number, line in enumerate(lines, 1):
            try:
                entry = msgspec.json.decode(line, type=Job | str)
            except msgspec.MsgspecError as error:
                raise ValueError(
                    f"{path}, line {number}: expected evidence that waits, got {line[:80]!r}"
                    f" ({error}); move the file away to go on without what waited"
                ) from error
            if isinstance(entry, str):
                self._forget(entry)
            else:
                self._keep(entry)

    def _rewrite(self, path: Path) -> None:
        self.close()
        entries: list[Job | str] = [*self._done, *self.jobs.values()]
        write_private(path, b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries))
        self._file = open_private(path, "ab")  # type: ignore[assignment]
