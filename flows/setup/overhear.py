"""Sources as they are now, overheard: no session, position or topic stays behind.

A flow that runs meanwhile loses nothing by it.
"""

import queue
import random
import threading
from pathlib import Path
from typing import Any, Protocol

from connectors.base import ConnectorContext, Health, PictureSource
from connectors.config.site import Site
from connectors.kafka.components import Topic
from connectors.kafka.connection import TopicConnection
from connectors.kafka.inspection import existing_topics
from connectors.mariadb.components import MariadbBinlog
from connectors.mariadb.connection import MariadbConnection
from connectors.mqtt.components import Mqtt
from connectors.runtime.optional_packages import needing
from connectors.simulate.components import Simulate
from operators.events import DeadLetter, Event, Message

SERVER_IDS = (3_000_000_000, 4_000_000_000)
"""Replica numbers of listeners: a flow's own are made of its name."""

MOST_BATCHES = 100


class CannotListen(Exception):
    """A source that cannot be overheard; the message says why, and what helps."""


class Listening(Protocol):
    """One source that is overheard."""

    def read(self) -> list[Event]:
        """What came since the last call; never blocks."""

    def close(self) -> None:
        """Stop listening."""


class Overhearing:
    """What all overheard sources of one site share. `letters` are what readers refused."""

    def __init__(self, site: Site, flow: str, folder: Path, tables: Any = None) -> None:
        self.health = Health()
        self.stopping = threading.Event()
        self.letters: list[DeadLetter] = []
        self._site = site
        self._flow = flow
        self._folder = folder
        self._tables = tables or {}

    def open(self, name: str, source: Any) -> Listening:
        """Listen to a source; raises `CannotListen`, `NoAnswer` and `ConnectorError`."""
        source = self._site.fill(source)
        if isinstance(source, Mqtt):
            return _Mqtt(self._context(name, source), source)
        if isinstance(source, Topic):
            return self._topic(name, source)
        if isinstance(source, MariadbBinlog | Simulate):
            return self._readers(name, source)
        return self._intake(name, source)

    def close(self) -> None:
        """Let what waits end."""
        self.stopping.set()

    def _context(self, name: str, source: Any) -> ConnectorContext:
        model = source.CONNECTION
        connection = self._site.connection(source.connection, model) if model else None
        if isinstance(connection, MariadbConnection):
            number = random.randrange(*SERVER_IDS)  # noqa: S311
            connection = connection.model_copy(update={"server_id": number})
        return ConnectorContext(
            flow=self._flow,
            name=name,
            connection=connection,
            stopping=self.stopping,
            health=self.health,
            dead_letter=self.letters.append,
            tables=self._tables,
            timezone=self._site.zone,
            folder=self._folder,
            share="listening",
        )

    def _topic(self, name: str, source: Topic) -> Listening:
        context = self._context(name, source)
        missing = sorted(set(source.topics()) - existing_topics(context.connection))
        if missing:
            raise CannotListen(
                f"there is no topic {missing[0]!r} yet: start the flow that writes it, or correct"
                " its name"
            )
        start = source if source.table else source.model_copy(update={"start": "latest"})
        return self._readers(name, start, context)

    def _intake(self, name: str, source: Any) -> Listening:
        """A source whose senders wait is heard at the flow's own topic, where the flow runs."""
        broker = self._site.connection("redpanda", TopicConnection)
        topic = broker.topic_names.of_source(self._flow, name)
        try:
            return self._topic(name, Topic(name=topic, start="latest"))
        except CannotListen:
            why = (
                "looks at its cameras in a running flow only"
                if isinstance(source, PictureSource)
                else "is received by a running flow only, for its senders would take it for stored"
            )
            raise CannotListen(
                f"{source.NAME} {why}: start the flow {self._flow!r}, and what comes is heard in"
                f" {topic}"
            ) from None

    def _readers(
        self, name: str, source: Any, context: ConnectorContext | None = None
    ) -> Listening:
        context = context or self._context(name, source)
        parts = source.partitions(context)
        return _Readers([source.open(context, part, None) for part in parts])


class _Mqtt:
    def __init__(self, context: ConnectorContext, source: Mqtt) -> None:
        with needing(f"{context.name}: mqtt", "mqtt", "paho"):
            from connectors.mqtt.listener import MqttListener

        self._queue: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._listener = MqttListener(context, source.topics, self._queue.put, source.connection)
        self._listener.start()

    def read(self) -> list[Event]:
        """What came since the last call."""
        return [self._queue.get_nowait() for _ in range(self._queue.qsize())]

    def close(self) -> None:
        """Leave the broker."""
        self._listener.stop()


class _Readers:
    def __init__(self, readers: list[Any]) -> None:
        self._readers = readers

    def read(self) -> list[Event]:
        """What is ready, in the order of the partitions."""
        found: list[Event] = []
        for reader in self._readers:
            for _ in range(MOST_BATCHES):
                if (batch := reader.read()) is None:
                    break
                found += batch.events
        return found

    def close(self) -> None:
        """Close all partitions."""
        for reader in self._readers:
            reader.close()
