"""MQTT: the source that loses nothing, and the sink."""

from typing import ClassVar, Literal

from pydantic import Field

from connectors.base import PushSource, Sink
from connectors.mqtt_client import MqttConnection


class Mqtt(PushSource):
    """Receives messages from an MQTT broker.

    Delivery: at least once. A message is acknowledged to the broker when it is stored in the flow's own topic, so
    neither a crash nor an outage of Redpanda loses one; the broker keeps them meanwhile (its queue must allow it: with
    Mosquitto set `max_queued_messages 0` and `persistence true`). What the broker sends again is marked `redelivered`
    and counted. Retained messages, which are old news, are marked `retained`.
    Back pressure: the broker sends no more than `receive_maximum` messages ahead of their acknowledgement.
    """

    NAME: ClassVar[str] = "mqtt"
    CONNECTION: ClassVar[type[MqttConnection]] = MqttConnection
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "mqtt: {topics: [sensor/#], qos: 1}",
        "mqtt: {topics: [zigbee2mqtt/+, zigbee2mqtt/+/availability]}",
    )

    topics: list[str] = Field(
        description="Topics to subscribe to; `+` stands for one level, `#` at the end for all that follow.",
        examples=[["sensor/#"]],
        min_length=1,
    )
    qos: Literal[0, 1, 2] = Field(
        1,
        description="Quality of service. 0 may lose messages; 2 is received as 1, which loses nothing either.",
    )
    receive_maximum: int = Field(
        500,
        ge=1,
        le=65535,
        description="How many messages the broker may send ahead of their acknowledgement (MQTT 5).",
    )
    connection: str = Field("mqtt", description="Connection of the site file.")


class MqttSink(Sink):
    """Publishes events to an MQTT broker, as the map under `shape` or else as the event's JSON.

    Delivery: at least once and in order with `qos` 1 or 2: what the broker has not confirmed is published again when it
    is back. With `qos` 0 the broker confirms nothing and an outage may lose events.
    Back pressure: up to 10,000 events wait while the broker is down, then the flow waits.
    """

    NAME: ClassVar[str] = "mqtt"
    CONNECTION: ClassVar[type[MqttConnection]] = MqttConnection
    EXAMPLES: ClassVar[tuple[str, ...]] = ('mqtt: {topic: "home/alarm/{alarm}", retain: true}',)

    topic: str = Field(description="Topic to publish to; may hold `{field}`.", examples=["home/alarm/{alarm}"])
    retain: bool = Field(False, description="The broker keeps the last message of each topic for later subscribers.")
    qos: Literal[0, 1, 2] = Field(1, description="Quality of service.")
    connection: str = Field("mqtt", description="Connection of the site file.")
