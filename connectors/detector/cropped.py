"""Pictures cut into the regions that a model looks at, and what it found there put together."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from connectors.detector.jpeg import decode
from connectors.detector.model import ModelFacts
from connectors.detector.objects import Limits, Objects, Pixels
from connectors.detector.postprocess import suppressed, taken
from connectors.detector.worker_messages import Region


class Cropped(NamedTuple):
    """A decoded picture of `width` × `height` pixels: its parts, and where each begins."""

    width: int
    height: int
    parts: list[Pixels]
    corners: list[tuple[int, int]]


def decode_regions(jpeg: bytes, regions: Sequence[Region], facts: ModelFacts) -> Cropped | None:
    """The regions of a JPEG, all of it where there are none; None for one that is not whole."""
    share = min((max(wide, high) for _, _, wide, high in regions), default=1.0)
    picture = decode(jpeg, facts, share)
    if picture is None:
        return None
    height, width = picture.shape[:2]
    if not regions:
        return Cropped(width, height, [picture], [(0, 0)])
    parts, corners = [], []
    for left, top, wide, high in regions:
        x, y = min(round(left * width), width - 1), min(round(top * height), height - 1)
        right, low = round((left + wide) * width), round((top + high) * height)
        parts.append(picture[y : max(low, y + 1), x : max(right, x + 1)])
        corners.append((x, y))
    return Cropped(width, height, parts, corners)


def put_together(
    found: Sequence[Objects], corners: Sequence[tuple[int, int]], limits: Limits
) -> Objects:
    """The objects of the parts of one picture, in its pixels."""
    if len(found) == 1 and corners[0] == (0, 0):
        return found[0]
    moved = [
        each.boxes + np.array([x, y] * 2, np.float64)
        for each, (x, y) in zip(found, corners, strict=True)
    ]
    whole = Objects(
        np.concatenate(moved),
        np.concatenate([each.scores for each in found]),
        np.concatenate([each.classes for each in found]),
    )
    return taken(whole, suppressed(whole, limits.overlap, limits.floor)[: limits.most])
