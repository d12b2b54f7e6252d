"""The work of the detection process: pictures in, what is on them out."""

import collections
import logging
import math
import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct

from connectors.base import ConnectorError, Health, Stopped
from connectors.detector.backends import backends_for
from connectors.detector.batching import Batcher
from connectors.detector.worker import HANGS_AFTER, Reports, Worker
from connectors.detector.worker_messages import Box, Found, Region, Setup, Work
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from connectors.runtime import steady_clock
from flows.vision.detection_feed import DetectionFeed
from flows.vision.detection_positions import Place, Positions, positions_file
from flows.vision.frames_topic import BadPicture, PictureHead, head_of, reference
from flows.vision.unwatched import Unwatched
from operators.events import Frame, Reading, Seen, encode_lines
from operators.vision.missed import Span
from operators.vision.regions import Regions

log = logging.getLogger("vigie")

FLOOR = 0.1
"""The lowest score that is told: the tracker's second look needs those that a definition's own
confidence leaves out.
"""
SEEN_FROM, SEEN_EVERY = 0.3, 0.5
"""From which score on, and how often at most (seconds), is told that something is there."""
DEADLINE = 30.0
MOST_BYTES = 64 << 20
"""So many bytes of pictures may wait."""
MOST, WAIT = 16, 0.04
OF_THE_WAIT = 0.25
"""The broker lets the first picture wait; this much more is for those of its other nodes."""
SKIPPED = "frames_skipped"


class DetectionSettings(Struct, frozen=True):
    """What the detection process of a source shall do.

    `model` is a file, or the address of a fake. `deadline` is how old a picture may be, in seconds.
    `by_motion`: look where something moves, and not at whole pictures.
    """

    flow: str
    source: str
    connection: TopicConnection
    model: str
    classes: list[str]
    folder: str | None = None
    by_motion: bool = False
    most: int = MOST
    wait: float = WAIT
    backend: str | None = None
    threads: int = 0
    batch: int = 0
    deadline: float = DEADLINE
    hangs_after: float = HANGS_AFTER
    save_every: float = 1.0
    skips_every: float = 10.0


class Picture(Struct, frozen=True):
    """A picture that waits for the model."""

    head: PictureHead
    jpeg: bytes
    place: Place


