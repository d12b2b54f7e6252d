"""Pictures into the form that a model takes: scaled with their aspect ratio, on a gray ground."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from connectors.detector.objects import Floats, Pixels

GRAY = 114
"""The ground on which ultralytics trains its models."""
LARGEST_REDUCTION = 8


class Placement(NamedTuple):
    """Where a picture of `width` x `height` pixels lies on a model's input: scaled, then moved."""

    scale: float
    left: int
    top: int
    width: int
    height: int

    def back(self, boxes: Floats) -> Floats:
        """Boxes on the input (n, 4) as boxes on the picture, cut at its edges."""
        moved = boxes - np.array([self.left, self.top] * 2, boxes.dtype)
        moved /= self.scale
        high = np.array([self.width, self.height] * 2, boxes.dtype)
        return np.clip(moved, 0, high, out=moved)


def place(width: int, height: int, into_width: int, into_height: int) -> Placement:
    """Where a picture lies on an input: as large as possible, in the middle."""
    scale = min(into_height / height, into_width / width)
    left = (into_width - max(1, round(width * scale))) // 2
    top = (into_height - max(1, round(height * scale))) // 2
    return Placement(scale, left, top, width, height)


def covering(pictures: Sequence[Pixels], height: int, width: int, stride: int) -> tuple[int, int]:
    """The smallest height and width, in whole strides, of an input that shows pictures as large.

    A wide picture needs few rows, and a model takes as much less time.
    """
    tall = wide = stride
    for picture in pictures:
        high, broad = picture.shape[:2]
        scale = min(height / max(1, high), width / max(1, broad))
        tall = max(tall, -(-round(high * scale) // stride) * stride)
        wide = max(wide, -(-round(broad * scale) // stride) * stride)
    return min(tall, height), min(wide, width)


def letterbox(
    pictures: Sequence[Pixels], height: int, width: int
) -> tuple[npt.NDArray[np.float32], list[Placement]]:
    """A model's input (batch, 3, height, width), RGB from 0 to 1, and where each picture is on it.

    A picture of zero pixels raises `ValueError`.
    """
    canvas = np.full((len(pictures), height, width, 3), GRAY, np.uint8)
    placements = []
    for ground, picture in zip(canvas, pictures, strict=True):
        tall, wide = picture.shape[:2]
        if not tall or not wide:
            raise ValueError(f"a picture of {wide} x {tall} pixels")
        at = place(wide, tall, width, height)
        size = (max(1, round(wide * at.scale)), max(1, round(tall * at.scale)))
        if size != (wide, tall):
            picture = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]
        ground[at.top : at.top + size[1], at.left : at.left + size[0]] = picture
        placements.append(at)
    if not pictures:
        return np.empty((0, 3, height, width), np.float32), []
    tensor = cv2.dnn.blobFromImages(list(canvas), 1 / 255, swapRB=True)
    return np.asarray(tensor, np.float32), placements


def reduction(width: int, height: int, into_width: int, into_height: int) -> int:
    """By how much a JPEG may be decoded smaller (1, 2, 4 or 8) and still fill a model's input."""
    scale = min(into_height / height, into_width / width)
    factor = LARGEST_REDUCTION
    while factor > 1 and scale * factor > 1:
        factor //= 2
    return factor
