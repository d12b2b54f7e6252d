"""What sinks for evidence get from the flow: pictures, video, and a place for what they say."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from connectors.base import ConnectorContext, Polygon, Writer
from connectors.clickhouse.components import ClickHouse
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from flows.checks.event_kinds import Contents
from flows.language.model import Flow
from flows.language.picture_model import polygons
from flows.vision.picture_reader import PictureReader
from flows.vision.video_reader import video_reader
from operators.events import Occurrence

SINKS = ("snapshot", "clip")
KIND = "events"


class Evidence:
    """Pictures by their reference, and occurrences `evidence` for history and for the api.

    What sinks say goes to every table of events that the flow writes to, and to the topic of
    evidence.
    """

    def __init__(
        self, flow: Flow, broker: TopicConnection, producer: Producer, stopping: threading.Event
    ) -> None:
        self._topic = broker.topic_names.evidence
        self._producer = producer
        self._stopping = stopping
        self._pictures = PictureReader(broker)
        self._masks = masks_of(flow)
        self.is_made = any(sink.kind in SINKS for sink in flow.sinks.values())
        contents = Contents([flow], broker.topic_names)
        self._names = frozenset(
            name
            for name, sink in flow.sinks.items()
            if isinstance(sink.settings, ClickHouse)
            and KIND in (sink.settings.kind, contents.of_table(flow, name, sink.settings))
        )
        self._tables: list[Writer] = []

    def equip(self, context: ConnectorContext) -> ConnectorContext:
        """The context of a connector with what belongs to cameras."""
        return replace(
            context,
            picture=self._pictures.picture,
            video=video_reader(context.folder or Path()),
            tell=self.tell,
            masks=self._masks,
        )

    def opened(self, name: str, writer: Writer) -> None:
        """Learn of the writer of a sink."""
        if self.is_made and name in self._names:
            self._tables.append(writer)

    def tell(self, events: list[Occurrence]) -> None:
        """Return when what a sink says of evidence is durable. Thread-safe.

        Who hears of it by the topic finds it in the tables.
        """
        for table in self._tables:
            table.write(list(events))
        for table in self._tables:
            table.flush()
        self._producer.send_events(self._topic, list(events))
        self._producer.flush(self._stopping, self._topic)

    def close(self) -> None:
        """Close the connection for pictures."""
        self._pictures.close()


def masks_of(flow: Flow) -> Mapping[str, list[Polygon]]:
    """The zones that nobody may see, by camera."""
    found: dict[str, list[Polygon]] = {}
    for _, _, zone in polygons(flow.zones):
        if zone.privacy:
            found.setdefault(zone.camera, []).append(zone.points)
    return found
