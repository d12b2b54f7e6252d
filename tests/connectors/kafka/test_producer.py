"""Writing to topics: what a client that wrote to several of them goes on knowing."""

import pytest
from kafka import TopicPartition

from connectors.base import Health
from connectors.kafka.admin import ensure_topic
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from infra.embedded.broker import Broker
from tests.waiting import wait_until

pytestmark = pytest.mark.service


def test_a_topic_that_was_written_to_stays_known_when_another_one_comes(
    broker: Broker, unique: str
) -> None:
    """Else the client looks for its leader without a pause, with a core of its own."""
    connection = TopicConnection(brokers=[broker.address], idempotence=False)
    before, new = f"{unique}.before", f"{unique}.new"
    ensure_topic(connection, before)
    producer = Producer(connection, Health(), "test")
    try:
        for topic in (before, new):
            producer.send(topic, "key", b"line\n")
            producer.flush()
        assert producer._client is not None
        cluster = producer._client._metadata
        asked = cluster.request_update()
        wait_until(lambda: asked.is_done)
        for topic in (before, new):
            partitions = cluster.partitions_for_topic(topic)
            assert partitions, topic
            leaders = {cluster.leader_for_partition(TopicPartition(topic, n)) for n in partitions}
            assert not leaders & {None, -1}, topic
    finally:
        producer.close()
