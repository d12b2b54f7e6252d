"""The pictures that events carry."""

import base64
import binascii

from connectors.base import ConnectorContext
from connectors.s3.contents import Content, Make, NoContent
from operators.events import Event, Frame, Message
from operators.model.fields import field

PICTURES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"RIFF": "image/webp"}
"""First bytes of a picture (JFIF, PNG and WebP specifications): its content type."""


def picture_maker(context: ConnectorContext, name: str) -> Make:
    """A function that gives the picture of an event, which may be in the field `name`."""

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
