"""The running side of the sink for clips."""

import hashlib
import math
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from connectors.base import ConnectorContext, NoAnswer, VideoCut
from connectors.runtime import steady_clock
from connectors.runtime.private_files import private_folder
from connectors.s3.evidence_spool import DueTimes, Job
from connectors.s3.evidence_writer import FULL, IDLE, Bounds, EvidenceWriter
from connectors.s3.followed_objects import object_of
from connectors.s3.keys import BadKey
from connectors.s3.settings import Settings
from connectors.s3.store import ObjectRejected
from operators.events import Event
from operators.model.fields import field, text

MARGIN = 2.0
"""Seconds after the end of a clip until what was recorded of it is on disk."""
PATIENCE = 10.0
"""Seconds that a clip waits for video that is late; then it is cut from what there is."""
GIVE_UP = 600.0
"""Seconds that a clip is tried to be cut where that fails."""
NEARLY = 1.0
"""Seconds that may be missing from the end of a clip that counts as whole."""
TYPE = "video/mp4"


class ClipWriter(EvidenceWriter):
    """Cuts clips when their time has come, and stores them when the store answers.

    `span` are the seconds before and after an event; with `most` a clip of an object goes on until
    the object is gone, at most so many seconds. Cutting does not wait for the store, for the
    camera's record is overwritten after a while: a clip lies in a file until it is stored.
    """

    def __init__(
        self,
        context: ConnectorContext,
        settings: Settings,
        key: str,
        span: tuple[float, float],
        bounds: Bounds,
        most: float | None = None,
    ) -> None:
        super().__init__(context, settings, key, "clip", bounds, follows=most is not None)
        self._before, self._after = span
        self._most = most
        self._parallel = settings.parallel
        self._cutting = f"{context.name} cutting"
        self._due = DueTimes()
        self._tried: dict[str, float] = {}
        self._look_again: dict[str, float] = {}
        self._temporary: TemporaryDirectory[str] | None = None
        if context.folder is None:
            self._temporary = TemporaryDirectory(prefix="vigie-clips-")
            self._folder = Path(self._temporary.name)
        else:
            self._folder = private_folder(context.folder / f"clips.{context.name}")
        known = {job.file for job in self._spool.jobs.values()}
        for path in self._folder.iterdir():
            if path.name not in known:
                path.unlink()
        self._start(self._run, f"writer {context.name}")

    def close(self) -> None:
        """Stop the thread; what waits in the spool goes on after the next start."""
        super().close()
        if self._temporary is not None:
            self._temporary.cleanup()

    def _is_wanted(self, event: Event) -> bool:
        if not text(field(event, "camera")):
            raise BadKey("the event has no camera, of which a clip could be cut")
        return True

    # The rest runs in the background thread.

    def _wait(self, job: Job) -> float:
        """Seconds until a job is to be looked at."""
        again = self._look_again.get(job.event.id)
        if again is not None:
            return again - time.monotonic()
        is_open = self._most is not None and job.until is None
        longest = max(self._most or 0.0, self._after) if is_open else self._after
        return self._due.wait(job.event.id, self._end_of(job) + MARGIN, longest + MARGIN)

    def _end_of(self, job: Job) -> float:
        """When a clip ends, as far as is known."""
        time = job.event.time
        if self._most is None or object_of(job.event) is None:
            return time + self._after
        gone = math.inf if job.until is None else job.until + self._after
        return min(gone, time + max(self._most, self._after))

    def _uncut(self) -> list[Job]:
        return [job for job in self._spool.jobs.values() if job.file is None and job.lost is None]

    def _prepare(self) -> bool:
        """Cut what is due; whether anything was."""
        with self._changed:
            uncut = self._uncut()
            self._due.keep(self._spool.jobs)
            waits = [(self._wait(job), number) for number, job in enumerate(uncut)]
        wait, number = min(waits, default=(1.0, 0))
        if wait > 0:
            return False
        self._cut(uncut[number], steady_clock.now())
        return True

    def _pause(self) -> float:
        with self._changed:
            soonest = min(map(self._wait, self._uncut()), default=IDLE)
        return max(0.01, min(IDLE, soonest))

    def _cut(self, job: Job, now: float) -> None:
        event = job.event
        start, end = event.time - self._before, self._end_of(job)
        tried = time.monotonic() - self._tried.setdefault(event.id, time.monotonic())
        path = self._folder / f"{hashlib.sha256(event.id.encode()).hexdigest()[:32]}.mp4"
        try:
            if self._lacks_room(0):
                raise NoAnswer(FULL)
            cut = self._context.video(text(field(event, "camera")), start, end, path)
        except NoAnswer as error:
            self._context.health.degraded(self._cutting, str(error))
            self._look_again[event.id] = time.monotonic() + IDLE
            if tried > GIVE_UP or now > end + MARGIN + GIVE_UP:
                self._forget(event.id)
                self._lose(job, str(error))
            return
        if self._cutting in self._context.health.down:
            self._context.health.up(self._cutting)
        whole = cut is not None and cut.end >= end - NEARLY
        if not whole and tried < PATIENCE and now < end + MARGIN + PATIENCE:
            path.unlink(missing_ok=True)
            self._look_again[event.id] = time.monotonic() + IDLE
            return
        self._forget(event.id)
        if cut is None:
            self._context.count("no_video", 1)
            self._lose(job, "nothing is recorded of the camera from this time")
            return
        size = path.stat().st_size
        if (why := self._full(size)) is not None:
            path.unlink()
            self._lose(job, why)
            return
        made = _made(cut, path, size)
        ready = Job(key=job.key, event=event, size=job.size + size, file=path.name, made=made)
        with self._changed:
            self._spool.put(ready)
            self._save()

    def _forget(self, id: str) -> None:
        self._tried.pop(id, None)
        self._look_again.pop(id, None)

    def _ready(self) -> list[Job]:
        cut = (job for job in self._spool.jobs.values() if job.file is not None)
        return [job for job, _ in zip(cut, range(self._parallel), strict=False)]

    def _upload(self, jobs: list[Job]) -> None:
        problems: dict[str, str] = {}
        self._uploads.run(partial(self._put, problems), jobs)
        for job in jobs:
            if (why := problems.get(job.event.id)) is not None:
                self._lose(job, why)
        self._end([job for job in jobs if job.event.id not in problems])
        for job in jobs:
            with suppress(FileNotFoundError):
                (self._folder / str(job.file)).unlink()

    def _put(self, problems: dict[str, str], job: Job) -> None:
        try:
            self._uploads.attempt(job.key, lambda: self._put_file(job))
        except ObjectRejected as error:
            problems[job.event.id] = why = f"the object store refused {job.key!r}: {error}"
            self._uploads.refuse([job.event], "refused", why)
        except FileNotFoundError:
            problems[job.event.id] = "the clip that waited for the object store is gone"

    def _put_file(self, job: Job) -> None:
        store, path = self._uploads.store, self._folder / str(job.file)
        try:
            store.put_file(job.key, path, TYPE)
        except FileNotFoundError:  # it was stored, but a full disk did not take word of that
            if store.size(job.key) != job.made.get("bytes"):
                raise


def _made(cut: VideoCut, path: Path, size: int) -> dict[str, object]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "type": TYPE,
        "bytes": size,
        "sha256": digest,
        "start": cut.start,
        "end": cut.end,
        "codec": cut.codec,
    }
