"""Tables in topics as plain records, for a backup: read whole, and written back where missing."""

from kafka import TopicPartition
from kafka.errors import KafkaError

from connectors.base import NoAnswer
from connectors.kafka.admin import ensure_topic, explain
from connectors.kafka.connection import TopicConnection
from connectors.kafka.open_consumer import open_consumer
from connectors.kafka.producer_client import open_producer

Rows = dict[str, bytes]
"""The newest value of each key of a topic."""
PATIENCE_MS = 1000


def rows_of(connection: TopicConnection, topic: str) -> Rows:
    """The rows of a table as it stands; none where the topic is not there. Raises `NoAnswer`."""
    rows: Rows = {}
    try:
        with open_consumer(connection) as consumer:
            if topic not in consumer.topics():
                return rows
            numbers = consumer.partitions_for_topic(topic) or ()
            places = [TopicPartition(topic, number) for number in sorted(numbers)]
            ends = consumer.end_offsets(places)
            consumer.assign(places)
            consumer.seek_to_beginning(*places)
            while any(consumer.position(place) < ends[place] for place in places):
                for records in consumer.poll(PATIENCE_MS).values():
                    for record in records:
                        _keep(rows, record.key, record.value)
    except (KafkaError, OSError) as error:
        raise NoAnswer(explain(error, connection)) from error
    return rows


def _keep(rows: Rows, key: bytes | None, value: bytes | None) -> None:
    name = (key or b"").decode("utf-8", "replace")
    rows.pop(name, None)
    if value is not None:
        rows[name] = value


def put_missing(connection: TopicConnection, topic: str, rows: Rows) -> int:
    """Write the rows whose keys a table lacks; returns how many. Raises `NoAnswer`.

    What is there already is newer, and stays.
    """
    if not rows:
        return 0
    try:
        ensure_topic(connection, topic, 1, compact=True)
        there = rows_of(connection, topic)
        missing = {key: value for key, value in rows.items() if key not in there}
        producer = open_producer(connection)
        try:
            sent = [producer.send(topic, value, key.encode()) for key, value in missing.items()]
            producer.flush(30)
            for one in sent:
                one.get(0)
        finally:
            producer.close(5)
    except (KafkaError, OSError) as error:
        raise NoAnswer(explain(error, connection)) from error
    return len(missing)


def spans(connection: TopicConnection, topics: set[str]) -> dict[str, tuple[int, int]]:
    """First and next offset of each partition that is there, by `TOPIC/NUMBER`.

    Raises `NoAnswer`.
    """
    try:
        with open_consumer(connection) as consumer:
            places = [
                TopicPartition(topic, number)
                for topic in sorted(topics & set(consumer.topics()))
                for number in sorted(consumer.partitions_for_topic(topic) or ())
            ]
            lows, highs = consumer.beginning_offsets(places), consumer.end_offsets(places)
    except (KafkaError, OSError) as error:
        raise NoAnswer(explain(error, connection)) from error
    return {f"{one.topic}/{one.partition}": (lows[one], highs[one]) for one in places}
