"""The parts of a picture that a model looks at: squares around what moves and what was found.

A model sees a picture shrunken to its input; a small object is still there in a part of it.
"""

from collections.abc import Iterable, Sequence

Box = tuple[float, float, float, float]
"""Left, top, width and height, as fractions of the picture."""

ROOM = 1.4
"""A region is so many times as long as what lies in it."""
MOST = 4
WHOLE = 0.5
"""From this share of the picture on, or with more regions than `MOST`, all of it is looked at."""
WHOLE_EVERY = 10.0
"""Seconds after which a camera's whole picture is looked at, whatever moves."""
HELD = 2.0
"""Seconds for which what was found stays a reason to look there."""


class Regions:
    """Chooses the regions of the pictures of any number of cameras.

    Times are those of the pictures. Each method may be called from a thread of its own.
    """

    def __init__(self) -> None:
        self._found: dict[str, tuple[float, list[Box]]] = {}
        self._whole_at: dict[str, float] = {}

    def found(self, camera: str, time: float, boxes: Iterable[Box]) -> None:
        """What a model found on a picture; nothing found leaves what was found before."""
        if new := list(boxes):
            self._found[camera] = time, new

    def of(
        self,
        camera: str,
        time: float,
        motion: Sequence[Box],
        size: tuple[int, int],
        smallest: int,
    ) -> list[Box]:
        """The regions of a picture of `size` (width, height) pixels; none: the whole of it.

        A region is a square of at least `smallest` pixels, where the picture is so large.
        """
        at, boxes = self._found.get(camera, (0.0, []))
        there = [*motion, *(boxes if 0 <= time - at <= HELD else [])]
        since = time - self._whole_at.get(camera, -WHOLE_EVERY)
        regions = [] if not 0 <= since < WHOLE_EVERY else _merged(there, size, smallest)
        if not regions or len(regions) > MOST or sum(w * h for _, _, w, h in regions) > WHOLE:
            self._whole_at[camera] = time
            return []
        return regions


def _merged(boxes: Sequence[Box], size: tuple[int, int], smallest: int) -> list[Box]:
    """Regions around boxes; no two of them overlap."""
    groups = [(box, _around(box, size, smallest)) for box in boxes]
    merged: list[tuple[Box, Box]] = []
    while groups:
        box, region = groups.pop()
        other = next((each for each in merged if _overlap(each[1], region)), None)
        if other is None:
            merged.append((box, region))
            continue
        merged.remove(other)
        both = _union(box, other[0])
        groups.append((both, _around(both, size, smallest)))
    return [region for _, region in merged]


def _around(box: Box, size: tuple[int, int], smallest: int) -> Box:
    left, top, wide, high = box
    width, height = size
    side = max(smallest, ROOM * wide * width, ROOM * high * height)
    broad, tall = min(1.0, side / width), min(1.0, side / height)
    return (
        min(max(0.0, left + wide / 2 - broad / 2), 1 - broad),
        min(max(0.0, top + high / 2 - tall / 2), 1 - tall),
        broad,
        tall,
    )


def _union(one: Box, other: Box) -> Box:
    left, top = min(one[0], other[0]), min(one[1], other[1])
    right = max(one[0] + one[2], other[0] + other[2])
    low = max(one[1] + one[3], other[1] + other[3])
    return left, top, right - left, low - top


def _overlap(one: Box, other: Box) -> bool:
    return (
        one[0] < other[0] + other[2]
        and other[0] < one[0] + one[2]
        and one[1] < other[1] + other[3]
        and other[1] < one[1] + one[3]
    )
