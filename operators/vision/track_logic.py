"""What the step `track` does: the objects of each camera, picture by picture."""

import math
from typing import Any, ClassVar

import msgspec

from operators.component import INSTANT, Now, StepContext
from operators.events import Detection, Event, Frame
from operators.model.keyed_logic import Entry, KeyedLogic
from operators.vision.assignment import pair
from operators.vision.boxes import Box, alike, is_box
from operators.vision.followed import Followed, Saved

MOST_TRACKS = 500
"""Objects followed at once on one camera; more is a broken detector."""
SHORT_GAP = 2.0
"""Up to so many times `lost_after` without a look, hardly anybody takes the place of another."""
QUIET = 3600.0
"""Seconds after which a camera without objects is forgotten."""

SavedCamera = tuple[str, float, str | None, float, bool, list[Saved]]


class _Camera(Entry):
    """The objects of a camera; `until` is when the next of them ends if no picture comes.

    `newest` and `frame` are its newest picture's. `skipped` is the part of time in which nobody
    looked; `is_told` whether pictures without detections come, too.
    """

    __slots__ = ("frame", "is_told", "newest", "objects", "skipped")

    def __init__(self, name: str) -> None:
        super().__init__((name,))
        self.newest = -math.inf
        self.frame: str | None = None
        self.skipped = 0.0
        self.is_told = False
        self.objects: list[Followed] = []


class _Picture:
    """What was seen on one picture; `is_told` if the picture itself came.

    `is_over` if it is none, and says that no more come.
    """

    __slots__ = ("frame", "is_over", "is_told", "seen", "subject", "time")

    def __init__(self, subject: str, time: float, frame: str | None) -> None:
        self.subject, self.time, self.frame = subject, time, frame
        self.seen: dict[str, Detection] = {}
        self.is_told = self.is_over = False


