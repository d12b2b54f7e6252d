"""Writing to topics: what a client goes on knowing, and who is told that something is written."""

import threading

import pytest
from kafka import TopicPartition

from connectors.base import Health
from connectors.kafka.admin import ensure_topic
from connectors.kafka.connection import TopicConnection
from connectors.kafka.in_flight import is_answered
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


def test_a_saved_state_carries_nothing_that_is_written_although_nobody_asked_for_it(
    broker: Broker, unique: str
) -> None:
    connection = TopicConnection(brokers=[broker.address], idempotence=False)
    producer = Producer(connection, Health(), "test")
    try:
        for number in range(20):
            producer.send(unique, "key", b"%d\n" % number)
            wait_until(lambda: not producer._queue and all(map(is_answered, producer._in_flight)))
            assert producer.flush_or_carry(threading.Event()) == []
    finally:
        producer.close()


def test_who_waits_for_a_line_is_told_of_it_though_nobody_flushes(
    broker: Broker, unique: str
) -> None:
    connection = TopicConnection(brokers=[broker.address], idempotence=False)
    producer = Producer(connection, Health(), "test")
    try:
        for _ in range(20):
            written = threading.Event()
            producer.send(unique, "key", b"unasked\n")
            producer.send(unique, "key", b"asked\n", on_durable=written.set)
            wait_until(written.is_set)
    finally:
        producer.close()
