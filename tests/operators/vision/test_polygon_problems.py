"""Polygons that enclose nothing, or not what was meant."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.vision.drawn_places import places_of
from operators.vision.drawn_places import problem_of as problem_of_places
from operators.vision.polygon import Point, problem_of


@given(
    st.integers(3, 12),
    st.floats(0, math.tau),
    st.floats(0.01, 0.5),
    st.booleans(),
    st.booleans(),
)
def test_corners_in_order_around_a_point_are_sound(
    corners: int, turn: float, size: float, is_closed: bool, is_doubled: bool
) -> None:
    found = [
        (0.5 + size * math.cos(turn + part), 0.5 + size * math.sin(turn + part))
        for part in (math.tau * number / corners for number in range(corners))
    ]
    for polygon in (found, found[::-1]):
        doubled = [point for point in polygon for _ in range(2)] if is_doubled else polygon
        assert problem_of([*doubled, doubled[0]] if is_closed else doubled) is None


@pytest.mark.parametrize(
    ("polygon", "problem"),
    [
        ([(0.5, 0.5)] * 3, "encloses nothing"),
        ([(0.1, 0.1), (0.9, 0.9), (0.5, 0.5)], "encloses nothing"),
        ([(0.1, 0.2), (0.9, 0.2), (0.1, 0.2)], "encloses nothing"),
        ([(0, 0), (1, 1), (1, 0), (0, 1)], "edges that cross"),
        ([(0.5, 0), (0.8, 1), (0, 0.4), (1, 0.4), (0.2, 1)], "edges that cross"),
        ([(0, 0), (0.5, 0), (0.5, 1), (1, 1), (1, 0.5), (0, 0.5)], "edges that cross"),
    ],
)
def test_a_polygon_without_area_or_with_crossing_edges_is_told(
    polygon: list[Point], problem: str
) -> None:
    assert problem in (problem_of(polygon) or "")
    for drawn in ({"points": polygon}, {"points": [(0, 0), (1, 0), (1, 1)], "exclude": [polygon]}):
        said = problem_of_places(places_of({"zones": {"yard": drawn}}))
        assert said is not None
        assert said.startswith("the zone 'yard'")
        assert problem in said
