"""Following objects from picture to picture."""

import random

from operators.component import StepContext
from operators.events import Detection
from operators.vision.track import MOST_TRACKS, Track, alike
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
    events = []
    for step in range(200):
        for camera in ("gate", "dock"):
            events += [
                seen(
                    step / 5,
                    round(rng.random(), 2),
                    camera,
                    rng.choice(["person", "car"]),
                    id=f"{camera}{step}.{n}",
                )
                for n in range(rng.randrange(3))
            ]
    whole = shard().feed(*events)
    cut, left = shard(restarts=True), events
    parts = []
    while left:
        size = rng.randrange(1, 20)
        parts += cut.feed(*left[:size])
        left = left[size:]
    assert sorted(phases(parts)) == sorted(phases(whole))


def test_nothing_is_kept_of_what_is_gone():
    cameras = Shard(Track(), StepContext(flow="f", step="f/s/track"))
    cameras.feed(*(seen(n, 0.5, f"cam{n}") for n in range(50)))
    cameras.wait_until(10_000.0)
    assert cameras.logic.snapshot() == ([], {})
