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
from operators.vision.visitor import Saved, Stay, Visitor, in_phase, seen_again
from operators.vision.zone_hours import Hours


class Rules(NamedTuple):
    """The settings of the step: seconds inside until it has entered and loiters, and pictures.

    `mode` is the source that says the mode of the site.
    """

    stay: float
    loiter: float | None
    inertia: int
    anchor: str
    mode: str | None = None


class CameraPlaces(NamedTuple):
    """The zones and lines of one camera, by name."""

    zones: dict[str, list[Area]]
    lines: dict[str, Line]


NOTHING = CameraPlaces({}, {})
SavedPlaces = tuple[str, Places]
"""The camera of a row, and what is drawn on its picture."""


class ZonesLogic(KeyedLogic[Visitor]):
    """State is one visitor for each object that is in a zone, on a camera with lines, or still.

    Beside them it is what people drew on the pictures of cameras, by the id of the camera's row,
    and the mode of the site. A place that is drawn stands for one of the same name in the
    definition.
    """

    VERSION = 4
    STATE: ClassVar[Any] = tuple[list[Saved], dict[str, SavedPlaces], str | None]

    def __init__(
        self,
        rules: Rules,
        context: StepContext,
        only: Collection[str] | None = None,
    ) -> None:
        super().__init__(context)
        self._rules = rules
        self._only = only
        self._hours = Hours(context.timezone, context.location)
        self._mode: str | None = None
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
        """Take rows of cameras, with what people drew, and the mode of the site."""
        out: list[Event] = []
        for event in events:
            if role == self._rules.mode:
                self._switch(event, out)
            else:
                self._take_row(event, out)
        return out

    def _switch(self, event: Event, out: list[Event]) -> None:
        row = row_of(event)
        mode = row.get("value", row.get("mode"))
        self._mode = None if is_deleted(event) or mode in (None, "") else text(mode)
        self._judge_still(event.time, out)

    def _take_row(self, event: Event, out: list[Event]) -> None:
        row = row_of(event)
        row_id = text(row.get("id"))
        try:
            places = Places() if is_deleted(event) else places_of(row)
        except ValueError:
            self.count("bad_places")
            return
        before = self._drawn.get(row_id)
        camera = text(row.get("name")) or (before[0] if before else row_id)
        if before == (camera, places):
            return
        self._drawn.pop(row_id, None)
        if places != Places():
            self._drawn[row_id] = (camera, places)
        cameras = {camera, before[0] if before else camera}
        for name in cameras:
            self._draw(name)
        self._judge_still(event.time, out, cameras)

    def _judge_still(
        self, time: float, out: list[Event], cameras: Collection[str] | None = None
    ) -> None:
        """Say who stands still and is in a zone now, or is no longer."""
        for one in list(self._visitors.values()):
            if one.is_still and (cameras is None or one.key[0] in cameras):
                self._judge(one, max(time, one.seen), out)
                self._arm(one)

    def _judge(self, one: Visitor, time: float, out: list[Event]) -> None:
        assert one.last is not None
        one.last = seen_again(one.last, max(time, one.last.time))
        self._stay_in_zones(one, one.last, self._rules.inertia, out)

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
        self._stay_in_zones(one, event, 1, out)
        self._arm(one)

    def _stay_in_zones(
        self, one: Visitor, event: Detection, pictures: int, out: list[Event]
    ) -> None:
        """Take what is seen of an object; for so many pictures on which it is the same."""
        zones = self._places.get(event.subject, NOTHING).zones
        for zone, areas in zones.items():
            is_in = any(
                self._counts(area, event.time) and self._is_in(event.box, area) for area in areas
            )
            self._stay(one, event, zone, is_in, pictures, out)
        for zone in [zone for zone in one.stays if zone not in zones]:
            if one.stays.pop(zone).entered:
                out.append(in_phase(event, zone, "left", event.time))

    def _counts(self, area: Area, time: float) -> bool:
        if area.modes and self._mode is not None and self._mode not in area.modes:
            return False
        return area.hours is None or self._hours.show(area.hours, time)

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
        self, one: Visitor, event: Detection, zone: str, is_in: bool, pictures: int,
        out: list[Event],
    ) -> None:  # fmt: skip
        stay = one.stays.get(zone)
        if is_in:
            if stay is None:
                stay = one.stays[zone] = Stay(event.time)
            stay.inside, stay.outside = min(stay.inside + pictures, self._rules.inertia), 0
            self._tell(event, zone, stay, event.time, out)
        elif stay is not None:
            stay.outside += pictures
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
        one.edge = math.inf
        if one.last is None or not one.is_still:
            return found
        one.edge = min(
            (
                self._hours.next_edge(area.hours, one.last.time)
                for areas in self._places.get(one.key[0], NOTHING).zones.values()
                for area in areas
                if area.hours
            ),
            default=math.inf,
        )
        found.append(one.edge)
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
        if one.edge <= time:
            self._judge(one, one.edge, out)
        if one.is_still and one.last is not None:
            for zone, stay in one.stays.items():
                if not stay.outside:
                    self._tell(one.last, zone, stay, time, out)
        self._arm(one)

    def snapshot(self) -> object:
        """Return the visitors, what is drawn and the mode as plain data and detections."""
        return [one.state() for one in self._visitors.values()], dict(self._drawn), self._mode

    def restore(self, state: Any, version: int) -> None:
        """Take back what `snapshot` returned."""
        if version != self.VERSION:
            state = _of_older(state, version, self._rules.inertia)
        visitors, self._drawn, self._mode = state
        self._places = dict(self._defined)
        self._visitors = {}
        for camera in {camera for camera, _ in self._drawn.values()}:
            self._draw(camera)
        for saved in visitors:
            one = self._visitors[saved[0]] = Visitor.restored(saved)
            self._arm(one)


def _of_older(state: Any, version: int, inertia: int) -> Any:
    """Return the state of an earlier version: 3 knew no mode, 2 nothing drawn, 1 stays only."""
    if version == 3:
        return (*msgspec.convert(state, tuple[list[Saved], dict[str, SavedPlaces]]), None)
    if version == 2:
        return msgspec.convert(state, list[Saved]), {}, None
    found: dict[tuple[str, str], Saved] = {}
    for (camera, track, zone), since, seen, entered in state:
        key = (camera, track)
        saved = found.get(key, (key, seen, None, [], [], []))
        stay = (zone, since, inertia, 0, entered, False)
        found[key] = (key, max(saved[1], seen), None, [*saved[3], stay], [], [])
    return list(found.values()), {}, None
