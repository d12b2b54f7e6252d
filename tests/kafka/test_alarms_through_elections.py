"""Alarms through elections: every broker dies, or is restarted, under a flow at work."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from connectors.kafka.connection import TopicConnection
from infra.embedded.kafka.cluster import KafkaCluster
from infra.embedded.kafka.server import Kafka
from tests.kafka.carrying import PARTITIONS, RATE, Carrying
from tests.kafka.conftest import Administer
from tests.waiting import wait_until


def leaders(admin: KafkaAdminClient, topics: list[str]) -> dict[tuple[str, int], int]:
    return {
        (topic["name"], partition["partition_index"]): partition["leader_id"]
        for topic in admin.describe_topics(topics)
        for partition in topic["partitions"]
    }


@pytest.mark.parametrize("end", [Kafka.kill, Kafka.stop], ids=["killed", "restarted"])
def test_alarms_change_as_if_no_broker_had_ended_and_what_has_a_leader_does_not_wait(
    cluster: KafkaCluster, unique: str, tmp: Path, administer: Administer,
    end: Callable[[Kafka], None], capsys: pytest.CaptureFixture[str],
):  # fmt: skip
    admin, began = administer(cluster.addresses), time.time()
    copies = {0: [1, 2], 1: [2, 3], 2: [3, 1]}
    for part in ("a.in", "a.out", "b.in", "b.out"):
        admin.create_topics({f"{unique}.{part}": {"assignments": copies}})

    def carrying(part: str) -> Carrying:
        folder = tmp / part
        folder.mkdir()
        connection = TopicConnection(brokers=cluster.addresses, prefix=f"{unique}.{part}.")
        return Carrying(connection, f"{unique}.{part}", folder, began)

    with carrying("a") as one:
        one.write_at(RATE)
        topics = [f"{unique}.a.in", f"{unique}.a.out"]
        for number, node in cluster.nodes.items():
            wait_until(lambda: set(leaders(admin, topics).values()) == {1, 2, 3}, what="all lead")
            now = time.time()
            with capsys.disabled():
                print(f"before: {one.taken(now - 5, now - 1, PARTITIONS)}")
            since, dead = time.time(), {n for n, nodes in copies.items() if number in nodes}
            end(node)
            mark = len(one.sent) + 5 * RATE
            wait_until(lambda mark=mark: len(one.sent) > mark, what="five seconds")
            until = time.time()
            node.start().wait_ready()
            wait_until(lambda mark=mark: len(one.seen) >= mark, what="all readings until now")
            with capsys.disabled():
                print(f"\nbroker {number} {end.__name__}")
                for what, of in (("copied by it", dead), ("the others", PARTITIONS - dead)):
                    print(f"  {what}: {one.taken(since, until, of)}")
        one.write_until(count := len(one.sent) + 100)
        with carrying("b") as other:
            other.write_until(count)
            with suppress(AssertionError):
                wait_until(lambda: one.changes() == other.changes(), what="the same changes")
            assert one.changes() == other.changes()
        assert set(one.copies.values()) == {1}
