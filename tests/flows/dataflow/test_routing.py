"""The shard of a subject is the same wherever its records lie."""

import math
import random

import pytest

from connectors.base import Batch
from connectors.kafka.admin import partition_of
from flows.dataflow.input_order import Arrival
from flows.dataflow.routing import PROOF, Misplaced, Router
from operators.events import Event, Message, Reading


def brought(number: int, *events: Event) -> Arrival:
    return Arrival(f"in:t/{number}", "in", Batch([*events], 1e6, True))


def reading(subject: str, time: float = 1.0) -> Reading:
    return Reading(id=f"{subject}{time}", time=time, subject=subject, metric="m", value=1.0)


def routed(router: Router, arrival: Arrival) -> dict[str, Arrival]:
    part = arrival.part.removeprefix("in:")
    router.look(part, arrival.batch.events)
    return dict(router.route(part, arrival))


@pytest.mark.parametrize(("shards", "partitions"), [(4, 4), (2, 6), (4, 6), (1, 4), (4, 1)])
def test_a_subject_has_one_shard_whatever_partition_its_events_come_from(
    shards: int, partitions: int
) -> None:
    chance = random.Random(shards * 10 + partitions)
    said: list[Misplaced] = []
    router = Router(shards, [str(n) for n in range(shards)], said.append)
    router.grown("t", partitions)
    place: dict[str, set[str]] = {}
    wrong = 0
    for n in range(200):
        number = chance.randrange(partitions)
        events = [reading(f"s{chance.randrange(30)}", n + i / 10) for i in range(5)]
        wrong += sum(partition_of(e.subject, partitions) != number for e in events)
        found = routed(router, brought(number, *events))
        assert sorted(e.id for one in found.values() for e in one.batch.events) == sorted(
            e.id for e in events
        )
        for shard, one in found.items():
            for event in one.batch.events:
                assert isinstance(event, Reading)
                place.setdefault(event.subject, set()).add(shard)
            assert sum(n for n, _ in one.batch.arrivals) in (0, len(one.batch.events))
    assert {len(found) for found in place.values()} == {1}
    assert sum(one.count for one in said) == wrong


def test_a_shard_that_a_foreign_partition_fed_hears_how_far_it_has_come() -> None:
    router = Router(2, ["0", "1"])
    router.grown("t", 2)
    mine, other = (
        next(s for s in map(str, range(99)) if partition_of(s, 2) == number) for number in (0, 1)
    )
    assert set(routed(router, brought(0, reading(mine)))) == {"0"}
    assert set(routed(router, brought(0, reading(mine), reading(other)))) == {"0", "1"}

    found = routed(router, brought(0, reading(mine, 7.0)))
    assert (found["1"].batch.events, found["1"].mark) == ([], 7.0)
    assert router.lies_apart(["t/0"])
    assert not router.lies_apart(["t/1"])


def test_messages_go_by_their_topic_and_a_process_leaves_out_what_is_of_no_shard_of_it() -> None:
    routers = [Router(4, mine) for mine in (["0", "2"], ["1", "3"])]
    message = Message(id="m", time=1.0, topic="zigbee/door", payload=b"{}")
    takers = []
    for router in routers:
        router.grown("t", 4)
        takers += [
            shard for shard, one in routed(router, brought(0, message)).items() if one.batch.events
        ]
    assert takers == [str(partition_of("zigbee/door", 4))]


def subjects(count: int) -> list[str]:
    """One subject for each partition."""
    return [
        next(s for s in map(str, range(99)) if partition_of(s, count) == n) for n in range(count)
    ]


def test_the_first_subject_of_another_process_is_told_once() -> None:
    router = Router(2, ["0"], is_mine=lambda part: part == "t/0")
    router.grown("t", 2)
    mine, other = subjects(2)
    assert [
        router.look("t/0", [reading(mine)]),
        router.look("t/0", [reading(mine), reading(other)]),
        router.look("t/0", [reading(other)]),
        router.look("t/1", [reading(mine)]),
    ] == [False, True, False, False]


def test_each_event_is_taken_by_one_process_however_a_topic_is_keyed() -> None:
    chance = random.Random(7)
    routers = [
        Router(4, mine, is_mine=lambda part, mine=mine: part[-1] in mine)
        for mine in (["0", "2"], ["1", "3"])
    ]
    taken: list[str] = []
    for router in routers:
        router.grown("t", 4)
    for n in range(300):
        number = chance.randrange(4)
        event = reading(f"s{chance.randrange(20)}.", float(n))
        for router in routers:
            for shard, one in routed(router, brought(number, event)).items():
                if one.batch.events:
                    assert shard == router.shard_of_subject(event.subject)
                    taken.append(event.id)
    assert len(taken) == len(set(taken)) == 300


def test_a_well_keyed_partition_of_another_process_moves_no_time_and_need_not_be_read() -> None:
    router = Router(2, ["0"], is_mine=lambda part: part == "t/0")
    router.grown("t", 2)
    mine, other = subjects(2)
    found = routed(router, brought(1, reading(other, 9.0)))
    assert [(shard, one.batch.events, one.mark) for shard, one in found.items()] == [
        ("0", [], -math.inf)
    ]
    assert not router.is_keyed("t")
    router.look("t/0", [reading(mine)] * PROOF)
    assert router.is_keyed("t")
    router.look("t/1", [reading(mine)])
    assert not router.is_keyed("t")
