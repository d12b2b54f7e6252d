"""Making topics on a real broker."""

from kafka import KafkaConsumer

from connectors.kafka.admin import ensure_topic
from connectors.kafka.connection import TopicConnection
from infra.embedded.broker import Broker
from tests.faults import killed_after_each_effect


def make_topics(connection: TopicConnection, names: list[str]) -> None:
    """What a flow with two topics does at its start."""
    for name in names:
        ensure_topic(connection, name, partitions=3)


def test_the_topics_that_a_killed_start_did_not_make_are_made_by_the_next(
    broker: Broker, unique: str
) -> None:
    connection = TopicConnection(brokers=[broker.address])

    def names(number: int) -> list[str]:
        return [f"{unique}.{number}.{name}" for name in ("first", "second")]

    for number in killed_after_each_effect(make_topics, lambda n: (connection, names(n))):
        make_topics(connection, names(number))
        consumer = KafkaConsumer(bootstrap_servers=broker.address)
        assert [consumer.partitions_for_topic(name) for name in names(number)] == [{0, 1, 2}] * 2
        consumer.close()
