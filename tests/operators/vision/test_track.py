"""Following objects from picture to picture."""

import math
import random

import msgspec
import pytest

from operators.component import Now, StepContext
from operators.events import Detection, Frame
from operators.model.saved_state import decode, encode
from operators.vision.boxes import alike
from operators.vision.track import Track
from operators.vision.track_logic import MOST_TRACKS
from tests.operators.shard import CONTEXT, Shard, reading

BOX = (0.4, 0.4, 0.1, 0.4)


def seen(time, left=0.4, camera="gate", class_="person", top=0.4, id=None):
    box = (left, top, 0.1, 0.4)
    return Detection(
        id=id or f"{camera}-{class_}-{left}@{time:g}",
        time=time,
        subject=camera,
        class_=class_,
        score=0.9,
        box=box,
    )


def shard(restarts=False):
    return Shard(Track(lost_after="3s"), CONTEXT, restarts)


def phases(events):
    return [(e.time, e.track, e.phase) for e in events]


def test_an_object_is_new_then_updated_and_ends_when_it_is_lost():
    cameras = shard()
    out = cameras.feed(seen(0.0, id="a"), seen(0.2, 0.41), seen(0.4, 0.42))
    assert phases(out) == [(0.0, "a", "new"), (0.2, "a", "update"), (0.4, "a", "update")]
    assert cameras.wait_until(3.39) == []
    (end,) = cameras.wait_until(3.4)
    assert (end.time, end.track, end.phase, end.box) == (3.4, "a", "end", (0.42, 0.4, 0.1, 0.4))


def test_an_object_that_comes_back_too_late_is_another_one():
    out = shard().feed(seen(0.0, id="a"), seen(3.5, id="b"))
    assert phases(out) == [(0.0, "a", "new"), (3.0, "a", "end"), (3.5, "b", "new")]


def test_two_objects_on_one_picture_are_two_even_if_they_overlap():
    out = shard().feed(
        seen(0.0, 0.40, id="a"), seen(0.0, 0.45, id="b"), seen(0.2, 0.41), seen(0.2, 0.46)
    )
    assert [e.track for e in out] == ["a", "b", "a", "b"]


def test_class_and_camera_keep_objects_apart():
    out = shard().feed(
        seen(0.0, id="a"), seen(0.1, class_="car", id="b"), seen(0.2, camera="dock", id="c")
    )
    assert [e.phase for e in out] == ["new", "new", "new"]


def test_what_moved_by_less_than_its_size_without_overlap_is_the_same():
    out = shard().feed(seen(0.0, 0.1, id="a"), seen(0.2, 0.25), seen(0.4, 0.8, id="far"))
    assert [e.track for e in out] == ["a", "a", "far"]
    assert 1.99 < alike(BOX, BOX) <= 2.0
    assert 0 < alike(BOX, (0.55, 0.4, 0.1, 0.4)) < 1
    assert alike(BOX, (0.9, 0.0, 0.05, 0.1)) == 0.0
    assert alike((0.1, 0.1, 0.0, 0.0), (0.2, 0.2, 0.0, 0.0)) == 0.0


def test_an_old_detection_is_late_and_everything_else_passes():
    cameras = shard()
    other = reading(0.5, 1.0)
    assert phases(cameras.feed(seen(1.0, id="a"))) == [(1.0, "a", "new")]
    assert cameras.feed(seen(0.5), other) == [other]
    assert len(cameras.late) == 1


def test_a_broken_detector_does_not_fill_the_memory():
    cameras = shard()
    many = [
        Detection(
            id=f"d{n}", time=0.0, subject="gate", class_="person", score=1, box=(0, 0, 0.001, 0.001)
        )
        for n in range(MOST_TRACKS + 5)
    ]
    assert len(cameras.feed(*many)) == MOST_TRACKS
    assert cameras.counts == {"crowded": 5}


def test_batches_and_restarts_change_nothing():
    rng = random.Random(4)
    pictures = [
        [
            seen(
                step / 5,
                round(rng.random(), 2),
                camera,
                rng.choice(["person", "car"]),
                id=f"{camera}{step}.{n}",
            )
            for n in range(rng.randrange(3))
        ]
        for step in range(200)
        for camera in ("gate", "dock")
    ]
    whole = shard().feed(*(one for picture in pictures for one in picture))
    cut, left = shard(restarts=True), pictures
    parts = []
    while left:
        size = rng.randrange(1, 20)
        parts += cut.feed(*(one for picture in left[:size] for one in picture))
        left = left[size:]
    assert parts == whole


def test_nothing_is_kept_of_what_is_gone():
    cameras = Shard(Track(), StepContext(flow="f", step="f/s/track"))
    cameras.feed(*(seen(n, 0.5, f"cam{n}") for n in range(50)))
    cameras.wait_until(10_000.0)
    assert cameras.logic.snapshot() == []


