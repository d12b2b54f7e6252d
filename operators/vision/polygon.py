"""Points and boxes in polygons, in fractions of a picture. Edges belong to the polygon."""

from collections.abc import Sequence

Point = tuple[float, float]
Box = tuple[float, float, float, float]
_EDGE = 1e-9


def contains(polygon: Sequence[Point], point: Point) -> bool:
    """Whether a point is inside a polygon or on an edge.

    Inside is where a ray crosses an odd number of edges (even-odd rule).
    """
    x, y = point
    inside = False
    x1, y1 = polygon[-1]
    for x2, y2 in polygon:
        if _on(x1, y1, x2, y2, x, y):
            return True
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
        x1, y1 = x2, y2
    return inside


def problem_of(polygon: Sequence[Point]) -> str | None:
    """Why a polygon encloses nothing or not what was meant, with the remedy; None if it is sound.

    A last corner that is the first once more is no fault.
    """
    corners = [
        point for number, point in enumerate(polygon) if number == 0 or point != polygon[number - 1]
    ]
    if len(corners) > 1 and corners[0] == corners[-1]:
        corners.pop()
    edges = list(zip(corners, [*corners[1:], *corners[:1]], strict=True))
    if _is_flat(corners):
        return "encloses nothing: its corners lie on one line; give three that do not"
    if any(
        _cross(*edges[one], *edges[other])
        for one in range(len(edges))
        for other in range(one + 2, len(edges))
    ):
        return "has edges that cross, so a part is left out; list its corners in order, around it"
    return None


def _is_flat(corners: Sequence[Point]) -> bool:
    (x1, y1), *others = corners
    return all(
        abs((x2 - x1) * (y3 - y1) - (y2 - y1) * (x3 - x1)) <= _EDGE
        for x2, y2 in others
        for x3, y3 in others
    )


def overlaps(polygon: Sequence[Point], box: Box) -> bool:
    """Whether a box (left, top, width, height) and a polygon share a point."""
    left, top, width, height = box
    right, bottom = left + width, top + height
    if any(left <= x <= right and top <= y <= bottom for x, y in polygon):
        return True
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    if any(contains(polygon, corner) for corner in corners):
        return True
    edges = list(zip(polygon, [*polygon[1:], polygon[0]], strict=True))
    sides = list(zip(corners, [*corners[1:], corners[0]], strict=True))
    return any(_cross(*edge, *side) for edge in edges for side in sides)


def _on(x1: float, y1: float, x2: float, y2: float, x: float, y: float) -> bool:
    within = (
        min(x1, x2) - _EDGE <= x <= max(x1, x2) + _EDGE
        and min(y1, y2) - _EDGE <= y <= max(y1, y2) + _EDGE
    )
    return within and abs((x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)) <= _EDGE


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    def side(p: Point, q: Point, r: Point) -> float:
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0
