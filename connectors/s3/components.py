"""Object stores with the S3 protocol: the sinks for archives, pictures and short videos."""

from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from connectors.base import ConnectorContext, Sink, Writer
from connectors.config.retention import DAY, whole_days
from connectors.runtime.optional_packages import needing
from connectors.s3.connection import ObjectStoreConnection
from connectors.s3.keys import check_key, fixed_part
from connectors.s3.settings import Settings
from operators.model.template import Template
from operators.model.units import Duration

BUCKET = r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"
"""Amazon S3 User Guide, "General purpose bucket naming rules"."""
MOST_WAITING = 10_000
LONGEST_CLIP = 120.0
"""Seconds; of a clip that follows an object `LONGEST_FOLLOWED`."""
LONGEST_FOLLOWED = 600.0
LATE = 30.0
"""Seconds by which a clip may be cut late."""


class Objects(Sink):
    """Archives events in an object store, as JSON lines.

    Events of one span of time (`every`) are one object: `KEY-0000.jsonl`, and `KEY-0001.jsonl` and
    so on once that one has
    `size` bytes. An object grows while its span lasts, and late events still find their way into
    it. With `{id}` in the key each event is an object by itself, `KEY` as it is written. `time` in
    a key is UTC, and the beginning of the span. With
    `shape` the lines are that map and the event's `id`. Two sinks must not write the same keys.

    Delivery: exactly once in the objects. Each is written whole and replaces the one before; after
    a restart the lines that are there already are read back and not written again. An event that a
    device itself sends twice, more than some thousand events apart, is there twice with the same
    `id`. An event that has no key goes to dead letters.
    Back pressure: up to 50,000 events wait while the object store is down, then the flow waits.
    """

    NAME: ClassVar[str] = "objects"
    CONNECTION: ClassVar[type[ObjectStoreConnection]] = ObjectStoreConnection
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "objects: {bucket: archive}",
        (
            'objects: {bucket: archive, key: "plant/{time:%Y/%m/%d/%H}", every: 1h, compress: gzip,'
            " keep: 90d}"
        ),
        'objects: {bucket: evidence, key: "alarms/{time:%Y/%m/%d}/{alarm}/{id}.json"}',
    )

    bucket: str = Field(description="Bucket to write to.", pattern=BUCKET, examples=["archive"])
    key: str | None = Field(
        None,
        description=(
            "Beginning of the keys, without an ending; may hold `{field}`. None for "
            "`FLOW/SINK/{time:%Y/%m/%d/%H%M}`."
        ),
        examples=["plant/{time:%Y/%m/%d/%H}"],
    )
    every: Duration = Field(
        60.0,
        description=(
            "Span of the events that share an object. After a restart the objects of the present"
            " span are read back, so many events a second ask for a short one."
        ),
        examples=["1min", "1h"],
    )
    size: int = Field(
        4 << 20,
        ge=1 << 10,
        le=64 << 20,
        description="Bytes, before compression, of the largest object.",
    )
    compress: Literal["none", "gzip", "zstd"] = Field(
        "none", description="Compression; adds `.gz` or `.zst` to the key."
    )
    keep: Duration | None = Field(
        None,
        description=(
            "How long the store keeps the objects, in whole days, where it has life-cycle rules."
            " The key must then begin with a fixed text, which belongs to this sink alone."
        ),
        examples=["90d"],
    )
    create: bool = Field(True, description="Make the bucket if it is missing.")
    parallel: int = Field(4, ge=1, le=32, description="Objects written at the same time.")
    connection: str = Field("minio", description="Connection of the site file.")

    @field_validator("key")
    @classmethod
    def _a_key(cls, value: str | None) -> str | None:
        if value is None:
            return value
        check_key(value)
        if not {"time", "id"} & set(Template(value).placeholders()):
            raise ValueError(
                f"{value!r} is one key for ever; it needs {{time:%Y/%m/%d/%H%M}}, or {{id}}"
            )
        return value

    @field_validator("every")
    @classmethod
    def _a_span(cls, value: float) -> float:
        if value < 1:
            raise ValueError("the span of an object is at least 1s")
        return value

    @model_validator(mode="after")
    def _expires_its_own(self) -> Self:
        _check_keep(self.keep, self.key)
        return self

    def open(self, context: ConnectorContext) -> Writer:
        """Make the writer; it makes the bucket with the first event."""
        with needing(f"{context.name}: objects", "objects", "minio", "zstandard"):
            from connectors.s3.contents import PACKERS, event_object
            from connectors.s3.writer import ArchiveWriter, ObjectWriter

        uploads = _uploads(self)
        if self.key is not None and "id" in Template(self.key).placeholders():
            key = self.key + PACKERS[self.compress][0]
            return ObjectWriter(context, uploads, key, event_object(context, self.compress))
        key = self.key or f"{context.flow}/{context.name}/{{time:%Y/%m/%d/%H%M}}"
        return ArchiveWriter(context, uploads, key, self.every, self.size, self.compress)


