"""What the step `zones` does: the stays of objects in zones, and the lines that they cross."""

import math
from collections.abc import Collection
from typing import Any, ClassVar, NamedTuple

import msgspec

from operators.component import Area, Line, Now, StepContext
from operators.events import Detection, Event
from operators.model.fields import text
from operators.model.keyed_logic import KeyedLogic
from operators.model.tables import is_deleted, row_of
from operators.vision.boxes import Box
from operators.vision.drawn_places import Places, places_of
from operators.vision.lines import crossed, side_of
from operators.vision.polygon import Point, contains, overlaps
from operators.vision.visitor import Saved, Stay, Visitor, in_phase
from operators.vision.zone_hours import shows


class Rules(NamedTuple):
    """The settings of the step: seconds inside until it has entered and loiters, and pictures."""

    stay: float
    loiter: float | None
    inertia: int
    anchor: str


class CameraPlaces(NamedTuple):
    """The zones and lines of one camera, by name."""

    zones: dict[str, list[Area]]
    lines: dict[str, Line]


NOTHING = CameraPlaces({}, {})
SavedPlaces = tuple[str, Places]
"""The camera of a row, and what is drawn on its picture."""


class ZonesLogic(KeyedLogic[Visitor]):
    """State is one visitor for each object that is in a zone or on a camera with lines.

    Beside them it is what people drew on the pictures of cameras, by the id of the camera's row. A
    place that is drawn stands for one of the same name in the definition.
    """

    VERSION = 3
    STATE: ClassVar[Any] = tuple[list[Saved], dict[str, SavedPlaces]]

    def __init__(
        self,
        rules: Rules,
        context: StepContext,
        only: Collection[str] | None = None,
    ) -> None:
        super().__init__(context)
        self._rules = rules
        self._only = only
        self._timezone = context.timezone
        self._defined = self._by_camera(context)
        self._drawn: dict[str, SavedPlaces] = {}
        self._places = dict(self._defined)
        self._visitors: dict[tuple[str, str], Visitor] = {}

    def _by_camera(self, context: StepContext) -> dict[str, CameraPlaces]:
        found: dict[str, CameraPlaces] = {}
        for name, areas in context.zones.items():
            for area in areas if self._is_meant(name) else ():
                places = found.setdefault(area.camera, CameraPlaces({}, {}))
                places.zones.setdefault(name, []).append(area)
        for name, line in context.lines.items():
            if self._is_meant(name):
                found.setdefault(line.camera, CameraPlaces({}, {})).lines[name] = line
        return found

    def _is_meant(self, name: str) -> bool:
        return self._only is None or name in self._only

    def on_role(self, role: str, events: list[Event], now: Now) -> list[Event]:
        """Take rows of cameras, with what people drew."""
        for event in events:
            row = row_of(event)
            row_id = text(row.get("id"))
            try:
                places = Places() if is_deleted(event) else places_of(row)
            except ValueError:
                self.count("bad_places")
                continue
            before = self._drawn.pop(row_id, None)
            camera = text(row.get("name")) or (before[0] if before else row_id)
            if places != Places():
                self._drawn[row_id] = (camera, places)
            for name in {camera, before[0] if before else camera}:
                self._draw(name)
        return []

    def _draw(self, camera: str) -> None:
        """Put together what is drawn on a camera's picture and what the definition says of it."""
        old = self._places.get(camera, NOTHING)
        defined = self._defined.get(camera, NOTHING)
        zones, lines = dict(defined.zones), dict(defined.lines)
        for name, places in self._drawn.values():
            if name == camera:
                zones |= places.areas(camera)
                lines |= places.as_lines(camera)
        self._places[camera] = CameraPlaces(
            {name: areas for name, areas in zones.items() if self._is_meant(name)},
            {name: line for name, line in lines.items() if self._is_meant(name)},
        )
        moved = [name for name, line in old.lines.items() if lines.get(name) != line]
        for one in list(self._visitors.values()) if moved else ():
            if one.key[0] == camera:
                for name in moved:
                    one.points.pop(name, None)
                    one.crossings.pop(name, None)
                self._arm(one)

    def on_batch(self, events: list[Event], now: Now) -> list[Event]:
        """Take events in order of arrival."""
        out: list[Event] = []
        for event in events:
            if type(event) is not Detection or event.track is None:
                self.count("untracked")
            else:
                self._visit(event, event.track, out)
        return out

    def _visit(self, event: Detection, track: str, out: list[Event]) -> None:
        key = (event.subject, track)
        one = self._visitors.get(key)
        while one is not None and one.until < event.time:
            self.expire(one, out)
            one = self._visitors.get(key)
        if one is None:
            one = self._visitors[key] = Visitor(key)
        if event.phase == "end":
            self._end(one, event, out)
            return
        one.seen, one.last = event.time, event
        self._cross(one, event, out)
        zones = self._places.get(event.subject, NOTHING).zones
        for zone, areas in zones.items():
            is_in = any(
                shows(area.hours, event.time, self._timezone) and self._is_in(event.box, area)
                for area in areas
            )
            self._stay(one, event, zone, is_in, out)
        for zone in [zone for zone in one.stays if zone not in zones]:
            if one.stays.pop(zone).entered:
                out.append(in_phase(event, zone, "left", event.time))
        self._arm(one)

    def _end(self, one: Visitor, event: Detection, out: list[Event]) -> None:
        out.extend(one.crossings.values())
        out.extend(
            in_phase(event, zone, "left", event.time)
            for zone, stay in one.stays.items()
            if stay.entered
        )
        self._give_up(one)

    def _give_up(self, one: Visitor) -> None:
        del self._visitors[one.key[0], one.key[1]]
        one.until = math.inf

    def _stay(
        self, one: Visitor, event: Detection, zone: str, is_in: bool, out: list[Event]
    ) -> None:
        stay = one.stays.get(zone)
        if is_in:
            if stay is None:
                stay = one.stays[zone] = Stay(event.time)
            stay.inside, stay.outside = min(stay.inside + 1, self._rules.inertia), 0
            self._tell(event, zone, stay, event.time, out)
        elif stay is not None:
            stay.outside += 1
            was_in = stay.inside >= self._rules.inertia
            if was_in and stay.outside < self._rules.inertia:
                return
            del one.stays[zone]
            if stay.entered:
                out.append(in_phase(event, zone, "left", event.time))

    def _tell(self, event: Detection, zone: str, stay: Stay, time: float, out: list[Event]) -> None:
        """Say that a stay is long enough to have entered or to loiter."""
        if stay.inside < self._rules.inertia:
            return
        if not stay.entered and time >= stay.since + self._rules.stay:
            stay.entered = True
            out.append(in_phase(event, zone, "entered", time))
        loiter = self._rules.loiter
        if loiter is None or not stay.entered or stay.loitered:
            return
        if time >= stay.since + loiter:
            stay.loitered = True
            out.append(in_phase(event, zone, "loitering", time))

    def _cross(self, one: Visitor, event: Detection, out: list[Event]) -> None:
        point = self._point(event.box)
        for name, line in self._places.get(event.subject, NOTHING).lines.items():
            if side_of(line, point) is None:
                continue
            before = one.points.get(name)
            one.points[name] = point
            to = crossed(line, before, point) if before is not None else None
            if to is None:
                continue
            if one.crossings.pop(name, None) is None:
                one.crossings[name] = msgspec.structs.replace(
                    event, id=f"{event.id}/{name}/crossed", phase="crossed", line=name, direction=to
                )

    def _point(self, box: Box) -> Point:
        left, top, width, height = box
        return left + width / 2, top + (height / 2 if self._rules.anchor == "center" else height)

    def _is_in(self, box: Box, area: Area) -> bool:
        if self._rules.anchor != "overlap":
            point = self._point(box)
            return contains(area.points, point) and not any(
                contains(hole, point) for hole in area.exclude
            )
        left, top, width, height = box
        corners = [(x, y) for x in (left, left + width) for y in (top, top + height)]
        return overlaps(area.points, box) and not any(
            all(contains(hole, corner) for corner in corners) for hole in area.exclude
        )

    def _deadlines(self, one: Visitor) -> list[float]:
        """Return when something happens if nothing is heard of a visitor."""
        found = [one.forgotten_at(), *(one.crossed_at(line) for line in one.crossings)]
        if not one.is_still:
            return found
        for stay in one.stays.values():
            if stay.inside >= self._rules.inertia and not stay.outside:
                if not stay.entered:
                    found.append(stay.since + self._rules.stay)
                elif self._rules.loiter is not None and not stay.loitered:
                    found.append(stay.since + self._rules.loiter)
        return found

    def _arm(self, one: Visitor) -> None:
        if one.is_nowhere:
            self._give_up(one)
        else:
            self.arm(one, min(self._deadlines(one)))

    def expire(self, one: Visitor, out: list[Event]) -> None:
        """Tell what time alone decides; forget what was not heard of for long."""
        time = one.until
        for line in [line for line in one.crossings if one.crossed_at(line) <= time]:
            out.append(one.crossings.pop(line))
        if one.forgotten_at() <= time:
            if one.stays:
                self.count("forgotten", len(one.stays))
            self._give_up(one)
            return
        if one.is_still and one.last is not None:
            for zone, stay in one.stays.items():
                if not stay.outside:
                    self._tell(one.last, zone, stay, time, out)
        self._arm(one)

    def snapshot(self) -> object:
        """Return the visitors and what is drawn as plain data and detections."""
        return [one.state() for one in self._visitors.values()], dict(self._drawn)

    def restore(self, state: Any, version: int) -> None:
        """Take back what `snapshot` returned."""
        if version != self.VERSION:
            state = _of_older(state, version, self._rules.inertia), {}
        visitors, self._drawn = state
        self._places = dict(self._defined)
        self._visitors = {}
        for camera in {camera for camera, _ in self._drawn.values()}:
            self._draw(camera)
        for saved in visitors:
            one = self._visitors[saved[0]] = Visitor.restored(saved)
            self._arm(one)


def _of_older(state: Any, version: int, inertia: int) -> list[Saved]:
    """Return the visitors of an earlier version: 2 knew nothing drawn, 1 stays only."""
    if version == 2:
        return msgspec.convert(state, list[Saved])
    found: dict[tuple[str, str], Saved] = {}
    for (camera, track, zone), since, seen, entered in state:
        key = (camera, track)
        saved = found.get(key, (key, seen, None, [], [], []))
        stay = (zone, since, inertia, 0, entered, False)
        found[key] = (key, max(saved[1], seen), None, [*saved[3], stay], [], [])
    return list(found.values())
