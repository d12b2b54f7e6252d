"""What a broker has, looked at from outside: nothing is made or changed."""

from kafka.errors import KafkaError

from connectors.base import NoAnswer
from connectors.kafka.admin import explain
from connectors.kafka.connection import TopicConnection
from connectors.kafka.open_consumer import open_consumer


def existing_topics(connection: TopicConnection) -> set[str]:
    """The topics that are there; raises `NoAnswer`."""
    try:
        with open_consumer(connection) as consumer:
            return set(consumer.topics())
    except (KafkaError, OSError) as error:
        raise NoAnswer(explain(error, connection)) from error
