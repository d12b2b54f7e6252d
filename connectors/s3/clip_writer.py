"""The running side of the sink for clips."""

import hashlib
import math
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from connectors.base import ConnectorContext, NoAnswer, VideoCut
from connectors.runtime.private_files import private_folder
from connectors.s3.evidence_spool import Job
from connectors.s3.evidence_writer import IDLE, Bounds, EvidenceWriter
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
        self._look_at: dict[str, float] = {}
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

    def _due(self, job: Job) -> float:
        return self._look_at.get(job.event.id, self._end_of(job) + MARGIN)

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
        now = time.time()
        with self._changed:
            due = sorted((job for job in self._uncut() if self._due(job) <= now), key=self._due)
        for job in due[:1]:
            self._cut(job, now)
        return bool(due)

    def _pause(self) -> float:
        with self._changed:
            soonest = min(map(self._due, self._uncut()), default=float("inf"))
        return max(0.01, min(IDLE, soonest - time.time()))

    def _cut(self, job: Job, now: float) -> None:
        event = job.event
        start, end = event.time - self._before, self._end_of(job)
        path = self._folder / f"{hashlib.sha256(event.id.encode()).hexdigest()[:32]}.mp4"
        try:
            cut = self._context.video(text(field(event, "camera")), start, end, path)
        except NoAnswer as error:
            self._context.health.degraded(self._context.name, str(error))
            self._look_at[event.id] = now + IDLE
            if now > end + MARGIN + GIVE_UP:
                self._look_at.pop(event.id)
                self._lose(job, str(error))
            return
        whole = cut is not None and cut.end >= end - NEARLY
        if not whole and now < end + MARGIN + PATIENCE:
            path.unlink(missing_ok=True)
            self._look_at[event.id] = now + IDLE
            return
        self._look_at.pop(event.id, None)
        if cut is None:
            self._context.count("no_video", 1)
            self._lose(job, "nothing is recorded of the camera from this time")
            return
        size = path.stat().st_size
        if self._full(size):
            path.unlink()
            self._lose(job, "too many bytes wait for the object store")
            return
        made = _made(cut, path, size)
        ready = Job(key=job.key, event=event, size=job.size + size, file=path.name, made=made)
        with self._changed:
            self._spool.put(ready)
            self._spool.sync()

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
            path = self._folder / str(job.file)
            self._uploads.attempt(
                job.key, lambda: self._uploads.store.put_file(job.key, path, TYPE)
            )
        except ObjectRejected as error:
            problems[job.event.id] = why = f"the object store refused {job.key!r}: {error}"
            self._uploads.refuse([job.event], "refused", why)
        except FileNotFoundError:
            problems[job.event.id] = "the clip that waited for the object store is gone"


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
