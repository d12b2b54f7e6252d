"""Live push: the sink whose events browsers and other clients see at once."""

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from connectors.base import ConnectorContext, Sink, Writer
from connectors.kafka.connection import TopicConnection
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
    OUTSIDE: ClassVar[bool] = False
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
        from connectors.kafka.push_writer import PushWriter

        channels = [self.channel] if isinstance(self.channel, str) else self.channel
        return PushWriter(context, channels, self.first)
