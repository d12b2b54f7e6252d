"""Live push: the sink whose events browsers and other clients see at once."""

from typing import ClassVar, Literal

import msgspec
from pydantic import Field, field_validator

from connectors.base import ConnectorContext, Sink, Writer
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer, bury_too_large
from connectors.kafka.push_record import PushRecord
from operators.events import Event
from operators.model.fields import field, text
from operators.model.template import Template
from operators.model.units import Some


class WebSocket(Sink):
    """Pushes events to the WebSocket clients that follow a channel, through the topic `vigie.push`.

    Delivery: at least once into the topic; a client gets what arrives while it is connected, and
    can ask for what it missed.
    Back pressure: blocks the flow while the broker is down; slow clients never slow the flow.
    """

    NAME: ClassVar[str] = "websocket"
    SHORT: ClassVar[str] = "channel"
    CONNECTION: ClassVar[type[TopicConnection]] = TopicConnection
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "websocket: {channel: server_room}",
        'websocket: {channel: [events, "camera_{camera}"]}',
        'websocket: {channel: "page/{page}", first: snapshot}',
    )

    channel: Some = Field(
        description=(
            "Channel or list of channels; may hold `{field}`. An event without that field does not"
            " go there."
        ),
        examples=["server_room", "page/{page}"],
    )
    first: Literal["nothing", "snapshot"] = Field(
        "snapshot",
        description="What a new client gets first: nothing, or the latest event of each subject.",
    )
    connection: str = Field("redpanda", description="Connection of the site file.")

    @field_validator("channel")
    @classmethod
    def _readable(cls, value: Some) -> Some:
        for channel in [value] if isinstance(value, str) else value:
            if not channel:
                raise ValueError("a channel has a name, such as server_room")
            Template(channel)
        return value

    def open(self, context: ConnectorContext) -> Writer:
        """Open the sink."""
        return _PushWriter(self, context)


class _PushWriter:
    def __init__(self, sink: WebSocket, context: ConnectorContext) -> None:
        self._context = context
        self._first = msgspec.UNSET if sink.first == "snapshot" else sink.first
        connection: TopicConnection = context.connection
        self._topic = connection.topic_names.push
        channels = [sink.channel] if isinstance(sink.channel, str) else sink.channel
        self._channels = [
            (template, template.placeholders()) for template in map(Template, channels)
        ]
        self._producer = Producer(
            connection,
            context.health,
            context.name,
            partitions=1,
            stopping=context.stopping,
            strict=False,
        )
        self._encode = msgspec.json.Encoder().encode

    def write(self, events: list[Event]) -> None:
        shape = self._context.shape
        for event in events:
            channels = self._channels_of(event)
            if not channels:
                self._context.count("without_channel", 1)
                continue
            subject = getattr(event, "subject", "")
            data = event if shape is None else shape(event)
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
                )
                self._producer.send(self._topic, subject, self._encode(record) + b"\n", event=event)

    def _channels_of(self, event: Event) -> list[str]:
        return [
            text(template.render(event))
            for template, names in self._channels
            if not names or all(field(event, name) is not None for name in names)
        ]

    def flush(self) -> None:
        self._producer.flush(self._context.stopping)
        bury_too_large(self._producer, self._context)

    def close(self) -> None:
        self._producer.close()
