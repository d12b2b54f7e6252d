"""The running side of the push sink."""

from collections.abc import Sequence

import msgspec

from connectors.base import ConnectorContext
from connectors.kafka.connection import TopicConnection
from connectors.kafka.push_record import PushRecord
from connectors.kafka.writer import ProducerWriter
from operators.events import Event
from operators.model.fields import field, text
from operators.model.template import Template


class PushWriter(ProducerWriter):
    """Writes events to the push topic, once for each of the `channels` (texts with placeholders).

    `first` is what a new subscriber gets first.
    """

    def __init__(self, context: ConnectorContext, channels: Sequence[str], first: str) -> None:
        super().__init__(context, 1)
        self._first = msgspec.UNSET if first == "snapshot" else first
        connection: TopicConnection = context.connection
        self._topic = connection.topic_names.push
        self._channels = [
            (template, template.placeholders()) for template in map(Template, channels)
        ]
        self._encode = msgspec.json.Encoder().encode

    def write(self, events: list[Event]) -> None:
        """Queue events; one that no channel takes is counted as `without_channel`."""
        shape = self._context.shape
        for event in events:
            channels = self._channels_of(event)
            if not channels:
                self._context.count("without_channel", 1)
                continue
            subject = getattr(event, "subject", "")
            data = event if shape is None else shape(event)
            labels = getattr(event, "labels", {})
            page = getattr(event, "page", None) or labels.get("page") or msgspec.UNSET
            camera = labels.get("camera") or msgspec.UNSET
            for channel in channels:
                record = PushRecord(
                    channel=channel,
                    sink=self._context.name,
                    flow=self._context.flow,
                    id=event.id,
                    time=event.time,
                    subject=subject,
                    data=data,
                    shaped=shape is not None,
                    first=self._first,
                    page=page,
                    camera=camera,
                    trace=event.trace or msgspec.UNSET,
                )
                self._producer.send(self._topic, subject, self._encode(record) + b"\n", event=event)

    def _channels_of(self, event: Event) -> list[str]:
        return [
            text(template.render(event))
            for template, names in self._channels
            if not names or all(field(event, name) is not None for name in names)
        ]
