"""A flow that two processes take for theirs, on Apache Kafka."""

from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer, TopicPartition

from connectors.kafka.admin import ensure_topic
from connectors.kafka.connection import TopicConnection
from connectors.kafka.fencing.fence import Fence
from connectors.kafka.open_consumer import open_consumer
from connectors.kafka.producer_client import open_producer
from infra.embedded.kafka.server import Kafka
from infra.embedded.objects import Objects
from tests.flows.conftest import Watch, topic
from tests.flows.site.two_owners import show_that_the_former_owner_is_refused
from tests.flows.site.up import Up

__all__ = ["topic"]  # a fixture of the tests of flows


def test_the_broker_refuses_what_a_former_owner_writes_that_does_not_know_of_the_other(
    kafka: Kafka,
    objects: Objects,
    topic: Watch,
    tmp: Path,
    unique: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    up = Up(tmp, kafka.address, unique)
    up.use_store(objects, monkeypatch)
    show_that_the_former_owner_is_refused(up, objects, topic, f"fence-{unique}")


MANY = 300
"""Partitions; a broker takes some time to close them all."""


def test_every_partition_is_closed_to_the_former_owner_before_the_next_one_begins(
    connection: TopicConnection, unique: str
) -> None:
    ensure_topic(connection, unique, MANY)
    parts = [TopicPartition(unique, number) for number in range(MANY)]
    ends: list[int] = []

    class Looking(Fence):
        """It looks at once where the broker has ended the transaction by then."""

        def _mark(self, client: KafkaProducer, options: dict[str, Any]) -> None:
            super()._mark(client, options)
            ends.extend(consumer.end_offsets(parts).values())

    fence = Looking(unique, [unique], lambda: None)
    with open_consumer(connection, isolation_level="read_uncommitted") as consumer:
        assert set(consumer.end_offsets(parts).values()) == {0}
        open_producer(connection.fenced(fence), "log").close(timeout=1)
    assert len(ends) == MANY
    assert ends.count(0) == 0, "the broker had not ended the transaction in so many partitions"