class Snapshot(Sink):
    """Stores the picture of an event as an object: a camera's JPEG, PNG or WebP.

    A picture is the bytes of a camera's frame, the picture to which a detection refers, the payload
    of a message (of an `mqtt` source read without `decode`, as Frigate, ESPHome and Zigbee cameras
    publish them), or a field of the event, named by `picture`, that holds it in base64 or as a
    `data:` address. Events without a picture are counted as `without_picture`; what stands in its
    place and is none goes to dead letters. A picture that a detection refers to and that is gone
    from its topic is counted as `picture_gone`. With `drawn` the picture with its box and class is
    a second object, whose key has `_drawn` before its ending; with `thumbnail` a small one has
    `_thumbnail` there. Parts of a picture that nobody may see (zones with `privacy`) are covered on
    all of them. Where the key has a `time`, of two events with the same key the later one's has
    `_2` before its ending, and so on; of others the later one's picture stays.

    Where the picture is, or that it is lost, is said by an occurrence `evidence` beside the event.

    Delivery: at least once. Waiting events are kept in a file in the flow's data folder, and an
    event that comes again has the same key. After 10,000 of them, or `spool` bytes, those that
    follow are lost, counted as `evidence_lost` and told on the event.
    Back pressure: none; neither events nor alarms wait for the object store.
    """

    NAME: ClassVar[str] = "snapshot"
    CONNECTION: ClassVar[type[ObjectStoreConnection]] = ObjectStoreConnection
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        'snapshot: {bucket: sentinel-media, key: "frames/evt_{time:%Y%m%d_%H%M%S}_{camera}.jpg"}',
        (
            'snapshot: {bucket: sentinel-media, key: "frames/{time:epoch}_{subject}.jpg", picture:'
            " thumbnail, keep: 30d}"
        ),
        (
            'snapshot: {bucket: sentinel-media, key: "frames/{time:%Y%m%d_%H%M%S}_{camera}.jpg",'
            " drawn: true, thumbnail: 320}"
        ),
    )

    bucket: str = Field(
        description="Bucket to write to.", pattern=BUCKET, examples=["sentinel-media"]
    )
    key: str = Field(description="Key of the object; may hold `{field}`. Times are in UTC.")
    picture: str = Field(
        "picture", description="Field of the event that holds the picture.", examples=["thumbnail"]
    )
    drawn: bool = Field(False, description="Stores the picture with its box and class as well.")
    thumbnail: int | None = Field(
        None,
        ge=16,
        le=1920,
        description="Stores a small picture of this width as well, in pixels.",
        examples=[320],
    )
    best: Duration | None = Field(
        None,
        gt=0,
        le=600,
        description=(
            "Stores one picture of each object, the best one that is seen until it is gone or so"
            " long, not that of its first event. The sink must read all phases of it."
        ),
        examples=["10s"],
    )
    keep: Duration | None = Field(
        None,
        description=(
            "How long the store keeps the pictures, in whole days, where it has life-cycle rules."
            " The key must then begin with a fixed text, which belongs to this sink alone."
        ),
        examples=["30d"],
    )
    spool: int = Field(
        256 << 20,
        ge=1 << 20,
        description="Bytes that may wait on disk while the object store is down.",
    )
    create: bool = Field(True, description="Make the bucket if it is missing.")
    parallel: int = Field(4, ge=1, le=32, description="Pictures written at the same time.")
    connection: str = Field("minio", description="Connection of the site file.")

    @field_validator("key")
    @classmethod
    def _a_key(cls, value: str) -> str:
        return check_key(value)

    @model_validator(mode="after")
    def _expires_its_own(self) -> Self:
        _check_keep(self.keep, self.key)
        return self

    def open(self, context: ConnectorContext) -> Writer:
        """Make the writer; it makes the bucket with the first picture."""
        with needing(f"{context.name}: snapshot", "objects", "minio", "zstandard"):
            from connectors.s3.evidence_writer import Bounds
            from connectors.s3.picture_writer import PictureWriter
            from connectors.s3.pictures import PictureSettings

        if self.drawn or self.thumbnail or context.masks:
            with needing(f"{context.name}: snapshot", "vision", "cv2"):
                import cv2  # noqa: F401

        made = PictureSettings(self.picture, self.drawn, self.thumbnail)
        bounds = Bounds(MOST_WAITING, self.spool)
        return PictureWriter(context, _uploads(self), self.key, made, bounds, self.best)


