"""Entering and leaving zones."""

from dataclasses import replace

import pytest

from operators.events import Detection
from operators.vision.polygon import contains, overlaps
from operators.vision.zones import FORGET, Zones
from tests.operators.shard import CONTEXT, Shard, reading

SQUARE = [(0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8)]
CONTEXT = replace(CONTEXT, zones={"floor": ("gate", SQUARE), "ramp": ("dock", SQUARE)})


def seen(time, left=0.4, foot=0.7, track="a", phase="update", camera="gate"):
    box = (left, round(foot - 0.3, 6), 0.2, 0.3)
    return Detection(
        id=f"{track}@{time:g}",
        time=time,
        subject=camera,
        class_="person",
        score=0.9,
        box=box,
        track=track,
        phase=phase,
    )


def shard(restarts=False, **settings):
    return Shard(Zones(**settings), CONTEXT, restarts)


def phases(events):
    return [(e.time, e.track, e.phase, e.in_zone) for e in events]


def test_an_object_enters_once_and_leaves_once():
    out = shard().feed(
        seen(0.0, foot=0.1), seen(1.0), seen(2.0), seen(3.0, foot=0.95), seen(4.0, foot=0.95)
    )
    assert phases(out) == [(1.0, "a", "entered", "floor"), (3.0, "a", "left", "floor")]


@pytest.mark.parametrize("restarts", [False, True])
def test_a_stay_must_last(restarts):
    zones = shard(restarts, stay="1s")
    assert phases(zones.feed(seen(0.0))) == []
    assert phases(zones.feed(seen(0.8))) == []
    assert phases(zones.feed(seen(1.0), seen(1.2))) == [(1.0, "a", "entered", "floor")]
    assert phases(zones.feed(seen(2.0, foot=0.1), seen(2.2), seen(3.1))) == [
        (2.0, "a", "left", "floor")
    ]
    assert phases(zones.feed(seen(3.2))) == [(3.2, "a", "entered", "floor")]


def test_the_end_of_a_track_leaves_its_zones_and_frees_them():
    zones = shard()
    zones.feed(seen(0.0))
    assert phases(zones.feed(seen(5.0, phase="end"))) == [(5.0, "a", "left", "floor")]
    assert zones.logic.snapshot() == []


def test_a_zone_belongs_to_its_camera_and_only_names_zones():
    assert phases(shard().feed(seen(0.0, camera="dock"))) == [(0.0, "a", "entered", "ramp")]
    assert shard(only="floor").feed(seen(0.0, camera="dock")) == []


def test_the_foot_the_center_or_any_overlap_counts():
    standing_outside = seen(0.0, foot=0.9)  # the center is at 0.75
    assert shard().feed(standing_outside) == []
    assert len(shard(anchor="center").feed(standing_outside)) == 1
    beside = seen(0.0, left=0.75, foot=0.5)  # the foot is at 0.85
    assert shard().feed(beside) == []
    assert len(shard(anchor="overlap").feed(beside)) == 1


def test_what_has_no_track_is_counted_and_what_never_ends_is_forgotten():
    zones = shard()
    assert zones.feed(reading(0.0, 1.0), seen(0.0, track=None)) == []
    assert zones.counts == {"untracked": 2}
    zones.feed(seen(0.0))
    zones.feed(seen(FORGET + 10, foot=0.1, track="b"))
    assert zones.logic.snapshot() == []


@pytest.mark.parametrize(
    ("point", "inside"),
    [((0.5, 0.5), True), ((0.2, 0.5), True), ((0.8, 0.8), True), ((0.5, 0.2), True), ((0.1, 0.5),
    False),
     ((0.5, 0.81), False), ((0.2, 0.81), False)],
)  # fmt: skip
def test_edges_belong_to_a_polygon(point, inside):
    assert contains(SQUARE, point) is inside
    assert contains(SQUARE[::-1], point) is inside


def test_boxes_and_polygons_overlap_also_where_no_corner_lies_in_the_other():
    assert overlaps(SQUARE, (0.4, 0.0, 0.1, 1.0))
    assert overlaps(SQUARE, (0.0, 0.0, 1.0, 1.0))
    assert overlaps(SQUARE, (0.4, 0.4, 0.1, 0.1))
    assert not overlaps(SQUARE, (0.0, 0.0, 0.1, 0.1))
