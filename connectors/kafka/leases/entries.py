"""The topic of leases: what is said there, and by whom it is read."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from connectors.kafka.admin import ensure_topic
from connectors.kafka.connection import TopicConnection
from connectors.kafka.open_consumer import open_consumer
from connectors.kafka.producer_client import open_producer

POLL_MS = 250
Take = Callable[[str, bytes | None, float], None]
"""Gets the key and the value of a record, and when it was read, of a clock that never goes back."""


class Silence:
    """For how long nothing was said under each key, as one knows who listens all the time."""

    def __init__(self) -> None:
        self._began = self._until = 0.0
        self._last: dict[str, float] = {}

    def begin(self, now: float) -> None:
        """Listening begins, or begins again."""
        self._began = self._until = now
        self._last.clear()

    def take(self, key: str, now: float) -> None:
        """Something was said."""
        self._last[key] = now

    def listened(self, until: float) -> None:
        """All that was said until then was taken."""
        self._until = until

    def of(self, key: str) -> float:
        """Seconds; silence since one last listened does not count."""
        return max(0.0, self._until - self._last.get(key, self._began))


class Entries:
    """The one partition in which all that is said of leases has an order."""

    def __init__(self, connection: TopicConnection) -> None:
        self._connection = connection
        self._part = TopicPartition(connection.topic_names.leases, 0)

    def make(self) -> None:
        """Have the topic."""
        ensure_topic(self._connection, self._part.topic, 1, True)

    @contextmanager
    def reading(self, is_from_now: bool = False) -> Iterator[KafkaConsumer]:
        """A consumer of all that was said, or of what is said from now on."""
        with open_consumer(self._connection, fetch_max_wait_ms=POLL_MS) as consumer:
            consumer.assign([self._part])
            if is_from_now:
                consumer.seek(self._part, consumer.end_offsets([self._part])[self._part])
            else:
                consumer.seek_to_beginning(self._part)
            yield consumer

    @contextmanager
    def writing(self) -> Iterator[KafkaProducer]:
        """A producer of what is said."""
        client = open_producer(self._connection)
        try:
            yield client
        finally:
            client.close(timeout=1)

    def say(self, client: KafkaProducer, key: str, value: bytes | None, patience: float) -> None:
        """Write a record, and wait for so many seconds until the broker has it."""
        client.send(self._part.topic, value, key.encode(), partition=0).get(patience)

    def take(self, consumer: KafkaConsumer, take: Take) -> None:
        """Read what there is, to the end of the topic as it was when reading began."""
        end = consumer.end_offsets([self._part])[self._part]
        while True:
            for record in consumer.poll(POLL_MS).get(self._part, []):
                take((record.key or b"").decode(), record.value, time.monotonic())
            if consumer.position(self._part) >= end:
                return
