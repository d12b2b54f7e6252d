"""Zones and lines that people draw on a camera's picture, as the camera's row has them."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from operators.component import Area, Line
from operators.vision.polygon import problem_of as polygon_problem
from operators.vision.zone_hours import PATTERN

Fraction = Annotated[float, Meta(ge=0, le=1)]
Point = tuple[Fraction, Fraction]
Corners = Annotated[list[Point], Meta(min_length=3, max_length=100)]
PlaceName = Annotated[str, Meta(pattern=r"^(?=.*[A-Za-z])[A-Za-z0-9_-]{1,64}$")]

ModeName = Annotated[str, Meta(min_length=1, max_length=64)]


class DrawnZone(msgspec.Struct, omit_defaults=True, frozen=True):
    """A polygon on a camera's picture, its corners as fractions of it.

    With `privacy` nothing enters it, and it is black on every picture of the camera. It counts in
    its `hours` of the day, `20:00-06:00` or `sunset-sunrise`, and in the `modes` of the site.
    """

    points: Corners
    exclude: Annotated[list[Corners], Meta(max_length=20)] = []
    privacy: bool = False
    hours: Annotated[str, Meta(pattern=PATTERN)] | None = None
    modes: Annotated[list[ModeName], Meta(max_length=20)] = []


class DrawnLine(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """A line on a camera's picture; its sides are those of one who looks from `from` to `to`."""

    from_: Point
    to: Point


class Places(msgspec.Struct, omit_defaults=True, frozen=True):
    """What is drawn on one camera's picture, by name."""

    zones: Annotated[dict[PlaceName, DrawnZone], Meta(max_length=50)] = {}
    lines: Annotated[dict[PlaceName, DrawnLine], Meta(max_length=50)] = {}

    def areas(self, camera: str) -> dict[str, list[Area]]:
        """The zones that objects can be in, as the step `zones` has them."""
        return {
            name: [Area(camera, zone.points, zone.exclude, zone.hours, zone.modes)]
            for name, zone in self.zones.items()
            if not zone.privacy
        }

    def as_lines(self, camera: str) -> dict[str, Line]:
        """The lines, as the step `zones` has them."""
        return {name: Line(camera, line.from_, line.to) for name, line in self.lines.items()}

    def private(self) -> list[list[Point]]:
        """The polygons that nobody may see."""
        return [zone.points for zone in self.zones.values() if zone.privacy]


def places_of(row: Mapping[str, Any]) -> Places:
    """What is drawn on the picture of a row's camera. Raises `ValueError` for what is no place."""
    return msgspec.convert(
        {name: row[name] for name in ("zones", "lines") if row.get(name)}, Places
    )


def problem_of(places: Places) -> str | None:
    """What is wrong with places that have the right form; None if nothing is."""
    if both := sorted(places.zones.keys() & places.lines.keys()):
        return f"a zone and a line of one camera are both called {both[0]!r}; give one another name"
    for name, zone in places.zones.items():
        for polygon in (zone.points, *zone.exclude):
            if problem := polygon_problem(polygon):
                return f"the zone {name!r} {problem}"
    for name, line in places.lines.items():
        if line.from_ == line.to:
            return f"the line {name!r} begins and ends at one point"
    return None
