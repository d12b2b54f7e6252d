"""The running side of the sink for pictures."""

import hashlib
from functools import partial
from typing import Any

import msgspec

from connectors.base import ConnectorContext
from connectors.s3.contents import Content, NoContent
from connectors.s3.evidence_spool import DueTimes, Job
from connectors.s3.evidence_writer import Bounds, EvidenceWriter
from connectors.s3.followed_objects import object_of
from connectors.s3.key_register import with_suffix
from connectors.s3.pictures import DRAWN, THUMBNAIL, PictureGone, Pictures, PictureSettings
from connectors.s3.settings import Settings
from connectors.s3.store import ObjectRejected
from operators.events import Event

TOGETHER = 50
NAMES = {DRAWN: "drawn", THUMBNAIL: "thumbnail"}


class PictureWriter(EvidenceWriter):
    """Stores the pictures of events."""

    def __init__(
        self,
        context: ConnectorContext,
        settings: Settings,
        key: str,
        pictures: PictureSettings,
        bounds: Bounds,
        best: float | None = None,
    ) -> None:
        """`best` is for how many seconds the best picture of an object is looked for."""
        self._pictures = Pictures(context, pictures)
        self._best = best or 0.0
        self._due = DueTimes()
        super().__init__(context, settings, key, "snapshot", bounds, follows=best is not None)
        self._start(self._run, f"writer {context.name}")

    def _is_wanted(self, event: Event) -> bool:
        if self._pictures.has(event):
            return True
        self._context.count("without_picture", 1)
        return False

    def _better(self, job: Job, event: Event) -> None:
        if self._pictures.has(event):
            self._spool.put(msgspec.structs.replace(job, best=event))

    def _is_complete(self, job: Job) -> bool:
        """Whether no better picture is to be waited for."""
        if not self._follows or object_of(job.event) is None or job.until is not None:
            return True
        return self._due.wait(job.event.id, job.event.time + self._best, self._best) <= 0

    def _ready(self) -> list[Job]:
        self._due.keep(self._spool.jobs)
        jobs = self._spool.jobs.values()
        waiting = (job for job in jobs if job.lost is None and self._is_complete(job))
        return [job for job, _ in zip(waiting, range(TOGETHER), strict=False)]

    def _upload(self, jobs: list[Job]) -> None:
        put: dict[str, tuple[str, Job, Content]] = {}  # of the same key the later one stays
        done: list[Job] = []
        for job in jobs:
            try:
                contents = self._pictures.of(job.best or job.event)
            except NoContent as error:
                self._uploads.refuse([job.event], error.reason, str(error))
                self._drop([job])
                continue
            except PictureGone as gone:
                self._context.count("picture_gone", 1)
                self._lose(job, f"the picture {gone} is no longer in its topic")
                continue
            for name, content in contents.items():
                key = with_suffix(job.key, name)
                put[key] = (key, job, content)
            job.made = _made(job.key, contents)
            if job.best is not None:
                job.made["start"] = job.best.time
            done.append(job)
        rejected: dict[str, str] = {}
        self._uploads.run(partial(self._put, rejected), put.values())
        for job in done:
            if (why := rejected.get(job.event.id)) is not None:
                self._uploads.refuse([job.event], "refused", why)
                self._lose(job, why)
        self._end([job for job in done if job.event.id not in rejected])

    def _put(self, rejected: dict[str, str], one: tuple[str, Job, Content]) -> None:
        key, job, content = one
        try:
            self._uploads.attempt(
                key, lambda: self._uploads.store.put(key, content.data, content.type)
            )
        except ObjectRejected as error:
            rejected[job.event.id] = f"the object store refused {key!r}: {error}"


def _made(key: str, contents: dict[str, Content]) -> dict[str, Any]:
    clean = contents[""]
    made: dict[str, Any] = {
        "type": clean.type,
        "bytes": len(clean.data),
        "sha256": hashlib.sha256(clean.data).hexdigest(),
    }
    return made | {NAMES[name]: with_suffix(key, name) for name in contents if name in NAMES}
