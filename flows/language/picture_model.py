"""What definitions say of places in pictures: zones, privacy zones and lines."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from operators.component import Area, Line, Polygon, Spec
from operators.model.units import Some
from operators.vision.zone_hours import checked_hours

Fraction = Annotated[float, Field(ge=0, le=1)]
Point = tuple[Fraction, Fraction]
ZoneHours = Annotated[
    str,
    BeforeValidator(lambda value: checked_hours(str(value))),
    WithJsonSchema({"type": "string"}),
]
Corners = Annotated[list[Point], Field(min_length=3)]


class Zone(Spec):
    """A polygon in a camera's picture: what stands in it is where its bottom centre is."""

    camera: str = Field(description="The camera, by the `name` column of its table.")
    points: Corners = Field(
        description="Corners as [x, y], fractions of the picture from 0 to 1, at least three.",
    )
    exclude: list[Corners] = Field(
        [],
        description="Polygons that do not belong to it.",
        examples=[[[[0.4, 0.6], [0.5, 0.6], [0.5, 0.8]]]],
    )
    privacy: bool = Field(False, description="Black on every picture and clip; nothing enters it.")

    hours: ZoneHours | None = Field(
        None,
        description=(
            "The hours of the day in which it counts, by the site's clock; `sunrise` and `sunset`"
            " are those at its `location`."
        ),
        examples=["20:00-06:00", "sunset-sunrise"],
    )
    modes: Some = Field(
        [],
        min_length=1,
        description="The modes of the site in which it counts; the step's `mode` says which is on.",
        examples=[["surveillance"]],
    )

    @model_validator(mode="after")
    def _private_whole(self) -> Self:
        if self.privacy and self.exclude:
            raise ValueError("a zone with 'privacy' has no 'exclude': draw several polygons")
        if self.privacy and self.hours:
            raise ValueError("a zone with 'privacy' has no 'hours': it is always covered")
        if self.privacy and self.modes:
            raise ValueError("a zone with 'privacy' has no 'modes': it is always covered")
        return self


class PictureLine(Spec):
    """A line in a camera's picture that counts what crosses it, with the side to which it goes."""

    camera: str = Field(description="The camera, by the `name` column of its table.")
    from_: Point = Field(alias="from", description="Where it begins, as [x, y].")
    to: Point = Field(
        description="Where it ends: `left` and `right` are those of one who looks from `from` here."
    )

    @model_validator(mode="after")
    def _has_length(self) -> Self:
        if self.from_ == self.to:
            raise ValueError("'from' and 'to' are the same point")
        return self


Zones = Mapping[str, Zone | list[Zone]]


def polygons(zones: Zones) -> Iterator[tuple[str, int | None, Zone]]:
    """Every polygon with its zone's name and its place in the zone's list, None without a list."""
    for name, entry in zones.items():
        if isinstance(entry, Zone):
            yield name, None, entry
        else:
            for number, zone in enumerate(entry):
                yield name, number, zone


def areas(zones: Zones) -> dict[str, list[Area]]:
    """The zones that objects can be in, as steps take them."""
    found: dict[str, list[Area]] = {}
    for name, _, zone in polygons(zones):
        if not zone.privacy:
            found.setdefault(name, []).append(
                Area(zone.camera, zone.points, zone.exclude, zone.hours, listed(zone.modes))
            )
    return found


def listed(names: str | list[str]) -> list[str]:
    """One name or several as a list."""
    return [names] if isinstance(names, str) else names


def masks(zones: Zones) -> dict[str, list[Polygon]]:
    """What must not be seen in the pictures of each camera."""
    found: dict[str, list[Polygon]] = {}
    for _, _, zone in polygons(zones):
        if zone.privacy:
            found.setdefault(zone.camera, []).append(zone.points)
    return found


def as_lines(lines: Mapping[str, PictureLine]) -> dict[str, Line]:
    """The lines as steps take them."""
    return {name: Line(line.camera, line.from_, line.to) for name, line in lines.items()}
