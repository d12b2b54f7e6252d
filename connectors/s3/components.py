"""Object stores with the S3 protocol: the sink that archives events."""

import math
from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from connectors.base import ConnectorContext, Sink, Writer
from connectors.s3.connection import ObjectStoreConnection
from connectors.s3.keys import check_key, fixed_part
from operators.model.template import Template
from operators.model.units import Duration

DAY = 86_400.0
BUCKET = r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"
"""Amazon S3 User Guide, "General purpose bucket naming rules"."""


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
        check_keep(self.keep, self.key)
        return self

    def open(self, context: ConnectorContext) -> Writer:
        from connectors.s3.archive_writer import PACKERS, ArchiveWriter
        from connectors.s3.object_writer import EachWriter, event_object

        if self.key is not None and "id" in Template(self.key).placeholders():
            return EachWriter(
                context,
                self,
                self.key + PACKERS[self.compress][0],
                event_object(context, self.compress),
            )
        return ArchiveWriter(context, self)


def check_keep(keep: float | None, key: str | None) -> None:
    """Whether objects may be deleted by age: raises ValueError where that might delete those of
    others.
    """
    if keep is not None and keep < DAY:
        raise ValueError("keep is at least 1d")
    if keep is not None and key is not None and not fixed_part(key):
        raise ValueError(
            "keep needs a key that begins with a fixed text of its own, such as archive/, not"
            f" {key!r}"
        )


def days_of(keep: float) -> int:
    """Whole days of a time to keep, never fewer."""
    return math.ceil(keep / DAY)
