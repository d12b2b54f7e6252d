"""Whether something moves on a picture: the difference to a running average of a small gray one.

The average knows each pixel's usual restlessness, so that leaves, rain and noise are part of it.
A change of the light everywhere is no motion.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

SIZE = (320, 180)
"""Width and height of the pictures that are looked at."""
LOOK_ANYWAY = 30.0
"""A picture passes after so many seconds without one: somebody may stand there."""
LOOK_WHERE_SEEN, LOOK_WHERE_STILL = 1.0, 10.0
"""The same while something is seen, and once nothing has moved there for `STILL_AFTER` seconds."""
STILL_AFTER = 60.0
SEEN_FOR = 15.0
"""Seconds that something counts as seen: longer than until the next look."""
LIGHT_SHARE = 0.6
"""The light changed if more than this part of the picture did, or its mean by `LIGHT_STEP`."""
LIGHT_STEP = 25.0
BLIND = 2.0
"""Seconds after a change of light in which nothing counts as motion."""
SIGHTED = 8.0
"""Seconds after these in which the light may change as it likes: it never keeps the gate shut."""
ADAPT, ADAPT_MOVING, ADAPT_RESTLESS = 4.0, 20.0, 30.0
"""Time constants in seconds: of the average, where something moves, and of the restlessness, which
is learnt quickly at first.
"""
THRESHOLD, RESTLESS = 18.0, 3.0
"""A pixel moves if it differs by that many levels and that many times its usual difference."""
SETTLE = 3.0
"""Seconds in which a scene is learnt at first; its first picture passes."""
SPECK = 0.002
"""Smaller parts of the picture are drops and insects."""
MOST_BOXES = 10

Gray = NDArray[np.uint8]
Box = tuple[float, float, float, float]
Polygon = Sequence[tuple[float, float]]
_KERNEL = np.ones((3, 3), np.uint8)


class Look(NamedTuple):
    """What the gate says of a picture.

    `passes` if it is to be looked at more closely; `moving` if something moves on it now, in
    `boxes` (left, top, width, height, as fractions of the picture), which cover `area` of it.
    """

    passes: bool
    moving: bool
    boxes: list[Box]
    area: float


class MotionGate:
    """Passes pictures while at least `min_area` of them (a fraction) moves, and `hold` s longer.

    Two of three pictures in a row must move. `masks` are polygons, in fractions of the picture, in
    which nothing counts. Pictures are gray, of any size, their times in seconds on any clock that
    does not go back.
    """

    def __init__(self, min_area: float, hold: float, masks: Sequence[Polygon] = ()) -> None:
        self._min_area = min_area
        self._hold = hold
        self._masks = masks
        self._counted: Gray | None = None
        self._mean: NDArray[np.float32] | None = None
        self._restless: NDArray[np.float32] | None = None
        self._at = self._began = 0.0
        self._moved_last: tuple[bool, bool] = (False, False)
        self._open_until = -math.inf
        self._passed_at = self._seen_at = self._seen_since = -math.inf
        self._blind_until = -math.inf

    def seen(self, at: float) -> None:
        """Something was found on a picture: whoever follows it needs more. From any thread."""
        if at - self._seen_at > SEEN_FOR:
            self._seen_since = at
        self._seen_at = at

    def restart(self) -> None:
        """Pictures of another kind come: nothing is known of the scene."""
        self._mean = None

    def look(self, gray: Gray, at: float) -> Look:
        """Judge the next picture, and learn from it."""
        small = _small(gray)
        if self._mean is None or self._mean.shape != small.shape:
            self._begin(small, at)
            self._passed_at = at
            return Look(True, False, [], 0.0)
        boxes, area = self._changes(small, at)
        moves = area >= self._min_area and at - self._began >= SETTLE
        moving = moves and any(self._moved_last)
        self._moved_last = (self._moved_last[1], moves)
        if moving:
            self._open_until = at + self._hold
        passes = at <= self._open_until or at - self._passed_at >= self._look_after(at)
        if passes:
            self._passed_at = at
        return Look(passes, moving, boxes if moving else [], area)

    def _look_after(self, at: float) -> float:
        """Seconds after the last picture that passed until one passes without motion."""
        if at - self._seen_at > SEEN_FOR:
            return LOOK_ANYWAY
        is_fresh = at - max(self._open_until, self._seen_since) < STILL_AFTER
        return LOOK_WHERE_SEEN if is_fresh else LOOK_WHERE_STILL

    def _begin(self, small: NDArray[np.float32], at: float) -> None:
        self._mean = small
        self._restless = np.zeros_like(small)
        self._at = self._began = at
        self._moved_last = (False, False)
        height, width = small.shape
        self._counted = np.full((height, width), 255, np.uint8)
        for polygon in self._masks:
            points = np.array([[round(x * width), round(y * height)] for x, y in polygon], np.int32)
            cv2.fillPoly(self._counted, [points], 0)

    def _changes(self, small: NDArray[np.float32], at: float) -> tuple[list[Box], float]:
        assert self._mean is not None and self._restless is not None and self._counted is not None
        passed = max(0.0, at - self._at)
        self._at = at
        difference = small - self._mean
        counted = max(1, cv2.countNonZero(self._counted))
        step = float(cv2.mean(difference, self._counted)[0])
        strong = (np.abs(difference) > THRESHOLD).astype(np.uint8)
        share = cv2.countNonZero(cv2.bitwise_and(strong, self._counted)) / counted
        if (share > LIGHT_SHARE or abs(step) > LIGHT_STEP) and at > self._blind_until + SIGHTED:
            self._blind_until = at + BLIND
        if at <= self._blind_until:
            self._mean = small
            return [], 0.0
        distance = np.abs(difference - step)
        moved = (distance > THRESHOLD + RESTLESS * self._restless).astype(np.uint8)
        _learn(self._mean, small, passed, ADAPT, ADAPT_MOVING, moved)
        usual = min(ADAPT_RESTLESS, max(at - self._began, passed))
        _learn(self._restless, distance, passed, usual, usual, None)
        moved = cv2.bitwise_and(moved, self._counted)
        return _parts(np.asarray(moved, np.uint8), counted)


def _small(gray: Gray) -> NDArray[np.float32]:
    small = gray if gray.shape == SIZE[::-1] else cv2.resize(gray, SIZE)
    return np.asarray(cv2.blur(small, (3, 3)), np.float32)


def _learn(
    average: NDArray[np.float32],
    value: NDArray[np.float32],
    passed: float,
    seconds: float,
    seconds_moving: float,
    moved: Gray | None,
) -> None:
    cv2.accumulateWeighted(
        value,
        average,
        1 - math.exp(-passed / max(seconds, 1e-6)),
        None if moved is None else 1 - moved,
    )
    if moved is not None:
        cv2.accumulateWeighted(value, average, 1 - math.exp(-passed / seconds_moving), moved)


def _parts(moved: Gray, counted: int) -> tuple[list[Box], float]:
    """The parts that moved, the largest first, and the area of all of them as a fraction."""
    opened = cv2.morphologyEx(moved, cv2.MORPH_OPEN, _KERNEL)
    if not cv2.countNonZero(opened):
        return [], 0.0
    joined = cv2.dilate(opened, _KERNEL, iterations=3)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined)
    sizes = np.bincount(labels[opened > 0], minlength=len(stats))
    height, width = moved.shape
    order = [part for part in np.argsort(sizes)[::-1] if part and sizes[part] >= SPECK * counted]
    boxes: list[Box] = []
    for part in order[:MOST_BOXES]:
        left, top, wide, high = (float(value) for value in stats[part][:4])
        box = left / width, top / height, wide / width, high / height
        boxes.append((round(box[0], 4), round(box[1], 4), round(box[2], 4), round(box[3], 4)))
    return boxes, float(sum(sizes[part] for part in order)) / counted
