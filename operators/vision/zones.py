"""The step `zones`: says which zone an object is in."""

import math
from typing import Any, ClassVar, Literal

import msgspec
from pydantic import Field

from operators.component import Logic, Now, Operator, StepContext
from operators.events import Detection, Event
from operators.model.units import Duration, Some
from operators.vision.polygon import Point, contains, overlaps

FORGET = 3600.0
"""Seconds after which an object is forgotten whose `end` never came."""


class Zones(Operator):
    """Says when a tracked object enters and leaves a zone of its camera.

    It passes nothing else: of every stay there is one detection with phase `entered` and one with
    `left`, each with the zone as `in_zone`. An object leaves when it is seen outside, or when its
    track ends. It needs the step `track` before it; what has no track is counted as `untracked`.
    """

    NAME: ClassVar[str] = "zones"
    STATEFUL: ClassVar[bool] = True
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "zones: {stay: 1s}",
        "zones: {only: [loading], anchor: center}",
    )

    stay: Duration = Field(
        0.0, ge=0, description="How long it must be inside before it has entered.", examples=["1s"]
    )
    only: Some | None = Field(
        None, description="The zones meant; all of the camera when left out.", examples=["loading"]
    )
    anchor: Literal["bottom_center", "center", "overlap"] = Field(
        "bottom_center", description="The point of the object that must be inside, or any overlap."
    )

    def logic(self, context: StepContext) -> Logic:
        """Make the step's logic for one shard."""
        return ZonesLogic(self, context)


class _Stay:
    """An object inside a zone since `since`; `seen` is when it was last seen there."""

    __slots__ = ("entered", "seen", "since")

    def __init__(self, since: float) -> None:
        self.since = self.seen = since
        self.entered = False


class ZonesLogic(Logic):
    """State is one stay for each object in each zone."""

    def __init__(self, settings: Zones, context: StepContext) -> None:
        super().__init__()
        self._stay, self._anchor = settings.stay, settings.anchor
        wanted = [settings.only] if isinstance(settings.only, str) else settings.only
        self._zones: dict[str, list[tuple[str, list[Point]]]] = {}
        for name, (camera, points) in context.zones.items():
            if wanted is None or name in wanted:
                self._zones.setdefault(camera, []).append((name, list(points)))
        self._stays: dict[tuple[str, str, str], _Stay] = {}
        self._sweep = math.inf

    def on_batch(self, events: list[Event], now: Now) -> list[Event]:
        """Take events in order of arrival."""
        out: list[Event] = []
        for event in events:
            if type(event) is not Detection or event.track is None:
                self.count("untracked")
                continue
            if event.time >= self._sweep:
                self._forget(event.time - FORGET)
            for zone, points in self._zones.get(event.subject, ()):
                self._update(event, zone, points, out)
        return out

    def _update(self, event: Detection, zone: str, points: list[Point], out: list[Event]) -> None:
        key = (event.subject, str(event.track), zone)
        stay = self._stays.get(key)
        inside = event.phase != "end" and self._is_in(event, points)
        if not inside:
            if stay is not None:
                del self._stays[key]
                if stay.entered:
                    out.append(_in_phase(event, zone, "left"))
            return
        if stay is None:
            stay = self._stays[key] = _Stay(event.time)
            self._sweep = min(self._sweep, event.time + FORGET)
        stay.seen = event.time
        if not stay.entered and event.time >= stay.since + self._stay:
            stay.entered = True
            out.append(_in_phase(event, zone, "entered"))

    def _is_in(self, event: Detection, points: list[Point]) -> bool:
        left, top, width, height = event.box
        if self._anchor == "overlap":
            return overlaps(points, event.box)
        down = top + height if self._anchor == "bottom_center" else top + height / 2
        return contains(points, (left + width / 2, down))

    def _forget(self, before: float) -> None:
        for key in [key for key, stay in self._stays.items() if stay.seen <= before]:
            del self._stays[key]
            self.count("forgotten")
        self._sweep = min((stay.seen for stay in self._stays.values()), default=math.inf) + FORGET

    def snapshot(self) -> object:
        """Return the state as plain data."""
        return [(key, stay.since, stay.seen, stay.entered) for key, stay in self._stays.items()]

    def restore(self, state: Any, version: int) -> None:
        """Take back what `snapshot` returned."""
        self._stays = {}
        for key, since, seen, entered in state:
            stay = self._stays[tuple(key)] = _Stay(since)
            stay.seen, stay.entered = seen, entered
        self._sweep = min((stay.seen for stay in self._stays.values()), default=math.inf) + FORGET


def _in_phase(event: Detection, zone: str, phase: str) -> Detection:
    return msgspec.structs.replace(
        event, id=f"{event.id}/{zone}/{phase}", phase=phase, in_zone=zone
    )
