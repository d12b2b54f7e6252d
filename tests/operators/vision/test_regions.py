"""The parts of a picture that a model looks at."""

import itertools
import random

import pytest

from operators.vision.regions import HELD, MOST, WHOLE, WHOLE_EVERY, Box, Regions

SIZE = (1920, 1080)
SMALLEST = 320


def looked(regions: Regions, time: float, *motion: Box) -> list[Box]:
    return regions.of("yard", time, motion, SIZE, SMALLEST)


@pytest.fixture
def regions() -> Regions:
    """Regions of a camera whose whole picture was looked at at second 0."""
    regions = Regions()
    assert looked(regions, 0.0, (0.5, 0.5, 0.01, 0.02)) == []
    return regions


def test_a_small_thing_that_moves_is_looked_at_in_a_square_of_the_models_size(
    regions: Regions,
) -> None:
    [(left, top, wide, high)] = looked(regions, 1.0, (0.5, 0.5, 0.01, 0.02))
    assert (wide * SIZE[0], high * SIZE[1]) == (pytest.approx(SMALLEST), pytest.approx(SMALLEST))
    assert left + wide / 2 == pytest.approx(0.505)
    assert top + high / 2 == pytest.approx(0.51)


def test_a_thing_in_a_corner_is_looked_at_within_the_picture(regions: Regions) -> None:
    [(left, top, _, high)] = looked(regions, 1.0, (0.0, 0.98, 0.02, 0.02))
    assert (left, top + high) == (0, pytest.approx(1))


def test_where_nothing_moves_the_whole_picture_is_looked_at(regions: Regions) -> None:
    assert looked(regions, 1.0) == []


def test_the_whole_picture_is_looked_at_now_and_then_whatever_moves(regions: Regions) -> None:
    tree = (0.5, 0.5, 0.01, 0.02)
    times = [number / 5 for number in range(1, 151)]
    whole = [time for time in times if not looked(regions, time, tree)]
    gaps = [later - sooner for sooner, later in itertools.pairwise(whole)]
    assert whole[0] <= WHOLE_EVERY + 0.2
    assert all(WHOLE_EVERY <= gap <= WHOLE_EVERY + 0.2 for gap in gaps)


def test_what_was_found_is_looked_at_though_only_something_else_moves(regions: Regions) -> None:
    regions.found("yard", 1.0, [(0.1, 0.1, 0.02, 0.05)])
    regions.found("yard", 1.2, [])
    regions.found("gate", 1.2, [(0.5, 0.1, 0.02, 0.05)])
    assert len(looked(regions, 1.4, (0.8, 0.8, 0.01, 0.01))) == 2
    assert len(looked(regions, 1.3 + HELD, (0.8, 0.8, 0.01, 0.01))) == 1


def test_a_clock_that_jumps_back_costs_looks_at_the_whole_picture_and_no_more(
    regions: Regions,
) -> None:
    assert looked(regions, -3600.0, (0.5, 0.5, 0.01, 0.02)) == []
    assert len(looked(regions, -3599.0, (0.5, 0.5, 0.01, 0.02))) == 1


@pytest.mark.parametrize("seed", range(200))
def test_every_thing_lies_whole_in_one_region_and_regions_are_few_and_apart(seed: int) -> None:
    rng = random.Random(seed)
    regions, size = Regions(), (rng.randint(160, 4000), rng.randint(120, 2200))
    regions.of("yard", 0.0, [], size, SMALLEST)
    boxes = []
    for _ in range(rng.randint(1, 8)):
        wide, high = rng.uniform(0.001, 0.3), rng.uniform(0.001, 0.3)
        boxes.append((rng.uniform(0, 1 - wide), rng.uniform(0, 1 - high), wide, high))
    found = regions.of("yard", 1.0, boxes, size, SMALLEST)
    if not found:
        return
    assert len(found) <= MOST
    assert sum(wide * high for _, _, wide, high in found) <= WHOLE
    for left, top, wide, high in found:
        assert 0 <= left <= left + wide <= 1 + 1e-9
        assert 0 <= top <= top + high <= 1 + 1e-9
    for one, other in itertools.combinations(found, 2):
        assert (
            one[0] + one[2] <= other[0] or other[0] + other[2] <= one[0]
            or one[1] + one[3] <= other[1] or other[1] + other[3] <= one[1]
        )  # fmt: skip
    for x, y, w, h in boxes:
        assert any(
            left <= x + 1e-9 and x + w <= left + wide + 1e-9
            and top <= y + 1e-9 and y + h <= top + high + 1e-9
            for left, top, wide, high in found
        )  # fmt: skip
