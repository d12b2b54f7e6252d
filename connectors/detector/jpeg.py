"""JPEGs as pictures for a model."""

import struct

import cv2
import numpy as np

from connectors.detector.letterbox import reduction
from connectors.detector.model import ModelFacts
from connectors.detector.objects import Pixels

END = b"\xff\xd9"
READ_AS = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})  # markers that begin a picture
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})


def decode(jpeg: bytes, facts: ModelFacts, share: float = 1.0) -> Pixels | None:
    """A JPEG as a picture, no larger than the model needs; None for one that is not whole.

    `share` is how much of its width and height the model looks at at once, where not at all of it.

    libjpeg scales by 2, 4 or 8 while it decodes, which costs less than decoding all.
    """
    size = size_of(jpeg)
    if size is None or not jpeg.rstrip(b"\0").endswith(END):
        return None
    seen = max(1, round(size[0] * share)), max(1, round(size[1] * share))
    how = READ_AS[reduction(*seen, facts.width, facts.height)]
    try:
        picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), how | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None
    return None if picture is None else np.asarray(picture, np.uint8)


def size_of(jpeg: bytes) -> tuple[int, int] | None:
    """Width and height of a JPEG; None if it is none.

    ITU-T T.81, annex B: markers with lengths up to the first start of a frame.
    """
    if not jpeg.startswith(b"\xff\xd8"):
        return None
    at = 2
    while at + 9 <= len(jpeg):
        if jpeg[at] != 0xFF:
            return None
        marker = jpeg[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _ALONE:
            at += 2
        elif marker in _FRAMES:
            height, width = struct.unpack_from(">HH", jpeg, at + 5)
            return (width, height) if width and height else None
        else:
            at += 2 + max(2, struct.unpack_from(">H", jpeg, at + 2)[0])
    return None
