"""Faults inside the Kafka client: the flow goes on with a new client, and says so."""

from collections.abc import Callable

import pytest
from kafka import KafkaConsumer, KafkaProducer

from connectors.base import Batch, ConnectorContext, ConnectorError, Health, Reader
from connectors.kafka import producer
from connectors.kafka.client_faults import TOLERATED, ClientFaults
from connectors.kafka.components import Topic
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from infra.embedded.broker import Broker
from operators.events import Reading
from tests.waiting import wait_until


@pytest.fixture
def connection(broker: Broker) -> TopicConnection:
    return TopicConnection(brokers=[broker.address], idempotence=False)


def reading(number: int) -> Reading:
    return Reading(id=f"r{number}", time=number, subject="rack", metric="temperature", value=20)


def failing(method: Callable[..., object], times: int) -> Callable[..., object]:
    """The method, which fails as kafka-python does where an answer meets a lost connection."""
    left = times

    def maybe(*arguments: object, **options: object) -> object:
        nonlocal left
        if left:
            left -= 1
            raise TypeError("'<=' not supported between instances of 'int' and 'NoneType'")
        return method(*arguments, **options)

    return maybe


def test_a_topic_is_read_on_after_its_client_failed_inside(
    connection: TopicConnection, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = _producer(connection)
    written.send_events(unique, [reading(1)])
    written.flush()
    context = ConnectorContext("yard", "readings", connection)
    source = Topic(name=unique, start="earliest", new_partitions=1)
    monkeypatch.setattr(KafkaConsumer, "poll", failing(KafkaConsumer.poll, 2))
    reader = source.open(context, source.partitions(context)[0], None)
    try:
        wait_until(lambda: [event.id for event in _events(reader)] == ["r1"], what="the reading")
    finally:
        reader.close()
        written.close()


def test_what_was_under_way_is_sent_after_the_client_failed_inside(
    connection: TopicConnection, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(producer.KafkaProducer, "send", failing(KafkaProducer.send, 2))
    written = _producer(connection)
    written.send_events(unique, [reading(1), reading(2)])
    written.flush()
    written.close()
    context = ConnectorContext("yard", "readings", connection)
    source = Topic(name=unique, start="earliest", new_partitions=1)
    reader = source.open(context, source.partitions(context)[0], None)
    try:
        found = wait_until(lambda: _events(reader), what="the readings")
        assert [event.id for event in found] == ["r1", "r2"]
    finally:
        reader.close()


def test_a_client_that_fails_again_and_again_ends_the_flow_and_says_why(
    connection: TopicConnection, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KafkaConsumer, "poll", failing(KafkaConsumer.poll, 1_000_000))
    context = ConnectorContext("yard", "readings", connection)
    source = Topic(name=unique, new_partitions=1)
    reader = source.open(context, source.partitions(context)[0], None)
    try:
        with pytest.raises(ConnectorError, match="readings: TypeError: '<=' not supported"):
            wait_until(lambda: reader.read(), what="the fault")
    finally:
        reader.close()


def test_a_few_faults_in_a_minute_are_tolerated_and_more_are_not() -> None:
    faults = ClientFaults()
    answers = [faults.tolerates("readings", KeyError("x")) for _ in range(TOLERATED + 1)]
    assert answers == [True] * TOLERATED + [False]


def _producer(connection: TopicConnection) -> Producer:
    return Producer(connection, Health(), "p", partitions=1)


def _events(reader: Reader) -> list[Reading]:
    batch: Batch | None = reader.read()
    return [event for event in batch.events if isinstance(event, Reading)] if batch else []
