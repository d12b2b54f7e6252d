"""A client of the alarm topics: state and history of alarms, commands and their answers."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from connectors.base import ConnectorError, Health
from connectors.kafka.admin import ensure_topic, explain
from connectors.kafka.connection import TopicConnection
from connectors.kafka.open_consumer import open_consumer
from connectors.kafka.producer import Producer
from operators.events import AlarmTransition, Event, Occurrence, decode_lines

QUIET_AFTER = 0.5
"""Once one alarm has answered, so many seconds without another answer end the waiting."""

Key = tuple[str, str]


class AlarmTopics:
    """The topics of alarms, commands and answers of a site.

    Raises `ConnectorError` while no broker answers.
    """

    def __init__(self, connection: TopicConnection) -> None:
        self._connection = connection
        self._names = connection.topic_names

    def transitions(self, wanted: Callable[[AlarmTransition], bool]) -> Iterator[AlarmTransition]:
        """All that the topic still has, in order for each alarm, each once."""
        with self._reading() as consumer:
            places = _places(consumer, self._names.alarms)
            if not places:
                return
            consumer.assign(places)
            ends = consumer.end_offsets(places)
            consumer.seek_to_beginning(*places)
            seen: dict[Key, int] = {}
            while any(consumer.position(place) < end for place, end in ends.items()):
                for event in _events(consumer, 1.0):
                    if isinstance(event, AlarmTransition) and wanted(event):
                        key = (event.rule, event.subject)
                        if event.seq > seen.get(key, 0):
                            seen[key] = event.seq
                            yield event

    def states(self, wanted: Callable[[AlarmTransition], bool]) -> list[AlarmTransition]:
        """The latest transition of each alarm, but for what was removed and awaits nobody."""
        latest: dict[Key, AlarmTransition] = {}
        for event in self.transitions(wanted):
            latest[event.rule, event.subject] = event
        return [e for e in latest.values() if e.event != "removed" or e.isa != "A"]

    def ask(self, command: Occurrence, wait: float) -> list[Occurrence]:
        """Send a command and return its answers; empty if none came within `wait` seconds."""
        answers: list[Occurrence] = []
        try:
            ensure_topic(self._connection, self._names.alarm_commands, 1)
            ensure_topic(self._connection, self._names.alarm_replies, 1)
        except (KafkaError, OSError) as error:
            raise ConnectorError(explain(error, self._connection)) from error
        with self._reading() as consumer:
            places = _places(consumer, self._names.alarm_replies)
            consumer.assign(places)
            for place, end in consumer.end_offsets(places).items():
                consumer.seek(place, end)
            self._send(command)
            until = time.monotonic() + wait
            while time.monotonic() < until:
                found = [
                    e
                    for e in _events(consumer, 0.1)
                    if isinstance(e, Occurrence) and _answers(e, command)
                ]
                if found:
                    answers += found
                    until = time.monotonic() + (0.0 if command.subject else QUIET_AFTER)
        return answers

    def _send(self, command: Occurrence) -> None:
        producer = Producer(self._connection, Health(), "alarm commands", partitions=1)
        try:
            producer.send_events(self._names.alarm_commands, [command])
            producer.flush()
        finally:
            producer.close()

    @contextmanager
    def _reading(self) -> Iterator[KafkaConsumer]:
        try:
            with open_consumer(self._connection) as consumer:
                yield consumer
        except (KafkaError, OSError) as error:
            raise ConnectorError(explain(error, self._connection)) from error


def _places(consumer: KafkaConsumer, topic: str) -> list[TopicPartition]:
    return [
        TopicPartition(topic, number)
        for number in sorted(consumer.partitions_for_topic(topic) or ())
    ]


def _events(consumer: KafkaConsumer, seconds: float) -> Iterator[Event]:
    for records in consumer.poll(timeout_ms=int(seconds * 1000)).values():
        for record in records:
            if record.value:
                yield from decode_lines(record.value)


def _answers(answer: Occurrence, command: Occurrence) -> bool:
    return bool(answer.data.get("command") == command.id)
