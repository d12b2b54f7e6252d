"""Making topics on a real broker."""

from functools import partial
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer

from connectors.kafka.admin import ensure_topic, forget_topics
from connectors.kafka.connection import TopicConnection
from infra.embedded.broker import Broker
from tests.faults import killed_after_each_effect
from tests.waiting import wait_until


def make_topics(connection: TopicConnection, names: list[str]) -> None:
    """What a flow with two topics does at its start."""
    for name in names:
        ensure_topic(connection, name, partitions=3)


def has_three(consumer: KafkaConsumer, topic: str) -> bool:
    return bool(consumer.partitions_for_topic(topic) == {0, 1, 2})


def test_the_topics_that_a_killed_start_did_not_make_are_made_by_the_next(
    broker: Broker, unique: str
) -> None:
    connection = TopicConnection(brokers=[broker.address])

    def names(number: int) -> list[str]:
        return [f"{unique}.{number}.{name}" for name in ("first", "second")]

    for number in killed_after_each_effect(make_topics, lambda n: (connection, names(n))):
        make_topics(connection, names(number))
        consumer = KafkaConsumer(bootstrap_servers=broker.address)
        for name in names(number):
            wait_until(partial(has_three, consumer, name), what=name)
        consumer.close()


def test_a_table_that_the_broker_lost_is_compacted_again_whoever_makes_it(
    broker: Broker, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = TopicConnection(brokers=[broker.address])
    made: list[tuple[str, object]] = []
    create = KafkaAdminClient.create_topics

    def seen(self: KafkaAdminClient, topics: dict[str, Any], **more: Any) -> object:
        made.extend((name, wanted["configs"]) for name, wanted in topics.items())
        return create(self, topics, **more)

    monkeypatch.setattr(KafkaAdminClient, "create_topics", seen)
    table, plain = f"{unique}.table", f"{unique}.plain"
    ensure_topic(connection, table, compact=True)
    admin = KafkaAdminClient(bootstrap_servers=broker.address)
    admin.delete_topics([table])
    wait_until(lambda: table not in admin.list_topics(), what="the end of the table")
    admin.close()
    forget_topics()
    for name in (table, plain):
        ensure_topic(connection, name)  # as the producer of its rows does
    compacted = {"cleanup.policy": "compact"}
    assert made == [
        (table, compacted), (table, compacted), (plain, {}),
    ]  # fmt: skip
    consumer = KafkaConsumer(bootstrap_servers=broker.address)
    wait_until(lambda: {table, plain} <= consumer.topics(), what="both topics")
    consumer.close()
