"""Object stores: the sink for the pictures that events carry."""

import base64
import binascii
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from connectors.base import ConnectorContext, Sink, Writer
from connectors.s3.components import BUCKET, check_keep
from connectors.s3.connection import ObjectStoreConnection
from connectors.s3.keys import check_key
from operators.events import Event, Frame, Message
from operators.model.fields import field
from operators.model.units import Duration

if TYPE_CHECKING:
    from connectors.s3.object_writer import Content

PICTURES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"RIFF": "image/webp"}
"""First bytes of a picture (JFIF, PNG and WebP specifications): its content type."""


class Snapshot(Sink):
    """Stores the picture an event carries as an object: a camera's JPEG, PNG or WebP.

    A picture is the bytes of a camera's frame, the payload of a message (of an `mqtt` source read
    without `decode`, as Frigate, ESPHome and Zigbee cameras publish them), or a field of the event,
    named by `picture`, that holds it in base64 or as a `data:` address. Events without a picture
    are counted as `without_picture`; what stands in its place and is none goes to dead letters. Of
    two events with the same key the later one's picture stays.

    Delivery: at least once; the key is made from the event, so a second delivery replaces the
    object by itself.
    Back pressure: up to 2,000 events wait while the object store is down, then the flow waits.
    """

    NAME: ClassVar[str] = "snapshot"
    CONNECTION: ClassVar[type[ObjectStoreConnection]] = ObjectStoreConnection
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        'snapshot: {bucket: sentinel-media, key: "frames/evt_{time:%Y%m%d_%H%M%S}_{camera}.jpg"}',
        (
            'snapshot: {bucket: sentinel-media, key: "frames/{time:epoch}_{subject}.jpg", picture:'
            " thumbnail, keep: 30d}"
        ),
    )

    bucket: str = Field(
        description="Bucket to write to.", pattern=BUCKET, examples=["sentinel-media"]
    )
    key: str = Field(description="Key of the object; may hold `{field}`. Times are in UTC.")
    picture: str = Field(
        "picture", description="Field of the event that holds the picture.", examples=["thumbnail"]
    )
    keep: Duration | None = Field(
        None,
        description=(
            "How long the store keeps the pictures, in whole days, where it has life-cycle rules."
            " The key must then begin with a fixed text, which belongs to this sink alone."
        ),
        examples=["30d"],
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
        check_keep(self.keep, self.key)
        return self

    def open(self, context: ConnectorContext) -> Writer:
        from connectors.s3.object_writer import EachWriter

        return EachWriter(context, self, self.key, picture_maker(context, self.picture))


def picture_maker(context: ConnectorContext, name: str) -> "Callable[[Event], Content | None]":
    """What gives the picture of an event, None for an event without one; raises `NoContent` for
    what is none.
    """
    from connectors.s3.object_writer import Content, NoContent

    def make(event: Event) -> Content | None:
        data = _bytes_of(event, name)
        if data is None:
            context.count("without_picture", 1)
            return None
        for beginning, type_ in PICTURES.items():
            if data.startswith(beginning):
                return Content(data, type_)
        raise NoContent(
            "not_a_picture",
            f"expected a JPEG, PNG or WebP picture, or its base64 text, as {name!r}; got"
            f" {data[:24]!r}",
        )

    return make


def _bytes_of(event: Event, name: str) -> bytes | None:
    if isinstance(event, Frame):
        return event.jpeg or None
    if isinstance(event, Message):
        return event.payload or None
    found = field(event, name)
    if not found:
        return None
    if not isinstance(found, str):
        return repr(found)[:100].encode()
    encoded = found.partition(",")[2] if found.startswith("data:") else found
    try:
        return base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        return encoded[:100].encode("utf-8", "replace")
