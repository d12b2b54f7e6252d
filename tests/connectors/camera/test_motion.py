"""The motion gate on generated scenes at five pictures a second, with the default settings."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest

from connectors.camera.motion import LOOK_ANYWAY, Look, MotionGate, Polygon
from tests.connectors.camera import yard
from tests.connectors.camera.yard import Picture, play, walker

pytestmark = pytest.mark.slow


def looks(
    pictures: Iterator[tuple[float, Picture]],
    masks: Sequence[Polygon] = (),
    min_area: float = 0.01,
) -> list[tuple[float, Look]]:
    gate = MotionGate(min_area, 10.0, masks)
    return [(at, gate.look(picture, 1000 + at)) for at, picture in pictures]


def moving(found: list[tuple[float, Look]]) -> list[float]:
    return [at for at, look in found if look.moving]


def test_somebody_who_walks_by_is_seen_at_once_where_they_are() -> None:
    found = looks(play(30, walker(10)))
    times = moving(found)
    assert 10 <= times[0] <= 11.2 and 17 <= times[-1] <= 19.5
    middle = next(look for at, look in found if at == 14.0)
    left, top, width, height = middle.boxes[0]
    assert left < 0.5 < left + width and top < 0.6 < top + height


def test_pictures_pass_until_the_hold_is_over() -> None:
    passed = [at for at, look in looks(play(40, walker(10, 4))) if look.passes and at > 1]
    assert passed[0] <= 11.2
    assert 22 <= passed[-1] <= 28


@pytest.mark.parametrize(
    ("height", "min_area"), [(110, 0.01), (60, 0.01), (40, 0.003), (25, 0.002)]
)
def test_people_near_and_far_are_seen(height: float, min_area: float) -> None:
    assert moving(looks(play(20, walker(8, height=height)), min_area=min_area))


NUISANCES = {
    "noise": ([], [], 9.0),
    "rain": ([yard.rain], [], 4.0),
    "tree": ([yard.tree], [yard.TREE], 4.0),
    "clock": ([yard.overlay], [yard.CLOCK], 4.0),
    "clouds": ([yard.clouds], [], 4.0),
    "web": ([yard.web], [], 4.0),
}


@pytest.mark.slow
@pytest.mark.parametrize("nuisance", NUISANCES)
def test_what_always_moves_passes_at_most_two_pictures_in_a_hundred(nuisance: str) -> None:
    draws, masks, noise = NUISANCES[nuisance]
    found = looks(play(240, *draws, noise=noise), masks)
    assert sum(look.passes for _, look in found) <= 0.02 * len(found)


@pytest.mark.parametrize("nuisance", NUISANCES)
def test_somebody_is_seen_among_what_always_moves(nuisance: str) -> None:
    draws, masks, noise = NUISANCES[nuisance]
    times = moving(looks(play(140, *draws, walker(120, height=80), noise=noise), masks))
    assert any(120 <= at <= 123 for at in times)


def test_a_lamp_alone_opens_nothing() -> None:
    assert not moving(looks(play(60, yard.lamp(30))))


def test_who_walks_in_as_the_lamp_goes_on_is_seen_within_three_seconds() -> None:
    times = moving(looks(play(60, walker(30), yard.lamp(30))))
    assert times and 30 <= times[0] <= 33


def test_flickering_light_does_not_keep_the_gate_shut() -> None:
    times = moving(looks(play(60, yard.headlights, walker(30, 10, height=90))))
    assert any(30 <= at <= 40 for at in times)


def test_a_picture_passes_every_half_minute_anyway() -> None:
    passed = [at for at, look in looks(play(95)) if look.passes]
    assert passed == [0.0, LOOK_ANYWAY, 2 * LOOK_ANYWAY, 3 * LOOK_ANYWAY]


def test_what_was_found_stays_in_sight_though_it_stands_still_until_it_is_gone() -> None:
    gate = MotionGate(0.01, 10.0)
    passed = []
    for at, picture in play(180):
        if gate.look(picture, 1000 + at).passes:
            passed.append(at)
            if at < 120:
                gate.seen(1000 + at)
    gaps = [round(later - earlier) for earlier, later in pairwise(passed)]
    assert set(gaps[:55]) == {1}
    assert max(gap for gap, at in zip(gaps, passed, strict=False) if at < 115) == 10
    assert gaps[-1] >= LOOK_ANYWAY - 1


def test_nothing_counts_under_a_mask() -> None:
    whole = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
    assert not moving(looks(play(30, walker(10)), [whole]))


def test_another_size_of_picture_is_another_scene() -> None:
    gate = MotionGate(0.01, 1.0)
    for at, picture in play(10):
        gate.look(picture, at)
    gate.restart()
    assert gate.look(next(play(1, seed=9))[1], 10.2) == Look(True, False, [], 0.0)
