"""The running side of the sink for pictures."""

import hashlib
from functools import partial
from typing import Any

from connectors.base import ConnectorContext
from connectors.s3.contents import Content, NoContent
from connectors.s3.evidence_spool import Job
from connectors.s3.evidence_writer import Bounds, EvidenceWriter
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
    ) -> None:
        self._pictures = Pictures(context, pictures)
        super().__init__(context, settings, key, "snapshot", bounds)
        self._start(self._run, f"writer {context.name}")

    def _is_wanted(self, event: Event) -> bool:
        if self._pictures.has(event):
            return True
        self._context.count("without_picture", 1)
        return False

    def _ready(self) -> list[Job]:
        waiting = (job for job in self._spool.jobs.values() if job.lost is None)
        return [job for job, _ in zip(waiting, range(TOGETHER), strict=False)]

    def _upload(self, jobs: list[Job]) -> None:
        put: dict[str, tuple[str, Job, Content]] = {}  # of the same key the later one stays
        done: list[Job] = []
        for job in jobs:
            try:
                contents = self._pictures.of(job.event)
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
            self._uploads.store.put(key, content.data, content.type)
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
