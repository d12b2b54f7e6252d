"""The topic of pictures: a record's value is the JPEG, its headers say what it shows."""

import json
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

Box = tuple[float, float, float, float]
Headers = list[tuple[str, bytes]]


class PictureHead(Struct, frozen=True):
    """What is known of a picture: the frame's id, when and by which camera it was taken.

    `time` is in epoch seconds, `width` and `height` in pixels. `motion` are the boxes (left, top,
    width, height) in which something moved, as fractions of the picture. `labels` are those of the
    camera.
    """

    id: str
    time: float
    camera: str
    width: int
    height: int
    motion: Sequence[Box] = ()
    labels: Mapping[str, str] = {}


class BadPicture(ValueError):
    """A record of the topic that is no picture; the message says what was expected."""


def headers_of(head: PictureHead) -> Headers:
    """The headers of a record."""
    texts = {
        "id": head.id,
        "time": repr(head.time),
        "camera": head.camera,
        "width": str(head.width),
        "height": str(head.height),
        "motion": json.dumps(head.motion),
        "labels": json.dumps(head.labels),
    }
    return [(name, text.encode()) for name, text in texts.items()]


def head_of(headers: Iterable[tuple[str, bytes | None]]) -> PictureHead:
    """What the headers of a record say. Raises `BadPicture`."""
    found = {name: (value or b"").decode("utf-8", "replace") for name, value in headers}
    try:
        return PictureHead(
            found["id"],
            float(found["time"]),
            found["camera"],
            int(found["width"]),
            int(found["height"]),
            [
                (float(x), float(y), float(w), float(h))
                for x, y, w, h in json.loads(found["motion"])
            ],
            {str(name): str(text) for name, text in json.loads(found.get("labels", "{}")).items()},
        )
    except KeyError as missing:
        raise BadPicture(f"a picture needs the header {missing}; it has {sorted(found)}") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise BadPicture(f"the headers of a picture are not as expected: {error}") from None


def reference(topic: str, partition: int, offset: int) -> str:
    """Where a picture is, as `Frame.picture` has it."""
    return f"{topic}/{partition}/{offset}"


def parse_reference(written: str) -> tuple[str, int, int]:
    """Topic, partition and offset of a reference. Raises `BadPicture`."""
    try:
        topic, partition, offset = written.rsplit("/", 2)
        return topic, int(partition), int(offset)
    except ValueError:
        raise BadPicture(f"expected TOPIC/PARTITION/OFFSET, got {written!r}") from None
