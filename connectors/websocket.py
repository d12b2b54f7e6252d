"""Live push: the sink whose events browsers and other clients see at once."""

from typing import ClassVar, Literal

from pydantic import Field

from connectors.base import Sink
from connectors.topic_client import TopicConnection
from operators.quantity import Some


class WebSocket(Sink):
    """Pushes events to the WebSocket clients that follow a channel, through the topic `vigie.push`.

    Delivery: at least once into the topic; a client gets what arrives while it is connected, and can ask for what it
    missed.
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
        description="Channel or list of channels; may hold `{field}`. An event without that field does not go there.",
        examples=["server_room", "page/{page}"],
    )
    first: Literal["nothing", "snapshot"] = Field(
        "snapshot", description="What a new client gets first: nothing, or the latest event of each subject."
    )
    connection: str = Field("redpanda", description="Connection of the site file.")
