"""Fixtures of the tests that run flows."""

from collections.abc import Callable, Iterator

import pytest

from connectors.base import ConnectorContext, Reader
from connectors.kafka.components import Topic
from connectors.kafka.connection import TopicConnection
from operators.events import Event

Look = Callable[[], list[Event]]
Watch = Callable[[TopicConnection, str], Look]


@pytest.fixture
def topic() -> Iterator[Watch]:
    """`look = topic(connection, name)`; `look()` returns all events the topic has so far."""
    opened: list[Reader] = []

    def watch(connection: TopicConnection, name: str) -> Look:
        source = Topic(name=name)
        context = ConnectorContext(flow="test", name="look", connection=connection)
        readers = [source.open(context, part, None) for part in source.partitions(context)]
        opened.extend(readers)
        seen: list[Event] = []

        def look() -> list[Event]:
            for reader in readers:
                while batch := reader.read():
                    seen.extend(batch.events)
            return seen

        return look

    yield watch
    for reader in opened:
        reader.close()