class Clip(Sink):
    """Stores a short video from before to after an event, as H.264 in an MP4 file.

    It is cut from what the event's camera recorded (the packets of its own stream, which are not
    coded again), from the last key frame before `before` on, and has no sound. It needs a camera
    source of the same flow, and events with a `camera`. Where the key has a `time`, of two events
    with the same key the later one's has `_2` before its ending, and so on.

    With `most` a tracked object has one clip, which goes on until it is gone: its events in other
    phases have none of their own, and those that continue nothing are counted.

    Where the clip is and when it truly begins and ends, or that it is lost, is said by an
    occurrence `evidence` beside the event.

    Delivery: at least once. Waiting events are kept in a file in the flow's data folder, and an
    event that comes again has the same key. After 10,000 of them, or `spool` bytes, those that
    follow are lost, counted as `evidence_lost` and told on the event; so are those of which the
    camera recorded nothing.
    Back pressure: none; neither events nor alarms wait for the video or for the object store.
    """

    NAME: ClassVar[str] = "clip"
    CONNECTION: ClassVar[type[ObjectStoreConnection]] = ObjectStoreConnection
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        (
            'clip: {bucket: sentinel-media, key: "videos/evt_{time:%Y%m%d_%H%M%S}_{camera}.mp4",'
            " before: 5s, after: 10s}"
        ),
    )

    bucket: str = Field(
        description="Bucket to write to.", pattern=BUCKET, examples=["sentinel-media"]
    )
    key: str = Field(description="Key of the object; may hold `{field}`. Times are in UTC.")
    before: Duration = Field(
        5.0, ge=0, description="How much video from before the event.", examples=["5s"]
    )
    after: Duration = Field(
        10.0, ge=0, description="How much video from after the event.", examples=["10s"]
    )
    most: Duration | None = Field(
        None,
        gt=0,
        le=LONGEST_FOLLOWED,
        description=(
            "One clip of each object, from `before` its first event until `after` it is gone, at"
            " most so long. The sink must read all phases of it, and the camera keep so much."
        ),
        examples=["2min"],
    )
    keep: Duration | None = Field(
        None,
        description=(
            "How long the store keeps the clips, in whole days, where it has life-cycle rules."
            " The key must then begin with a fixed text, which belongs to this sink alone."
        ),
        examples=["30d"],
    )
    spool: int = Field(
        1 << 30,
        ge=1 << 20,
        description="Bytes that may wait on disk while the object store is down.",
    )
    create: bool = Field(True, description="Make the bucket if it is missing.")
    parallel: int = Field(2, ge=1, le=32, description="Clips written at the same time.")
    connection: str = Field("minio", description="Connection of the site file.")

    @field_validator("key")
    @classmethod
    def _a_key(cls, value: str) -> str:
        return check_key(value)

    @model_validator(mode="after")
    def _short_and_its_own(self) -> Self:
        if not 0 < self.before + self.after <= LONGEST_CLIP:
            raise ValueError("a clip has at most 2min: before and after together")
        _check_keep(self.keep, self.key)
        return self

    @property
    def reach(self) -> float:
        """Seconds of video that must be at hand when a clip is cut."""
        return self.before + max(self.most or 0.0, self.after) + self.after + LATE

    def open(self, context: ConnectorContext) -> Writer:
        """Make the writer; it makes the bucket with the first clip."""
        with needing(f"{context.name}: clip", "objects", "minio", "zstandard"):
            from connectors.s3.clip_writer import ClipWriter
            from connectors.s3.evidence_writer import Bounds

        with needing(f"{context.name}: clip", "vision", "av"):
            import av  # noqa: F401

        bounds = Bounds(MOST_WAITING, self.spool)
        span = (self.before, self.after)
        return ClipWriter(context, _uploads(self), self.key, span, bounds, self.most)


def _uploads(sink: Objects | Snapshot | Clip) -> Settings:
    return Settings(
        connection=sink.connection,
        bucket=sink.bucket,
        create=sink.create,
        parallel=sink.parallel,
        keep_days=None if sink.keep is None else whole_days(sink.keep),
    )


def _check_keep(keep: float | None, key: str | None) -> None:
    """Refuse a life cycle that might delete objects of others."""
    if keep is not None and keep < DAY:
        raise ValueError("keep is at least 1d")
    if keep is not None and key is not None and not fixed_part(key):
        raise ValueError(
            "keep needs a key that begins with a fixed text of its own, such as archive/, not"
            f" {key!r}"
        )