class TrackLogic(KeyedLogic[_Camera]):
    """State is the objects in sight of each camera, and its newest picture.

    A camera's detections do not depend on the clock of other cameras: within a batch, they end lost
    objects of their own camera only. All detections of a picture come in one batch.
    """

    VERSION = 2
    STATE: ClassVar[Any] = list[SavedCamera]

    def __init__(
        self, lost_after: float, gone_after: float, sure: float, context: StepContext
    ) -> None:
        super().__init__(context)
        self._lost_after, self._gone_after, self._sure = lost_after, gone_after, sure
        self._cameras: dict[str, _Camera] = {}

    def on_batch(self, events: list[Event], now: Now) -> list[Event]:
        """Give each detection its track; other events pass."""
        out: list[Event] = []
        for item in self._pictures(events):
            if not isinstance(item, _Picture):
                out.append(item)
            elif item.is_over:
                self._leave(item, out)
            elif self._is_new(item):
                self._take_picture(item, out)
        return out

    def _pictures(self, events: list[Event]) -> "list[Event | _Picture]":
        """Return the events with all that belongs to a picture in place of its first."""
        items: list[Event | _Picture] = []
        pictures: dict[tuple[str, float, str | None], _Picture] = {}
        for event in events:
            if isinstance(event, Detection):
                frame = event.frame
            elif isinstance(event, Frame) and event.seen is not None:
                frame = event.id
            else:
                items.append(event)
                continue
            key = (event.subject, event.time, frame)
            picture = pictures.get(key)
            if picture is None:
                picture = pictures[key] = _Picture(*key)
                items.append(picture)
            if not isinstance(event, Detection):
                picture.is_told = True
                picture.is_over |= event.over
            elif event.id in picture.seen:
                self.count("repeated")
            else:
                picture.seen[event.id] = event
        return items

    def _is_new(self, picture: _Picture) -> bool:
        camera = self._cameras.get(picture.subject)
        if camera is None or picture.time > camera.newest:
            return True
        if picture.time == camera.newest and picture.frame == camera.frame is not None:
            self.count("repeated", len(picture.seen))
        else:
            self.late.extend(picture.seen.values())
        return False

    def _take_picture(self, picture: _Picture, out: list[Event]) -> None:
        camera = self._cameras.get(picture.subject)
        if camera is None:
            camera = self._cameras[picture.subject] = _Camera(picture.subject)
        while camera.until < picture.time and camera.objects:
            self.expire(camera, out)
        if camera.is_told:
            gap = picture.time - camera.newest
            camera.skipped += max(0.0, gap - self._lost_after / 2)
        camera.is_told |= picture.is_told
        camera.newest, camera.frame = picture.time, picture.frame
        self._follow(camera, picture, out)
        self._give_up(camera, picture, out)
        self._arm(camera)

    def _leave(self, picture: _Picture, out: list[Event]) -> None:
        """End all objects of a camera at which nobody is to look any more."""
        camera = self._cameras.get(picture.subject)
        if camera is None:
            return
        camera.newest = max(camera.newest, picture.time)
        for one in list(camera.objects):
            self._end(camera, one, camera.newest, out)
        self._arm(camera)

    def _follow(self, camera: _Camera, picture: _Picture, out: list[Event]) -> None:
        """Find out which object each detection is, and say so."""
        looked = picture.time - camera.skipped
        seen = [one for one in picture.seen.values() if self._has_area(one)]
        known = self._known(camera.objects, seen, picture.time, looked)
        for number, event in enumerate(seen):
            one = known.get(number)
            if one is not None:
                self._see(one, event, looked, out)
            elif event.score < self._sure:
                self.count("unsure")
            elif len(camera.objects) >= MOST_TRACKS:
                self.count("crowded")
            else:
                first = msgspec.structs.replace(event, track=event.id, phase="new")
                camera.objects.append(Followed(event.id, first, looked))
                out.append(first)

    def _has_area(self, event: Detection) -> bool:
        if is_box(event.box):
            return True
        self.count("no_area")
        return False

    def _known(
        self, objects: list[Followed], seen: list[Detection], time: float, looked: float
    ) -> dict[int, Followed]:
        """Return the object of each detection that is one; a class at a time."""
        known: dict[int, Followed] = {}
        for class_ in dict.fromkeys(event.class_ for event in seen):
            numbers = [n for n, event in enumerate(seen) if event.class_ == class_]
            some = [one for one in objects if one.last.class_ == class_]
            pairs = pair(
                [self._foretold(one, [seen[n].box for n in numbers], time, looked) for one in some],
                [looked - one.at for one in some],
                [seen[n].box for n in numbers],
                [seen[n].score >= self._sure for n in numbers],
            )
            known.update((numbers[box], some[row]) for box, row in pairs.items())
        return known

    def _foretold(self, one: Followed, boxes: list[Box], time: float, looked: float) -> Box:
        """Where an object should be; after a short gap also where it would be had it waited."""
        there = one.foretold(time)
        gap = time - one.last.time - (looked - one.at)
        if not INSTANT < gap <= SHORT_GAP * self._lost_after:
            return there
        waiting = one.foretold(time - gap)
        return max(there, waiting, key=lambda box: max(alike(box, other) for other in boxes))

    def _see(self, one: Followed, event: Detection, looked: float, out: list[Event]) -> None:
        was_still = one.is_still
        one.see(msgspec.structs.replace(event, track=one.track, phase="update"), looked)
        if not one.is_still:
            out.append(one.last)
            return
        one.last = msgspec.structs.replace(one.last, still=True)
        if was_still:
            self.count("still")
        else:
            out.append(one.last)

    def _give_up(self, camera: _Camera, picture: _Picture, out: list[Event]) -> None:
        """End what was not found for too long, unless it is hidden."""
        looked = picture.time - camera.skipped
        boxes = [one.last.box for one in camera.objects if one.at == looked]
        for one in [one for one in camera.objects if one.at != looked]:
            is_kept = picture.time - one.last.time < self._gone_after
            if is_kept and any(one.is_hidden_by(box) for box in boxes):
                one.seen = looked
            elif camera.is_told and looked - one.seen >= self._lost_after - INSTANT:
                self._end(camera, one, picture.time, out)

    def _end(self, camera: _Camera, one: Followed, time: float, out: list[Event]) -> None:
        camera.objects.remove(one)
        out.append(
            msgspec.structs.replace(
                one.last, id=f"{one.track}/end", time=time, phase="end", still=False
            )
        )

    def _deadline(self, camera: _Camera, one: Followed) -> float:
        """Return when an object ends if no picture of its camera comes."""
        if not camera.is_told:
            return one.seen + self._lost_after
        unseen = camera.newest - camera.skipped - one.seen
        if one.is_still or not unseen:
            return camera.newest + self._gone_after
        return camera.newest + min(self._gone_after, self._lost_after - unseen)

    def _arm(self, camera: _Camera) -> None:
        deadlines = [self._deadline(camera, one) for one in camera.objects]
        self.arm(camera, min(deadlines, default=camera.newest + QUIET))

    def expire(self, camera: _Camera, out: list[Event]) -> None:
        """End the objects whose time has come; forget a camera that was quiet for long."""
        if not camera.objects:
            del self._cameras[camera.key[0]]
            camera.until = math.inf
            return
        deadline = camera.until
        lost = [one for one in camera.objects if self._deadline(camera, one) <= deadline]
        for one in sorted(lost, key=lambda one: (one.last.time, one.track)):
            self._end(camera, one, deadline, out)
        self._arm(camera)

    def snapshot(self) -> object:
        """Return each camera's newest picture, what was skipped, and its objects."""
        return [
            (
                one.key[0], one.newest, one.frame, one.skipped, one.is_told,
                [known.state() for known in one.objects],
            )
            for one in self._cameras.values()
        ]  # fmt: skip

    def restore(self, state: Any, version: int) -> None:
        """Take back what `snapshot` returned."""
        self._cameras = {}
        for name, newest, frame, skipped, is_told, objects in (
            state if version == self.VERSION else _of_version_1(state)
        ):
            camera = self._cameras[name] = _Camera(name)
            camera.newest, camera.frame = newest, frame
            camera.skipped, camera.is_told = skipped, is_told
            camera.objects = [Followed.restored(one) for one in objects]
            self._arm(camera)


def _of_version_1(state: Any) -> list[SavedCamera]:
    """Return the state of the version before, which knew the last detections only."""
    old = tuple[list[tuple[tuple[str, str], Detection]], dict[str, float]]
    objects, newest = msgspec.convert(state, old)
    cameras: dict[str, SavedCamera] = {
        name: (name, time, None, 0.0, False, []) for name, time in newest.items()
    }
    for (name, track), last in objects:
        if name not in cameras:
            cameras[name] = (name, last.time, None, 0.0, False, [])
        cameras[name][5].append(Followed(track, last, last.time).state())
    return list(cameras.values())
