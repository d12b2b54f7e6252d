"""Partitions read side by side: events in the order of time, nothing lost, nobody waits for ever."""

import random

import pytest

from connectors.base import Batch
from flows.dataflow.alignment import LEAST_LOOKS, MOST_LATE, PATIENCE, Alignment
from flows.dataflow.input_order import Arrival
from operators.events import Event, Reading

PARTS = ("a", "b", "c")


def arrival(part: str, *times: float, live: bool = False) -> Arrival:
    events: list[Event] = [
        Reading(id=f"{part}{time}", time=time, subject="s", metric="m", value=1.0) for time in times
    ]
    return Arrival(part, "in", Batch(events, 1e6, live, arrivals=[(1, 1e6)] * len(events)))


class Ticking:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Ticking:
    return Ticking()


def released(alignment: Alignment, is_mixed: bool = True) -> list[float]:
    return sorted(e.time for one in alignment.release(is_mixed) for e in one.batch.events)


def test_an_event_waits_until_all_that_catch_up_are_read_to_its_time(clock: Ticking) -> None:
    alignment = Alignment(PARTS, clock)
    alignment.take(arrival("a", 1, 4, 9))
    alignment.take(arrival("b", 2, 6))
    assert released(alignment) == []
    alignment.take(arrival("c", 3, 5))
    assert released(alignment) == [1, 2, 3, 4, 5]
    assert [alignment.wants(part) for part in PARTS] == [False, False, True]
    alignment.take(arrival("c", live=True))
    assert released(alignment) == [6]
    assert [one.batch.events[0].time for one in alignment.held()] == [9]


def test_partitions_that_each_feed_a_shard_of_their_own_pass_once_something_of_all_is_known(
    clock: Ticking,
) -> None:
    alignment = Alignment(PARTS, clock)
    alignment.take(arrival("a", 1, 9))
    alignment.take(arrival("b", 2))
    assert released(alignment, is_mixed=False) == []
    alignment.take(arrival("c", live=True))
    assert released(alignment, is_mixed=False) == [1, 2, 9]


@pytest.mark.parametrize("is_mixed", [True, False])
def test_what_waits_for_partitions_of_which_nothing_is_known_is_bounded(
    clock: Ticking, monkeypatch: pytest.MonkeyPatch, is_mixed: bool
) -> None:
    monkeypatch.setattr("flows.dataflow.alignment.MOST_HELD", 3)
    alignment = Alignment(PARTS, clock)
    alignment.take(arrival("a", 1, 2, 3))
    assert released(alignment, is_mixed) == []
    alignment.take(arrival("b", 1.5))
    assert 1 in released(alignment, is_mixed)


def test_a_partition_that_brings_nothing_is_waited_for_a_while_only(clock: Ticking) -> None:
    alignment = Alignment(PARTS, clock)
    alignment.take(arrival("a", 1))
    alignment.take(arrival("b", 2))
    assert released(alignment) == []
    clock.now = PATIENCE + 1
    assert released(alignment) == [1]


def test_later_an_event_waits_for_what_arrived_before_it_elsewhere_a_moment_at_most(
    clock: Ticking,
) -> None:
    alignment = Alignment(PARTS, clock)
    for part in PARTS:
        alignment.take(arrival(part, live=True))
    assert len(alignment.release()) == 3
    alignment.take(arrival("a", 1, live=True))
    assert alignment.release(is_read_to=lambda part, wall: False) == []
    assert len(alignment.release(is_read_to=lambda part, wall: True)) == 1
    alignment.take(arrival("b", 2, live=True))
    assert alignment.release(is_read_to=lambda part, wall: False) == []
    clock.now = 2 * MOST_LATE
    assert alignment.release(is_read_to=lambda part, wall: False) == [], "not looked for"
    looks = [alignment.release(is_read_to=lambda part, wall: False) for _ in range(LEAST_LOOKS)]
    assert sum(map(len, looks)) == 1


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_lost_and_no_partition_changes_its_order(seed: int, clock: Ticking) -> None:
    chance = random.Random(seed)
    given = {
        part: [chance.uniform(0, 100) + n for n in range(chance.randrange(60))] for part in PARTS
    }
    for times in given.values():
        if seed % 2:
            times.sort()
    left = {part: list(times) for part, times in given.items()}
    found: list[Event] = []
    alignment = Alignment(PARTS, clock)
    live: set[str] = set()
    for _ in range(1000):
        for part in PARTS:
            if not alignment.wants(part) or part in live or chance.random() < 0.3:
                continue
            size = chance.randrange(1, 9)
            some, left[part] = left[part][:size], left[part][size:]
            alignment.take(arrival(part, *some, live=not some))
            live |= set() if some else {part}
        for one in alignment.release():
            found += one.batch.events
            assert sum(n for n, _ in one.batch.arrivals) == len(one.batch.events)
    for part, times in given.items():
        assert [e.time for e in found if e.id.startswith(part)] == times


def test_what_passes_takes_along_what_waits_of_others_and_is_not_later(clock: Ticking) -> None:
    """A writer that goes on sending keeps every partition unread: each waits for the others."""
    alignment = Alignment(PARTS, clock)
    for part in PARTS:
        alignment.take(arrival(part, live=True))
    alignment.release(is_read_to=lambda part, wall: True)
    alignment.take(arrival("a", 3, 7, live=True))
    clock.now += 0.1
    alignment.take(arrival("b", 1, 5, 9, live=True))
    clock.now += MOST_LATE
    found = [
        event.time
        for _ in range(LEAST_LOOKS + 1)
        for one in alignment.release(is_read_to=lambda part, wall: False)
        for event in one.batch.events
    ]
    assert sorted(found) == [1, 3, 5, 7], "b alone would have waited a little longer"
    assert [one.batch.events[0].time for one in alignment.held()] == [9]


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_read_to_when_nothing_passes_before_what_waits_and_is_earlier(
    clock: Ticking, seed: int
) -> None:
    rng = random.Random(seed)
    alignment = Alignment(PARTS, clock)
    for part in PARTS:
        alignment.take(arrival(part, live=True))
    alignment.release(is_read_to=lambda part, wall: True)
    time = 0.0
    for _ in range(300):
        for part in filter(alignment.wants, PARTS):
            if rng.random() < 0.6:
                times = [time := time + 1 for _ in range(rng.randrange(1, 4))]
                alignment.take(arrival(part, *times, live=True))
        clock.now += rng.random() * 0.1
        found = alignment.release(is_read_to=lambda part, wall: rng.random() < 0.3)
        newest = max((one.batch.events[-1].time for one in found if one.batch.events), default=0)
        assert all(one.batch.events[0].time > newest for one in alignment.held())
