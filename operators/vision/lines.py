"""Lines in a picture that objects cross from one side to the other."""

from typing import Literal

from operators.component import Line
from operators.vision.polygon import Point

Side = Literal["left", "right"]
_ON = 1e-9
"""How near to a line a point is on it, by the area that it spans with the line."""


def side_of(line: Line, point: Point) -> Side | None:
    """Return the side of a line, looking along it, on which a point is; None if it is on it."""
    area = _area(line.start, line.end, point)
    if abs(area) <= _ON:
        return None
    return "left" if area < 0 else "right"


def crossed(line: Line, before: Point, after: Point) -> Side | None:
    """Return the side to which the way between two points crosses a line, if it does.

    A way past the ends of a line does not cross it; neither point is on the line.
    """
    to = side_of(line, after)
    if to == side_of(line, before):
        return None
    start, end = _area(before, after, line.start), _area(before, after, line.end)
    return to if start * end <= 0 else None


def _area(start: Point, end: Point, point: Point) -> float:
    """Twice the area of a triangle; negative where the point is to the left (y points down)."""
    return (end[0] - start[0]) * (point[1] - start[1]) - (end[1] - start[1]) * (point[0] - start[0])