def looked(time, *seen_there, camera="gate"):
    """A picture that was looked at, with what was found on it."""
    frame = f"{camera}@{time:g}"
    there = [msgspec.structs.replace(one, frame=frame) for one in seen_there]
    return [*there, Frame(id=frame, time=time, subject=camera, width=64, height=48, seen=[])]


def test_where_pictures_are_told_an_object_ends_when_pictures_without_it_say_so():
    cameras = shard()
    cameras.feed(*looked(0.0, seen(0.0, id="a")))
    out = [one for n in range(1, 20) for one in cameras.feed(*looked(n / 5))]
    assert phases(out) == [(3.0, "a", "end")]


def test_a_camera_that_is_gone_ends_nothing_until_it_is_gone_for_long():
    cameras = shard()
    cameras.feed(*looked(0.0, seen(0.0, id="a")))
    assert cameras.wait_until(100.0) == []
    assert phases(cameras.feed(*looked(100.0, seen(100.0)))) == [(100.0, "a", "update")]
    assert phases(cameras.wait_until(399.9)) == []
    assert phases(cameras.wait_until(400.0)) == [(400.0, "a", "end")]


def test_where_people_stop_a_camera_all_its_objects_end_and_what_was_under_way_begins_none():
    cameras = shard(restarts=True)
    cameras.feed(*looked(0.0, seen(0.0, id="a")))
    cameras.feed(*looked(0.5, seen(0.5, camera="dock"), camera="dock"))
    over = Frame(id="o", time=1.0, subject="gate", width=1, height=1, seen=[], over=True)
    (end,) = cameras.feed(over)
    assert (end.time, end.track, end.phase) == (1.0, "a", "end")
    assert cameras.feed(over) == [], "told twice"
    assert cameras.feed(*looked(0.8, seen(0.8, id="late"))) == []
    assert [e.id for e in cameras.late] == ["late"]
    (new,) = cameras.feed(*looked(9.0, seen(9.0, id="b")))
    assert (new.track, new.phase) == ("b", "new"), "it was started again"


def test_a_gap_between_pictures_counts_as_half_the_time_only():
    cameras = shard()
    cameras.feed(*looked(0.0, seen(0.0, id="a")))
    assert cameras.feed(*looked(30.0)) == []
    assert phases(cameras.feed(*looked(31.0, seen(31.0)))) == [(31.0, "a", "update")]
    assert cameras.feed(*looked(61.0)) == []
    assert phases(cameras.wait_until(70.0)) == [(62.5, "a", "end")]


def walking(start, end, at=0.0, speed=0.1):
    """Pictures of somebody who comes in on the left at `at`, five a second."""
    times = [n / 5 for n in range(round(start * 5), round(end * 5))]
    return [one for t in times for one in looked(t, seen(t, round(speed * (t - at), 6)))]


@pytest.mark.parametrize("gap", [1.0, 2.0, 3.0, 4.0])
def test_who_walks_on_while_nobody_looks_is_the_same_afterwards(gap):
    cameras = shard()
    out = cameras.feed(*walking(0.0, 3.0)) + cameras.feed(*walking(3.0 + gap, 9.0))
    assert len({event.track for event in out}) == 1


@pytest.mark.parametrize("gap", [2.0, 4.0])
def test_who_stops_while_nobody_looks_for_a_short_time_is_the_same_afterwards(gap):
    cameras = shard()
    stopped = [one for n in range(5) for one in looked(3 + gap + n / 5, seen(3 + gap + n / 5, 0.3))]
    out = cameras.feed(*walking(0.0, 3.0)) + cameras.feed(*stopped)
    assert len({event.track for event in out}) == 1


@pytest.mark.parametrize("gap", [9.0, 12.0, 20.0])
def test_who_comes_after_a_gap_where_another_one_had_gone_is_somebody_else(gap):
    cameras = shard()
    after = 3.0 + gap
    out = cameras.feed(*walking(0.0, 3.0)) + cameras.feed(*walking(after, after + 2, after - 3))
    assert len({event.track for event in out}) == 2


def test_the_same_picture_again_is_dropped_and_counted():
    cameras = shard()
    picture = looked(1.0, seen(1.0, id="a"), seen(1.0, 0.7, id="b"))
    assert len(cameras.feed(*picture, *picture)) == 2
    assert cameras.feed(*picture) == []
    assert cameras.counts == {"repeated": 4}
    assert cameras.late == []