class Detection:
    """Looks at the pictures of one source.

    Delivery: each picture is looked at, or counted as skipped (`skipped_late`, and a reading
    `frames_skipped` of its camera); what was found goes to the source's topic in the order of each
    camera. After a kill what was not surely stored is looked at again, under the same ids.
    """

    def __init__(
        self, settings: DetectionSettings, reports: Reports, stopping: threading.Event
    ) -> None:
        names = settings.connection.topic_names
        self._settings = settings
        self._reports = reports
        self._stopping = stopping
        self._frames = names.frames(settings.flow, settings.source)
        self._intake = names.of_source(settings.flow, settings.source)
        self._changed = threading.Condition()
        self._unwatched = Unwatched("what looks at its pictures was busy or away", self._tell)
        self._away: dict[int, Span] = {}
        self._back: set[str] = set()
        self._skips: collections.Counter[str] = collections.Counter()
        self._told_skips: set[str] = set()
        self._labels: dict[str, Mapping[str, str]] = {}  # of cameras of which some were skipped
        self._bytes = 0
        self._warned = False
        self._told_seen: dict[str, float] = {}
        self._regions = Regions() if settings.by_motion else None
        self._batcher: Batcher[Picture] = Batcher(
            settings.most, settings.wait * OF_THE_WAIT, self._skip
        )
        self._most = settings.most
        file = positions_file(settings.folder, settings.source)
        self._positions = Positions(file, self._frames)
        health = Health(self._health_changed)
        self._producer = Producer(
            settings.connection,
            health,
            f"{settings.source} detection results",
            linger=0.0,
            partitions=1,
            stopping=stopping,
        )
        self._feed = DetectionFeed(
            settings.connection,
            self._frames,
            self._positions,
            self._take,
            self._passed,
            lambda: self._bytes < MOST_BYTES,
            settings.deadline,
            settings.wait,
            health,
            f"{settings.source} detection",
        )
        self.worker: Worker[Picture] = Worker(
            f"{settings.source} detector",
            Setup(
                backend="",
                model=settings.model,
                classes=settings.classes,
                floor=FLOOR,
                threads=settings.threads,
                batch=settings.batch,
                most=settings.most,
            ),
            backends_for(settings.model, settings.backend),
            self._found,
            self._lost,
            reports,
            settings.hangs_after,
        )
        self.worker.changed = self._wake

    def run(self) -> None:
        """Work until it is to stop. Raises `ConnectorError` for what no waiting mends."""
        self.worker.start()
        self._feed.start()
        next_save = next_skips = time.monotonic()
        try:
            while not self._stopping.is_set():
                self._step()
                if self._feed.failure is not None:
                    raise ConnectorError(f"{self._frames}: {self._feed.failure}")
                self._producer.check()
                now = time.monotonic()
                if now >= next_save:
                    self._positions.save()
                    next_save = now + self._settings.save_every
                if now >= next_skips:
                    self._tell_skips()
                    self._unwatched.tick()
                    next_skips = now + self._settings.skips_every
        finally:
            self._close()

    def _close(self) -> None:
        self._feed.stop()
        self.worker.close()
        try:
            self._producer.flush(self._stopping)
            self._positions.save()
        except (Stopped, ConnectorError):
            pass  # what is not stored is looked at again
        finally:
            self._producer.close()

    def _step(self) -> None:
        """Give the worker a batch, or wait for what may make one due."""
        with self._changed:
            now = time.monotonic()
            self._batcher.expire(now)
            batch = self._batcher.take(now) if self.worker.has_room() else []
            if not batch:
                until = self._batcher.next_time() - now if self.worker.has_room() else 0.5
                self._changed.wait(min(max(until, 0.0), 0.5))
                return
            self._bytes -= sum(len(picture.jpeg) for picture in batch)
        jpegs = [picture.jpeg for picture in batch]
        self.worker.submit(batch, Work(jpegs, self._regions_of(batch)))

    def _regions_of(self, batch: Sequence[Picture]) -> list[list[Region]]:
        ready = self.worker.ready
        if self._regions is None or ready is None:
            return []
        smallest = max(ready.facts.width, ready.facts.height)
        heads = [picture.head for picture in batch]
        return [
            self._regions.of(
                head.camera, head.time, head.motion, (head.width, head.height), smallest
            )
            for head in heads
        ]

    def _wake(self) -> None:
        with self._changed:
            ready = self.worker.ready
            if ready is not None:
                self._batcher.most = min(self._most, ready.batch)
                self._warn_of(ready.facts.unknown(self._settings.classes), ready.facts.names)
                self._reports.detector(
                    self._settings.source,
                    {
                        "model": Path(ready.facts.path).stem,
                        "licence": ready.facts.licence,
                        "device": ready.device,
                    },
                )
            self._changed.notify_all()

    def _warn_of(self, unknown: Sequence[str], known: Sequence[str]) -> None:
        if unknown and not self._warned:
            self._warned = True
            log.warning(
                "%s: the model %s knows no %s, so none will be found; it knows %s",
                self._settings.source,
                self._settings.model,
                ", ".join(unknown),
                ", ".join(known),
            )

    def _take(self, record: Any, gathered: bool) -> None:
        """A record of the topic of pictures; called by the feed."""
        place = self._positions.read(record.partition, record.offset)
        try:
            head = head_of(record.headers)
            if not record.value:
                raise BadPicture("a picture without a byte")
        except BadPicture:
            self._reports.count("bad_picture")
            self._positions.done(place)
            return
        if (span := self._away.get(record.partition)) and head.camera not in self._back:
            self._back.add(head.camera)
            self._unwatched.away(head, span)
        age = max(0.0, steady_clock.now() - head.time) if gathered else 0.0
        now = time.monotonic()
        with self._changed:
            self._bytes += len(record.value)
            self._batcher.offer(
                head.camera,
                Picture(head, record.value, place),
                now,
                now + self._settings.deadline - age,
                gathered or self.worker.is_away(),
            )
            self._changed.notify_all()

    def _passed(self, partition: int, pictures: int, span: Span | None) -> None:
        """Pictures of the topic were passed over, since they are too old; called by the feed."""
        self._reports.count("skipped_late", pictures)
        self._back.clear()
        if span is not None:
            self._away[partition] = span

    def _skip(self, camera: object, picture: Picture) -> None:
        self._bytes -= len(picture.jpeg)
        self._skips[str(camera)] += 1
        self._labels[str(camera)] = picture.head.labels
        self._unwatched.missed(picture.head)
        self._reports.count("skipped_late")
        self._positions.done(picture.place)

    def _found(self, pictures: Sequence[Picture], answer: Found) -> None:
        """What was found on a batch; called by the worker, in the order of the batches."""
        try:
            with self._producer.together():
                for picture, boxes in zip(pictures, answer.pictures, strict=True):
                    if boxes is None:
                        self._unwatched.missed(picture.head)
                        self._reports.count("bad_picture")
                        self._positions.done(picture.place)
                        continue
                    frame = self._frame(picture, boxes)
                    durable = partial(self._positions.done, picture.place)
                    self._producer.send(self._intake, frame.subject, encode_lines([frame]), durable)
        except (Stopped, ConnectorError):
            return  # the main thread ends for it, too
        self._reports.count("detected", len(pictures))
        for picture, boxes in zip(pictures, answer.pictures, strict=True):
            if boxes is None:
                continue
            self._unwatched.looked(picture.head)
            sure = [box for box in boxes if box.score >= SEEN_FROM]
            if not sure:
                continue
            self._tell_seen(picture.head.camera)
            if self._regions is not None:
                places = [(box.left, box.top, box.width, box.height) for box in sure]
                self._regions.found(picture.head.camera, picture.head.time, places)

    def _tell_seen(self, camera: str) -> None:
        now = time.monotonic()
        if now - self._told_seen.get(camera, -math.inf) >= SEEN_EVERY:
            self._told_seen[camera] = now
            self._reports.seen(camera)

    def _lost(self, pictures: Sequence[Picture]) -> None:
        self._reports.count("detect_failed", len(pictures))
        for picture in pictures:
            self._unwatched.missed(picture.head)
            self._positions.done(picture.place)

    def _frame(self, picture: Picture, boxes: Sequence[Box]) -> Frame:
        head, place = picture.head, picture.place
        return Frame(
            id=head.id,
            time=head.time,
            subject=head.camera,
            width=head.width,
            height=head.height,
            seen=[
                Seen(
                    class_=box.class_,
                    score=box.score,
                    box=(box.left, box.top, box.width, box.height),
                )
                for box in boxes
            ],
            picture=reference(self._frames, place.partition, place.offset),
            labels=dict(head.labels),
        )

    def _tell_skips(self) -> None:
        """How many pictures of each camera were skipped since the last time, while any are."""
        with self._changed:
            skips, self._skips = self._skips, collections.Counter()
        now = steady_clock.now()
        for camera in sorted(self._told_skips | set(skips)):
            reading = Reading(
                id=f"{self._frames}/{camera}/{SKIPPED}/{int(now * 1000)}",
                time=now,
                subject=camera,
                metric=SKIPPED,
                value=float(skips[camera]),
                labels=dict(self._labels.get(camera, {})),
            )
            self._tell(reading)
        self._told_skips = set(skips)

    def _tell(self, reading: Reading) -> None:
        self._producer.send(self._intake, reading.subject, encode_lines([reading]))

    def _health_changed(self, name: str, is_up: bool, detail: str) -> None:
        if is_up:
            self._reports.up(name)
        else:
            self._reports.down(name, detail)


def model_cache(folder: str | None) -> Path | None:
    """Where models from an object store are kept."""
    return None if folder in (None, "None") else Path(str(folder)) / "models"
