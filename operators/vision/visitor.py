"""One tracked object as the step `zones` sees it: where it stays, and what it is about to cross."""

import math
import re
from typing import Self

import msgspec

from operators.component import INSTANT
from operators.events import Detection
from operators.model.keyed_logic import Entry
from operators.vision.polygon import Point

FORGET = 3600.0
"""Seconds after which an object is forgotten whose `end` never came."""
FORGET_STILL = 7 * 86_400.0
"""The same for one of which nothing more was to be heard, as it stands still."""
BACK = 1.0
"""Seconds within which an object that goes back has not crossed a line."""

_AGAIN = re.compile(r"@\d+$")

SavedStay = tuple[str, float, int, int, bool, bool]
Saved = tuple[
    tuple[str, str],
    float,
    Detection | None,
    list[SavedStay],
    list[tuple[str, Point]],
    list[tuple[str, Detection]],
]


class Stay:
    """The pictures of an object in one zone, of which the first was at `since`.

    `inside` counts pictures until it is in, `outside` those in sequence on which it is not.
    """

    __slots__ = ("entered", "inside", "loitered", "outside", "since")

    def __init__(self, since: float) -> None:
        self.since = since
        self.inside = self.outside = 0
        self.entered = self.loitered = False


class Visitor(Entry):
    """An object; `key` is its camera and track, `until` its next deadline.

    `last` is what was seen of it on its newest picture, `points` where it last was beside each
    line, `crossings` the crossings that it may still take back. `edge` is when the hours of a zone
    begin or end, for one that stands still.
    """

    __slots__ = ("crossings", "edge", "last", "points", "seen", "stays")

    def __init__(self, key: tuple[str, str]) -> None:
        super().__init__(key)
        self.seen = -math.inf
        self.edge = math.inf
        self.last: Detection | None = None
        self.stays: dict[str, Stay] = {}
        self.points: dict[str, Point] = {}
        self.crossings: dict[str, Detection] = {}

    @property
    def is_still(self) -> bool:
        """Whether it stays where it is until it is heard of again."""
        return self.last is not None and self.last.still

    @property
    def is_nowhere(self) -> bool:
        """Whether there is nothing to remember: one that stands still may yet be in a zone."""
        return not (self.stays or self.points or self.crossings or self.is_still)

    def forgotten_at(self) -> float:
        """Return when it is given up."""
        return self.seen + (FORGET_STILL if self.is_still else FORGET)

    def crossed_at(self, line: str) -> float:
        """Return when a crossing cannot be taken back any more."""
        return self.crossings[line].time + BACK + INSTANT

    def state(self) -> Saved:
        """Return everything as plain data and detections."""
        stays = [
            (zone, stay.since, stay.inside, stay.outside, stay.entered, stay.loitered)
            for zone, stay in self.stays.items()
        ]
        points, crossings = list(self.points.items()), list(self.crossings.items())
        return (self.key[0], self.key[1]), self.seen, self.last, stays, points, crossings

    @classmethod
    def restored(cls, saved: Saved) -> Self:
        """Return a visitor from its state."""
        key, seen, last, stays, points, crossings = saved
        one = cls(key)
        one.seen, one.last = seen, last
        for zone, since, inside, outside, entered, loitered in stays:
            stay = one.stays[zone] = Stay(since)
            stay.inside, stay.outside = inside, outside
            stay.entered, stay.loitered = entered, loitered
        one.points, one.crossings = dict(points), dict(crossings)
        return one


def seen_again(event: Detection, time: float) -> Detection:
    """Return what stands still as it is seen at another time."""
    again = f"{_AGAIN.sub('', event.id)}@{round(time * 1000)}"
    return msgspec.structs.replace(event, id=again, time=time)


def in_phase(event: Detection, zone: str, phase: str, time: float) -> Detection:
    """Return what was seen as a step of a stay in a zone."""
    return msgspec.structs.replace(
        event, id=f"{event.id}/{zone}/{phase}", time=time, phase=phase, in_zone=zone
    )
