"""All that stands in a topic when it is asked for, read from outside: nothing is kept."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from kafka import TopicPartition
from kafka.errors import KafkaError

from connectors.kafka.admin import explain
from connectors.kafka.connection import TopicConnection
from connectors.kafka.log.content import arrow_version
from connectors.kafka.log.position import Position
from connectors.kafka.log.topic_log import TopicLog
from connectors.kafka.open_consumer import open_consumer

READ_SECONDS = 20.0


class Unreachable(Exception):
    """The broker does not answer; the message is for people."""


class Written(NamedTuple):
    """A record: where it stands, when it was written (epoch seconds), and what it says of itself.

    `arrow` is the version of the schema of one that holds Arrow; None of JSON lines.
    """

    partition: int
    offset: int
    time: float
    value: bytes
    arrow: bytes | None


@contextmanager
def reaching(connection: TopicConnection) -> Iterator[None]:
    """Raise `Unreachable` in place of what a client raises."""
    try:
        yield
    except (KafkaError, OSError) as error:
        raise Unreachable(explain(error, connection)) from error


def contents(connection: TopicConnection, topic: str, last: int | None = None) -> Iterator[Written]:
    """The records of a topic up to its present ends; none if it does not exist.

    With `last`, so many at the end of each partition. Raises `Unreachable`.
    """
    with reaching(connection):
        with open_consumer(connection) as consumer:
            if topic not in consumer.topics():
                return
            partitions = [
                TopicPartition(topic, number)
                for number in sorted(consumer.partitions_for_topic(topic) or ())
            ]
            ends = consumer.end_offsets(partitions)
            begins = consumer.beginning_offsets(partitions)
        first = {
            tp: begins[tp] if last is None else max(begins[tp], ends[tp] - last)
            for tp in partitions
            if ends[tp] > begins[tp]
        }
        positions = {tp: Position(offset) for tp, offset in first.items()}
        with open_consumer(connection, auto_offset_reset="none") as consumer:
            log = TopicLog(consumer, positions, records="whole")
            yield from _read(log, topic, {tp: ends[tp] for tp in first})


def _read(log: TopicLog, topic: str, ends: dict[TopicPartition, int]) -> Iterator[Written]:
    deadline = time.monotonic() + READ_SECONDS
    while any((at := log.position(tp)) is None or at.offset < end for tp, end in ends.items()):
        polled = log.poll(200)
        if polled:
            deadline = time.monotonic() + READ_SECONDS
        elif time.monotonic() > deadline:
            raise Unreachable(f"the broker stopped answering while {topic} was read; try again")
        for records in polled.values():
            for record in records:
                if record.value is not None:
                    written = record.timestamp / 1000
                    version = arrow_version(record.headers)
                    yield Written(record.partition, record.offset, written, record.value, version)
