"""An object that is followed on one camera: its motion, and whether it stands still."""

from typing import Self

from operators.component import INSTANT
from operators.events import Detection
from operators.vision.boxes import Box, overlap, shared_area
from operators.vision.kalman import Axis, Motion

STILL_AFTER = 10.0
"""Seconds of looking in which an object must stay where it is to be still."""
AT_REST = 0.9
"""The overlap of an object with its mean box from which on it has not moved."""
HIDDEN = 0.5
"""The part of its box from which on an object is hidden by another one."""

Rest = tuple[Box, int, float, bool]
"""The mean box, of how many, since when, and whether that is long enough to be still."""
Saved = tuple[str, Detection, list[Axis], float, float, Rest]


class Followed:
    """One object; times are seconds of looking of its camera, apart from those in `last`.

    It moves also while nobody looks: where it is foretold goes by the times of its detections.
    `at` is when it was seen, `seen` when it was seen or was known to be hidden.
    """

    __slots__ = ("at", "last", "motion", "rest", "seen", "track")

    def __init__(self, track: str, last: Detection, looked: float) -> None:
        self.track = track
        self.last = last
        self.motion = Motion.begin(last.box)
        self.at = self.seen = looked
        self.rest: Rest = (last.box, 1, looked, False)

    @property
    def is_still(self) -> bool:
        """Whether it has not moved for some time."""
        return self.rest[3]

    def foretold(self, time: float) -> Box:
        """Return where it should be on a picture of that time."""
        return self.rest[0] if self.is_still else self.motion.box(time - self.last.time)

    def see(self, last: Detection, looked: float) -> None:
        """Take what was seen of it."""
        self.motion.see(last.box, last.time - self.last.time)
        self.last = last
        self.at = self.seen = looked
        mean, count, since, _ = self.rest
        box = self.motion.box()
        if overlap(box, mean) <= AT_REST:
            self.rest = (box, 1, looked, False)
            return
        count += 1
        left, top, width, height = (
            old + (new - old) / count for old, new in zip(mean, box, strict=True)
        )
        is_still = looked - since >= STILL_AFTER - INSTANT
        self.rest = ((left, top, width, height), count, since, is_still)

    def is_hidden_by(self, box: Box) -> bool:
        """Whether something else stands before it while it is still."""
        mean = self.rest[0]
        return self.is_still and shared_area(mean, box) >= HIDDEN * mean[2] * mean[3]

    def state(self) -> Saved:
        """Return everything as plain data and the last detection."""
        return self.track, self.last, list(self.motion.axes), self.at, self.seen, self.rest

    @classmethod
    def restored(cls, saved: Saved) -> Self:
        """Return an object from its state."""
        track, last, axes, at, seen, rest = saved
        one = cls(track, last, at)
        one.motion, one.seen, one.rest = Motion(axes), seen, rest
        return one
