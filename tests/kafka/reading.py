"""Reading and writing topics in tests, and what was said meanwhile."""

from collections.abc import Callable
from typing import Any

from connectors.base import Reader
from connectors.kafka.components import Topic
from connectors.kafka.connection import TopicConnection
from operators.events import Event, Reading
from tests.connectors.recorder import Recorder
from tests.waiting import wait_until


class Following:
    """A source with all its partitions, driven as a flow does; `counts` are what it counted."""

    def __init__(
        self,
        connection: TopicConnection,
        topic: Topic,
        positions: dict[str, object] | None = None,
        partitions: list[str] | None = None,
    ) -> None:
        self._recorder = Recorder()
        self.counts, self.health = self._recorder.counts, self._recorder.health
        self.reports = self._recorder.reports
        self.events: list[Event] = []
        context = self._recorder.context("source", connection)
        names = partitions or topic.partitions(context)
        self.readers: dict[str, Reader] = {
            name: topic.open(context, name, (positions or {}).get(name)) for name in names
        }

    def look(self) -> list[Event]:
        for reader in self.readers.values():
            while batch := reader.read():
                self.events.extend(batch.events)
        return self.events

    def ids(self) -> list[str]:
        return [event.id for event in self.look()]

    def wait_for(self, condition: Callable[[list[str]], Any], what: str) -> list[str]:
        wait_until(lambda: condition(self.ids()), what=what)
        return self.ids()

    def positions(self) -> dict[str, object]:
        return {name: reader.position() for name, reader in self.readers.items()}

    def close(self) -> None:
        for reader in self.readers.values():
            reader.close()


def reading(number: int, subject: str = "rack", prefix: str = "r") -> Reading:
    return Reading(
        id=f"{prefix}{number}", time=1e9 + number, subject=subject, metric="temperature", value=20
    )
