"""Which pictures are looked at, under a virtual clock."""

import heapq
import math
from collections import Counter, defaultdict
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.detector.batching import Batcher

pytestmark = pytest.mark.slow


class Seen(NamedTuple):
    camera: str
    number: int
    taken: float


def play(
    offers: list[tuple[float, str, bool]],
    most: int,
    wait: float,
    run: float,
    each: float = 0.0,
    patience: float = math.inf,
) -> tuple[list[tuple[float, list[Seen]]], list[Seen]]:
    """Offer pictures at their times to a model that takes `run` + `each` a picture for a batch.

    The batches with the times at which they began, and what was skipped.
    """
    skipped: list[Seen] = []
    batcher: Batcher[Seen] = Batcher(most, wait, lambda camera, item: skipped.append(item))
    batches: list[tuple[float, list[Seen]]] = []
    numbers: Counter[str] = Counter()
    coming = [(at, n, camera, keep) for n, (at, camera, keep) in enumerate(sorted(offers))]
    heapq.heapify(coming)
    now = free = 0.0
    while coming or batcher.waiting:
        due = max(free, batcher.next_time())
        if coming and coming[0][0] <= due:
            now, _, camera, keep = heapq.heappop(coming)
            item = Seen(camera, numbers[camera], now)
            batcher.offer(camera, item, now, now + patience, keep)
            numbers[camera] += 1
            continue
        now = max(now, due)
        if batch := batcher.take(now):
            batches.append((now, batch))
            free = now + run + each * len(batch)
    return batches, skipped


def at_rate(camera: str, rate: float, seconds: float, phase: float = 0.0):
    return [(phase + n / rate, camera, False) for n in range(int(seconds * rate))]


traffic = st.lists(
    st.tuples(st.floats(0, 20), st.sampled_from("abcde"), st.booleans()), max_size=60
)
sizes, times = st.integers(1, 8), st.floats(0, 1)


@given(traffic, sizes, times, times)
def test_every_picture_is_taken_or_skipped_once(offers, most, wait, run):
    batches, skipped = play(offers, most, wait, run)
    looked_at = [item for _, batch in batches for item in batch]
    assert Counter(looked_at + skipped) == Counter(set(looked_at + skipped))
    assert len(looked_at) + len(skipped) == len(offers)


@given(traffic, sizes, times, times)
def test_pictures_of_a_camera_stay_in_order(offers, most, wait, run):
    batches, _ = play(offers, most, wait, run)
    by_camera = defaultdict(list)
    for _, batch in batches:
        assert 0 < len(batch) <= most
        for item in batch:
            by_camera[item.camera].append(item.number)
    for numbers in by_camera.values():
        assert numbers == sorted(numbers)


@given(traffic, sizes, times)
def test_an_idle_model_lets_none_wait_longer_than_the_wait(offers, most, wait):
    batches, skipped = play(offers, most, wait, run=0.0)
    gathered = {item.camera for item in skipped}
    for began, batch in batches:
        for item in batch:
            assert item.camera in gathered or began - item.taken <= wait + 1e-9


@given(traffic, sizes, times, times)
def test_a_full_batch_does_not_wait(offers, most, wait, run):
    batches, _ = play(offers, most, wait, run)
    for began, batch in batches:
        waited = max(began - item.taken for item in batch)
        newest = max(item.taken for item in batch)
        full = len(batch) == most
        assert waited >= wait - 1e-9 or full or began - newest >= 0


@given(st.lists(st.tuples(st.floats(0, 20), st.sampled_from("abc")), max_size=60), sizes, times)
def test_what_gathered_is_looked_at_whole_however_slow_the_model(offers, most, run):
    batches, skipped = play([(at, camera, True) for at, camera in offers], most, 0.0, run)
    assert skipped == []
    assert sum(len(batch) for _, batch in batches) == len(offers)


@given(traffic, sizes, times, times, st.floats(0.01, 3))
def test_nothing_is_looked_at_after_its_deadline(offers, most, wait, run, patience):
    batches, _ = play(offers, most, wait, run, patience=patience)
    for began, batch in batches:
        assert all(began <= item.taken + patience for item in batch)


@given(st.integers(2, 12), sizes, st.floats(0.01, 0.5))
def test_under_overload_all_cameras_are_looked_at_as_often(cameras, most, run):
    """All send at 50/s, far more than the model can do; who is first at the start has a lead."""
    offers = [each for n in range(cameras) for each in at_rate(f"c{n}", 50, 10, n / 1000)]
    batches, _ = play(offers, most, 0.04, run, each=0.005)
    before_the_end = [batch for began, batch in batches if began < 9.9]
    counts = Counter(item.camera for batch in before_the_end for item in batch)
    if before_the_end:
        assert max(counts.values()) - min(counts[f"c{n}"] for n in range(cameras)) <= 2


def test_of_a_camera_that_waits_the_newest_is_looked_at():
    batches, skipped = play(at_rate("gate", 100, 1), most=4, wait=0.0, run=0.2)
    for began, batch in batches:
        [item] = batch
        assert began - item.taken <= 0.011
    assert len(skipped) == 100 - len(batches)


@pytest.mark.parametrize("most", [1, 4, 9, 16])
def test_one_camera_at_thirty_among_eight_at_five_leaves_each_its_five(most):
    """The model does 50 pictures a second: 40 for the eight, ten for the ninth."""
    seconds = 20
    slow = [each for n in range(8) for each in at_rate(f"c{n}", 5, seconds, n * 0.025)]
    batches, skipped = play([*slow, *at_rate("quick", 30, seconds)], most, 0.04, 0.0, each=0.02)
    counts = Counter(item.camera for _, batch in batches for item in batch)
    for n in range(8):
        assert counts[f"c{n}"] >= 0.98 * 5 * seconds, counts
    assert counts["quick"] >= 0.8 * 10 * seconds, counts
    assert {item.camera for item in skipped} <= {"quick", *(f"c{n}" for n in range(8))}
    assert Counter(item.camera for item in skipped)["quick"] > 0


def test_a_camera_that_stalls_holds_no_batch_up():
    offers = [*at_rate("a", 5, 10), *at_rate("b", 5, 10), *at_rate("stalls", 5, 3)]
    batches, _ = play(offers, most=3, wait=0.04, run=0.01)
    for began, batch in batches:
        assert all(began - item.taken <= 0.04 + 0.01 + 1e-9 for item in batch)


def test_the_first_waits_for_others_but_only_so_long():
    batcher: Batcher[str] = Batcher(2, 0.04)
    batcher.offer("a", "a0", 1.0)
    assert batcher.take(1.03) == []
    assert batcher.next_time() == pytest.approx(1.04)
    batcher.offer("b", "b0", 1.03)
    assert sorted(batcher.take(1.03)) == ["a0", "b0"]
    assert batcher.next_time() == math.inf