def test_boxes_without_area_or_that_are_no_numbers_are_counted():
    cameras = shard()
    boxes = [(0.1, 0.1, 0.0, 0.2), (0.1, 0.1, 0.2, -0.1), (math.nan, 0.1, 0.1, 0.1),
             (0.1, math.inf, 0.1, 0.1), (0.1, 0.1, 1e-200, 1e-200)]  # fmt: skip
    broken = [
        msgspec.structs.replace(seen(1.0), id=f"b{n}", box=box) for n, box in enumerate(boxes)
    ]
    assert phases(cameras.feed(*broken, seen(1.0, id="a"))) == [(1.0, "a", "new")]
    assert cameras.counts == {"no_area": 5}


def test_a_weak_detection_continues_an_object_but_begins_none():
    cameras = Shard(Track(sure=0.5), CONTEXT)

    def weak(time, left=0.4):
        return msgspec.structs.replace(seen(time, left), score=0.3)

    assert cameras.feed(weak(0.0)) == []
    assert phases(cameras.feed(seen(0.2, id="a"))) == [(0.2, "a", "new")]
    assert phases(cameras.feed(weak(0.4, 0.41))) == [(0.4, "a", "update")]
    assert cameras.feed(weak(0.6, 0.43), weak(0.6, 0.9))[0].track == "a"
    assert cameras.counts == {"unsure": 2}


def standing(cameras, start, end, left=0.4):
    """What comes of an object that stands and shakes a little, five pictures a second."""
    chance = random.Random(2)
    out = []
    for n in range(round((end - start) * 5)):
        time = start + n / 5
        out += cameras.feed(*looked(time, seen(time, left + chance.uniform(-0.002, 0.002))))
    return out


@pytest.mark.parametrize("restarts", [False, True])
def test_what_stands_still_is_quiet_until_it_moves(restarts):
    cameras = shard(restarts)
    out = standing(cameras, 0.0, 60.0)
    assert [(e.phase, e.still) for e in out] == [
        ("new", False), *[("update", False)] * 49, ("update", True)
    ]  # fmt: skip
    assert out[-1].time == 10.0
    assert cameras.counts == {"still": 249}
    (moved,) = cameras.feed(*looked(60.0, seen(60.0, 0.45)))
    assert (moved.track, moved.phase, moved.still) == (out[0].track, "update", False)
    (end,) = [one for n in range(1, 20) for one in cameras.feed(*looked(60 + n / 5))]
    assert (end.track, end.phase, end.time) == (out[0].track, "end", 63.0)


def test_what_stands_still_must_be_missing_on_two_pictures_however_rare_these_are():
    cameras = shard()
    standing(cameras, 0.0, 15.0)
    assert cameras.feed(*looked(45.0)) == []
    assert cameras.feed(*looked(75.0, seen(75.0))) == []
    assert cameras.feed(*looked(105.0)) == []
    assert [e.phase for e in cameras.feed(*looked(135.0))] == ["end"]


@pytest.mark.parametrize("restarts", [False, True])
def test_what_stands_still_is_waited_for_while_something_else_hides_it(restarts):
    cameras = shard(restarts)
    (first, *_) = standing(cameras, 0.0, 15.0)
    lorry = Detection(
        id="l", time=0.0, subject="gate", class_="truck", score=0.9, box=(0.2, 0.2, 0.6, 0.7)
    )
    out = []
    for n in range(100):
        time = 15 + n / 5
        one = msgspec.structs.replace(lorry, id=f"l{n}", time=time)
        out += cameras.feed(*looked(time, one))
    assert {e.track for e in out} == {"l0"}
    assert phases(standing(cameras, 35.0, 38.0)) == [(37.8, "l0", "end")]
    assert {e.track for e in cameras.feed(*looked(38.0, seen(38.0, 0.45)))} == {first.track}


def test_people_who_pass_each_other_keep_their_tracks():
    cameras = shard()
    out = []
    for n in range(20):
        one, other = 0.1 + n * 0.03, 0.7 - n * 0.03
        out += cameras.feed(
            *looked(n / 5, seen(n / 5, one, id=f"r{n}"), seen(n / 5, other, top=0.38, id=f"l{n}"))
        )
    assert {(e.id[0], e.track) for e in out} == {("r", "r0"), ("l", "l0")}


def test_the_state_of_the_version_before_is_gone_on_from():
    old = ([(("gate", "a"), seen(1.0, id="a"))], {"gate": 1.0, "dock": 0.5})
    logic = Track().logic(CONTEXT)
    logic.restore(decode(encode(old)), 1)
    now = Now(0.0, 0.0)
    assert phases(logic.on_batch([seen(1.2, 0.42)], now)) == [(1.2, "a", "update")]
    assert logic.on_batch([seen(0.4, camera="dock")], now) == []
    assert len(logic.late) == 1
