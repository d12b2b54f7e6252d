"""The pictures that events carry or refer to."""

import base64
import binascii
import re
from dataclasses import dataclass

from connectors.base import ConnectorContext, NoAnswer
from connectors.runtime.threaded_writer import Retry
from connectors.s3.contents import Content, NoContent
from connectors.s3.drawing import Drawing
from operators.events import Detection, Event, Frame, Message
from operators.model.fields import field, text

PICTURES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"RIFF": "image/webp"}
"""First bytes of a picture (JFIF, PNG and WebP specifications): its content type."""
DRAWN, THUMBNAIL = "_drawn", "_thumbnail"
"""What stands before the ending of a key: of the picture with its box, and of the small one."""
_REFERENCE = re.compile(r"[A-Za-z0-9._-]{1,249}/\d{1,9}/\d{1,19}")


class PictureGone(Exception):
    """An event refers to a picture that is no longer there."""


@dataclass(frozen=True)
class PictureSettings:
    """Which field holds the picture, and which pictures are made of it."""

    field: str
    drawn: bool = False
    thumbnail: int | None = None


class Pictures:
    """Makes the pictures of an event: the clean one, one with its box, a small one."""

    def __init__(self, context: ConnectorContext, settings: PictureSettings) -> None:
        self._context = context
        self._settings = settings
        self._drawing = Drawing(context.masks)

    def has(self, event: Event) -> bool:
        """Whether an event has a picture, or something in its place."""
        if isinstance(event, Frame) and event.jpeg:
            return True
        if isinstance(event, Message):
            return bool(event.payload)
        return bool(field(event, self._settings.field))

    def of(self, event: Event) -> dict[str, Content]:
        """The pictures of an event by what comes before the ending of their keys.

        The clean one has nothing there. Parts that nobody may see are covered on all of them.
        Raises `NoContent`, `PictureGone`, or `Retry`.
        """
        data = self._bytes_of(event)
        type_ = next((kind for start, kind in PICTURES.items() if data.startswith(start)), None)
        if type_ is None:
            raise NoContent(
                "not_a_picture",
                f"expected a JPEG, PNG or WebP picture, or its base64 text, as"
                f" {self._settings.field!r}; got {data[:24]!r}",
            )
        clean = Content(data, type_)
        camera = text(field(event, "camera"))
        box = _box_of(event) if self._settings.drawn else None
        if not (self._drawing.masks(camera) or box or self._settings.thumbnail):
            return {"": clean}
        picture = self._drawing.read(clean, camera)
        made = {"": clean if not self._drawing.masks(camera) else picture.content()}
        if box is not None:
            made[DRAWN] = picture.with_box(box, _label_of(event)).content()
        if self._settings.thumbnail is not None:
            made[THUMBNAIL] = picture.reduced(self._settings.thumbnail).content()
        return made

    def _bytes_of(self, event: Event) -> bytes:
        if isinstance(event, Frame) and event.jpeg:
            return event.jpeg
        if isinstance(event, Message):
            return event.payload
        found = field(event, self._settings.field)
        if not isinstance(found, str):
            return repr(found)[:100].encode()
        if _REFERENCE.fullmatch(found):
            return self._fetched(found, event)
        encoded = found.partition(",")[2] if found.startswith("data:") else found
        try:
            return base64.b64decode("".join(encoded.split()), validate=True)
        except (binascii.Error, ValueError):
            return encoded[:100].encode("utf-8", "replace")

    def _fetched(self, reference: str, event: Event) -> bytes:
        frame = event.id if isinstance(event, Frame) else field(event, "frame")
        try:
            data = self._context.picture(reference, frame if isinstance(frame, str) else None)
        except NoAnswer as error:
            raise Retry(str(error)) from error
        if data is None:
            raise PictureGone(reference)
        return data


def _box_of(event: Event) -> tuple[float, float, float, float] | None:
    box = field(event, "box")
    try:
        left, top, width, height = (float(side) for side in box)
    except (TypeError, ValueError):
        return None
    return left, top, width, height


def _label_of(event: Event) -> str:
    words = [text(field(event, "class"))]
    score = event.score if isinstance(event, Detection) else field(event, "score")
    if isinstance(score, (int, float)):
        words.append(f"{score:.2f}")
    return " ".join(word for word in words if word)
