"""Listens to the topic of flows in a thread, and writes what is to be said of them."""

import logging
import threading
from collections.abc import Callable, Iterable

import msgspec
from kafka import KafkaConsumer, TopicPartition

from connectors.base import ConnectorContext, ConnectorError, Stopped
from connectors.kafka.admin import ensure_topic
from connectors.kafka.announcements.watch import Watch
from connectors.kafka.client_faults import ClientFaults
from connectors.kafka.connection import TopicConnection
from connectors.kafka.open_consumer import open_consumer
from connectors.runtime import steady_clock
from connectors.runtime.announcement import SETTINGS, TABLE, Announcement
from connectors.runtime.backoff import Backoff
from operators.events import Event, Row, received_lines

_log = logging.getLogger("vigie")
POLL_MS = 500
Write = Callable[[Event, Callable[[], None]], None]


class AnnouncementsReceiver:
    """Hears flows, and writes readings of them every few seconds.

    While it cannot hear itself, it says nothing of others: it begins to listen anew.
    """

    def __init__(self, context: ConnectorContext, write: Write, every: float) -> None:
        self._context, self._write, self._every = context, write, every
        self._broker: TopicConnection = context.connection
        self._watch = Watch(context.flow)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=context.name, daemon=True)

    def start(self) -> None:
        """Start to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Stop to listen."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        backoff, faults, name = Backoff(0.5, 10.0), ClientFaults(), self._context.name
        while not self._stopping.is_set():
            try:
                self._follow(backoff)
            except Stopped:
                return
            except Exception as error:
                if not isinstance(error, ConnectorError) and not faults.tolerates(name, error):
                    raise
                self._context.health.degraded(name, f"flows cannot be heard: {error}")
                self._stopping.wait(backoff.pause())

    def _follow(self, backoff: Backoff) -> None:
        topic = self._broker.topic_names.flows
        ensure_topic(self._broker, topic, 1, True, SETTINGS)
        with open_consumer(self._broker, fetch_max_wait_ms=POLL_MS) as consumer:
            part = TopicPartition(topic, 0)
            consumer.assign([part])
            consumer.seek_to_beginning(part)
            end = consumer.end_offsets([part])[part]
            now = steady_clock.now()
            self._watch.begin(now)
            self._context.health.up(self._context.name)
            due = now
            while not self._stopping.is_set() and not self._watch.is_deaf(now):
                self._take(consumer, part, end)
                now = steady_clock.now()
                if now >= due:
                    due = now + self._every
                    for reading in self._watch.readings(now):
                        self._write(reading, lambda: None)
                backoff.reset()

    def _take(self, consumer: KafkaConsumer, part: TopicPartition, end: int) -> None:
        for record in consumer.poll(timeout_ms=POLL_MS).get(part, []):
            now = steady_clock.now()
            for said in announcements(record.value or b""):
                self._watch.heard(said, now, record.offset >= end)


def announcements(value: bytes) -> Iterable[Announcement]:
    """What a record announces; nothing for one of another release."""
    try:
        events = received_lines(value)
        return [
            msgspec.convert(event.values, Announcement)
            for event in events
            if isinstance(event, Row) and event.table == TABLE
        ]
    except ValueError as error:
        _log.debug("expected announcements, got %.200r: %s", value, error)
        return []
