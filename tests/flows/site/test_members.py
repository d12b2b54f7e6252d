"""`--process auto`: each process has its fair part, whoever comes and goes."""

import random
import re
import signal

import msgspec
import pytest

from connectors.kafka.connection import TopicConnection
from connectors.kafka.leases.entries import Silence
from connectors.kafka.leases.roll import Part, Present, Roll
from infra.embedded.objects import Objects
from tests.flows.conftest import Watch
from tests.flows.site.members import show_that_processes_come_and_go
from tests.flows.site.up import Machine, Up
from tests.waiting import wait_until

MOST = 8
LASTS, SETTLES = 15.0, 3.0


def roll(name: str, most: int = MOST) -> Roll:
    return Roll(Present("cool", name, most=most), LASTS, SETTLES)


def met(names: str, holds: dict[str, Part] | None = None, most: int = MOST) -> list[Roll]:
    """Members that have all heard each other."""
    rolls = [roll(name, most) for name in names]
    for one in rolls:
        one.mine = msgspec.structs.replace(one.mine, holds=(holds or {}).get(one.mine.member))
    for one in rolls:
        one.begin(0.0)
        for other in rolls:
            if other is not one:
                one.take(other.mine, 0.0)
    return rolls


@pytest.mark.parametrize("seed", range(50))
def test_members_that_heard_the_same_have_all_parts_among_them(seed: int) -> None:
    chance = random.Random(seed)
    names = "abcdefghijk"[: chance.randint(1, 11)]
    most = chance.randint(1, 9)
    count = min(most, len(names))
    numbers = [*range(1, count + 1), *[None] * len(names)]
    chance.shuffle(numbers)
    holds = {name: (n, count) for name, n in zip(names, numbers, strict=False) if n is not None}
    parts = {one.mine.member: one.wanted(1.0) for one in met(names, holds, most)}
    assert set(parts.values()) == {(n, count) for n in range(1, count + 1)}
    assert parts | holds == parts, "who holds a part keeps it"


def test_a_member_that_is_not_heard_any_more_leaves_its_part_to_the_others() -> None:
    one, two, _ = met("abc", most=3)
    assert one.wanted(1.0) == (1, 3)
    one.take(two.mine, 10.0)
    assert one.wanted(14.9) == (1, 3)
    assert one.wanted(15.0) == (1, 2)
    one.leave(two.mine.key)
    assert one.wanted(15.0) == (1, 1)


def test_a_restart_moves_nothing_and_what_could_not_be_heard_is_no_silence() -> None:
    one, two = met("ab")
    assert one.decide(0.0) is None
    assert one.decide(SETTLES) == (1, 2)
    one.leave(two.mine.key)
    assert one.decide(4.0) is None
    one.take(two.mine, 6.0)
    assert one.decide(6.0) is None
    assert one.decide(6.0 + SETTLES) == (1, 2)
    one.begin(60.0)  # the broker was away for a minute
    assert one.wanted(60.0) == (1, 2)


def test_nothing_is_cut_before_somebody_knows_into_how_many_parts_it_can_be() -> None:
    one, two = met("ab", most=0)
    assert (one.wanted(0.0), two.wanted(0.0)) == ((1, 1), (1, 1))
    one.take(msgspec.structs.replace(two.mine, most=2), 0.0)
    assert one.wanted(0.0) == (1, 2)


def test_silence_counts_only_while_one_listens() -> None:
    silence = Silence()
    silence.begin(100.0)
    silence.take("lease", 105.0)
    silence.listened(110.0)
    assert (silence.of("lease"), silence.of("another")) == (5.0, 10.0)
    silence.begin(200.0)
    assert (silence.of("lease"), silence.of("another")) == (0.0, 0.0)


@pytest.mark.service
@pytest.mark.slow
def test_more_and_fewer_processes_run_a_flow_and_nothing_is_lost_or_doubled(
    up: Up, objects: Objects, topic: Watch, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    up.connection = TopicConnection(
        brokers=up.connection.brokers, idempotence=False, prefix=f"{unique}.", partitions=8
    )
    up.use_store(objects, monkeypatch)
    show_that_processes_come_and_go(up, objects, topic)


@pytest.mark.service
@pytest.mark.slow
def test_a_site_file_may_say_that_machines_share_out_what_they_run(
    up: Up, objects: Objects, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    up.connection = TopicConnection(
        brokers=up.connection.brokers, idempotence=False, prefix=f"{unique}.", partitions=8
    )
    up.use_store(objects, monkeypatch)
    up.copy_state_to(f"shared-{unique}", lease="10s", shared=True)
    up.write("cool")
    up.start("--no-api", "--no-watch")
    up.wait_running("cool")
    other = Machine(up, "other", share="auto")
    try:
        other.wait_last("/2", "running, ")
        wait_until(lambda: re.search(r"part is ./2", up.log.read_text()), what="the other half")
        up.wait_running("cool")
        assert up.stop() == 0
        other.wait_last("1/1", "running, 8 source")
        other.process.send_signal(signal.SIGTERM)
        assert other.process.wait(60) == 0
    finally:
        other.end()
