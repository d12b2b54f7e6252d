"""The step `track`: follows objects from picture to picture."""

import math
from typing import Any, ClassVar

import msgspec
from pydantic import Field

from operators.component import Logic, Now, Operator, StepContext
from operators.events import Detection, Event
from operators.model.keyed_logic import Entry, KeyedLogic
from operators.model.units import Duration

MOST_TRACKS = 500
"""Objects followed at once on one camera; more is a broken detector."""

Box = tuple[float, float, float, float]


class Track(Operator):
    """Follows objects from picture to picture, in the phases `new`, `update` and `end`.

    What is seen is the same object as before if it has the same class and its box overlaps the
    earlier one most; without any overlap, if it moved by less than its own size. Each gets the
    `track` it belongs to. An object that is out of sight for `lost_after` ends: its last detection
    comes once more, with phase `end` and the time at which it was given up. Everything that is no
    detection passes unchanged. Detections older than the camera's newest go to `NAME.late`.
    """

    NAME: ClassVar[str] = "track"
    STATEFUL: ClassVar[bool] = True
    SHORT: ClassVar[str | None] = "lost_after"
    EXAMPLES: ClassVar[tuple[str, ...]] = ("track: 3s", "track: {lost_after: 5s}")

    lost_after: Duration = Field(
        3.0, gt=0, description="How long an object may be out of sight.", examples=["3s"]
    )

    def logic(self, context: StepContext) -> Logic:
        """Make the step's logic for one shard."""
        return TrackLogic(self.lost_after, context)


class _Object(Entry):
    """An object that is followed; `key` is its camera and track, the deadline when it is lost."""

    __slots__ = ("last",)

    def __init__(self, key: tuple[str, ...], last: Detection) -> None:
        super().__init__(key)
        self.last = last


class TrackLogic(KeyedLogic[_Object]):
    """State is the last detection of each object in sight, by camera.

    A camera's detections do not depend on the clock of other cameras: within a batch, they end lost
    objects of their own camera only.
    """

    STATE = tuple[list[tuple[tuple[str, str], Detection]], dict[str, float]]

    def __init__(self, lost_after: float, context: StepContext) -> None:
        super().__init__(context)
        self._lost_after = lost_after
        self._cameras: dict[str, list[_Object]] = {}
        self._newest: dict[str, float] = {}

    def on_batch(self, events: list[Event], now: Now) -> list[Event]:
        """Give each detection its track; other events pass."""
        out: list[Event] = []
        for event in events:
            if type(event) is not Detection:
                out.append(event)
            elif event.time < self._newest.get(event.subject, -math.inf):
                self.late.append(event)
            else:
                self._newest[event.subject] = event.time
                self._end_before(event.subject, event.time, out)
                self._follow(event, out)
        return out

    def _follow(self, event: Detection, out: list[Event]) -> None:
        objects = self._cameras.setdefault(event.subject, [])
        best, nearest = 0.0, None
        for one in objects:
            if one.last.class_ == event.class_ and one.last.time < event.time:
                likeness = alike(one.last.box, event.box)
                if likeness > best:
                    best, nearest = likeness, one
        if nearest is None:
            if len(objects) >= MOST_TRACKS:
                self.count("crowded")
                return
            seen = msgspec.structs.replace(event, track=event.id, phase="new")
            nearest = _Object((event.subject, event.id), seen)
            objects.append(nearest)
        else:
            seen = msgspec.structs.replace(event, track=nearest.key[1], phase="update")
            nearest.last = seen
        self.arm(nearest, seen.time + self._lost_after)
        out.append(seen)

    def _end_before(self, camera: str, time: float, out: list[Event]) -> None:
        """End the camera's objects that were lost before `time`: no later one is taken for them."""
        lost = [one for one in self._cameras.get(camera, []) if one.until < time]
        for one in sorted(lost, key=lambda one: (one.last.time, one.key)):
            self.expire(one, out)

    def expire(self, one: _Object, out: list[Event]) -> None:
        """End an object that is lost."""
        objects = self._cameras[one.key[0]]
        objects.remove(one)
        if not objects:
            del self._cameras[one.key[0]]
        end, one.until = one.until, math.inf
        out.append(msgspec.structs.replace(one.last, id=f"{one.key[1]}/end", time=end, phase="end"))

    def on_time(self, now: Now) -> list[Event]:
        """End lost objects, and forget cameras that have been quiet for an hour."""
        out = super().on_time(now)
        quiet = [
            camera
            for camera, newest in self._newest.items()
            if camera not in self._cameras and newest < now.event - 3600
        ]
        for camera in quiet:
            del self._newest[camera]
        return out

    def snapshot(self) -> object:
        """Return (key, last detection) of each object, and the newest time of each camera."""
        objects = [(one.key, one.last) for some in self._cameras.values() for one in some]
        return objects, dict(self._newest)

    def restore(self, state: Any, version: int) -> None:
        """Take back what `snapshot` returned."""
        objects, newest = state
        self._newest = dict(newest)
        for key, last in objects:
            one = _Object(tuple(key), last)
            self._cameras.setdefault(one.key[0], []).append(one)
            self.arm(one, last.time + self._lost_after)


def alike(one: Box, other: Box) -> float:
    """Return how likely two boxes are one object, 0 to 2.

    1 to 2 by their overlap (intersection over union), 0 to 1 by the distance of their centres in
    sizes of the object; 0 for boxes further apart than that.
    """
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    if width > 0 and height > 0:
        shared = width * height
        return 1.0 + shared / (one[2] * one[3] + other[2] * other[3] - shared)
    moved = math.hypot(
        one[0] + one[2] / 2 - other[0] - other[2] / 2, one[1] + one[3] / 2 - other[1] - other[3] / 2
    )
    size = (math.hypot(one[2], one[3]) + math.hypot(other[2], other[3])) / 2
    return max(0.0, 1.0 - moved / size) if size > 0 else 0.0
