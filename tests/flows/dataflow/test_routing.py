"""The shard of a subject is the same wherever its records lie."""

import random

import pytest

from connectors.base import Batch
from connectors.kafka.admin import partition_of
from flows.dataflow.input_order import Arrival
from flows.dataflow.routing import Misplaced, Router
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


def test_messages_go_by_their_topic_and_a_process_keeps_what_is_of_no_shard_of_it() -> None:
    router = Router(4, ["0", "2"])
    router.grown("t", 4)
    message = Message(id="m", time=1.0, topic="zigbee/door", payload=b"{}")
    home = str(partition_of("zigbee/door", 4))
    (shard,) = routed(router, brought(0, message))
    assert shard == (home if home in ("0", "2") else "0")


def test_what_another_process_has_the_state_of_is_said_before_it_is_taken() -> None:
    said: list[Misplaced] = []
    router = Router(2, ["0"], said.append)
    router.grown("t", 2)
    mine, other = (
        next(s for s in map(str, range(99)) if partition_of(s, 2) == number) for number in (0, 1)
    )
    router.look("t/0", [reading(mine), reading(other)])
    assert said == [Misplaced("t", 0, other, expected=1, count=1, is_mine=False)]
