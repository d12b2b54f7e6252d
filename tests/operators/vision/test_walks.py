"""Whatever walks before two cameras: pictures doubled, missed and torn apart by restarts."""

import itertools
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.component import Area, Line
from operators.events import Detection, Event, Frame
from operators.model.saved_state import encode
from operators.vision.track import Track
from operators.vision.zones import Zones
from tests.operators.shard import CONTEXT, Shard

CAMERAS = ("gate", "dock")
MIDDLE = [(0.3, 0.2), (0.7, 0.2), (0.7, 0.9), (0.3, 0.9)]
IN_PICTURES = replace(
    CONTEXT,
    zones={"middle": [Area(camera, MIDDLE) for camera in CAMERAS]},
    lines={camera: Line(camera, (0.5, 0.0), (0.5, 1.0)) for camera in CAMERAS},
)
LATEST = 1e6
"""A time at which everything has ended."""

Picture = list[Event]


class Walker:
    """Someone who wanders, or stands for a while; `gone` until the next picture that shows him."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._x, self._y = chance.uniform(0, 0.9), chance.uniform(0, 0.6)
        self._speed = chance.uniform(-0.3, 0.3)
        self._class = chance.choice(["person", "person", "car"])

    def seen(self, id: str, camera: str, time: float, after: float) -> Detection | None:
        """Where he is now, if the detector finds him."""
        chance = self._chance
        if chance.random() < 0.05:
            self._speed = chance.choice([0.0, 0.0, chance.uniform(-0.3, 0.3)])
        self._x += self._speed * min(after, 2.0)
        if not -0.05 < self._x < 0.95:
            self._x, self._speed = min(max(self._x, 0.0), 0.9), -self._speed
        if chance.random() < 0.15:
            return None
        shaken = [chance.gauss(0, 0.001) for _ in range(2)]
        return Detection(
            id=id, time=time, subject=camera, class_=self._class, score=chance.uniform(0.3, 1),
            box=(self._x + shaken[0], self._y + shaken[1], 0.1, 0.3), frame=id.split(".")[0],
        )  # fmt: skip


def pictures(chance: random.Random, is_told: bool) -> list[Picture]:
    """What both cameras see, in the order of time; now and then a camera is gone for a while."""
    walkers = {
        camera: [Walker(chance) for _ in range(chance.randrange(1, 5))] for camera in CAMERAS
    }
    last, gone = dict.fromkeys(CAMERAS, 0.0), dict.fromkeys(CAMERAS, 0.0)
    made: list[Picture] = []
    for n in range(chance.choice([10, 60, 150])):
        for camera in CAMERAS:
            time = round(1000 + n / 5 + 40 * gone[camera], 3)
            if chance.random() < 0.02:
                gone[camera] += chance.choice([0.1, 1, 10])
                continue
            frame = f"{camera}{n}"
            seen = [
                walker.seen(f"{frame}.{k}", camera, time, time - (last[camera] or time))
                for k, walker in enumerate(walkers[camera])
            ]
            picture: Picture = [one for one in seen if one is not None]
            last[camera] = time
            if is_told:
                picture.append(
                    Frame(id=frame, time=time, subject=camera, width=64, height=48, seen=[])
                )
            made.append(picture)
    return sorted((picture for picture in made if picture), key=lambda picture: picture[0].time)


class Steps:
    """`track` and `zones` one behind the other."""

    def __init__(self) -> None:
        self.steps = (
            Shard(Track(lost_after="2s", sure=0.5), IN_PICTURES),
            Shard(Zones(stay="1s", loiter="8s", inertia=2), IN_PICTURES),
        )
        self.made: list[Detection] = []

    def feed(self, events: list[Event]) -> None:
        self._pass(self.steps[0].feed(*events))

    def finish(self) -> None:
        self._pass(self.steps[0].wait_until(LATEST))
        self.made += self.steps[1].wait_until(LATEST)  # type: ignore[arg-type]

    def _pass(self, tracked: list[Event]) -> None:
        self.made += tracked  # type: ignore[arg-type]
        if tracked:
            self.made += self.steps[1].feed(*tracked)  # type: ignore[arg-type]

    def restart(self) -> None:
        """Go on from the saved state, which comes back to the bit."""
        for step in self.steps:
            saved = encode(step.logic.snapshot())
            step.restart()
            assert encode(step.logic.snapshot()) == saved

    def by_camera(self) -> dict[str, list[Detection]]:
        found = defaultdict(list)
        for one in sorted(self.made, key=lambda one: (one.time, one.id)):
            found[one.subject].append(one)
        return found


def whole(given: list[Picture]) -> Steps:
    """Every picture by itself, once, without a restart."""
    steps = Steps()
    for picture in given:
        steps.feed(picture)
    steps.finish()
    return steps


def batches(given: list[Picture], chance: random.Random) -> Iterator[list[Event]]:
    """The pictures in batches, some of them again in the same batch or in one right after it."""
    left = given
    again: list[Picture] = []
    while left:
        size = chance.randrange(1, 9)
        batch = [*again, *left[:size]]
        again = [left[size - 1]] if size <= len(left) and chance.random() < 0.2 else []
        if chance.random() < 0.2:
            batch.append(batch[-1])
        yield [event for picture in batch for event in picture]
        left = left[size:]


@pytest.mark.slow
@settings(max_examples=30)
@given(seed=st.integers(0, 2**32), is_told=st.booleans())
def test_doubled_pictures_batches_and_restarts_change_nothing(seed: int, is_told: bool) -> None:
    chance = random.Random(seed)
    given = pictures(chance, is_told)
    torn = Steps()
    for batch in batches(given, chance):
        torn.feed(batch)
        if chance.random() < 0.4:
            torn.restart()
    torn.finish()

    once = whole(given)
    assert torn.by_camera() == once.by_camera()
    track, zones = torn.steps
    ours = {word: n for word, n in track.counts.items() if word != "repeated"}
    assert (ours, zones.counts) == (once.steps[0].counts, once.steps[1].counts)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32), is_told=st.booleans())
def test_an_object_is_one_event_that_ends_and_nothing_of_it_is_kept(
    seed: int, is_told: bool
) -> None:
    steps = whole(pictures(random.Random(seed), is_told))
    told: dict[tuple[str, str | None], list[Detection]] = defaultdict(list)
    stays: dict[tuple[str, str | None], list[str | None]] = defaultdict(list)
    ways: dict[tuple[str, str | None], list[str | None]] = defaultdict(list)
    for one in steps.made:
        key = (one.subject, one.track)
        if one.in_zone:
            stays[key].append(one.phase)
        elif one.line:
            ways[key].append(one.direction)
        else:
            told[key].append(one)

    for events in told.values():
        assert [one.phase for one in events] == ["new", *["update"] * (len(events) - 2), "end"]
        assert [one.time for one in events] == sorted(one.time for one in events)
        assert len({one.class_ for one in events}) == 1
    for phases in stays.values():
        assert phases[0] == "entered" and phases[-1] == "left"
        for before, after in itertools.pairwise(phases):
            assert (before, after) in {
                ("entered", "loitering"), ("entered", "left"), ("loitering", "left"),
                ("left", "entered"),
            }  # fmt: skip
    for directions in ways.values():
        assert all(before != after for before, after in itertools.pairwise(directions))
    ids = [one.id for one in steps.made]
    assert len(set(ids)) == len(ids)
    assert [step.logic.snapshot() for step in steps.steps] == [[], ([], {}, None)]
