"""MQTT: the source that loses nothing, and the sink."""

import re
from collections.abc import Callable
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from connectors.base import ConnectorContext, Intake, PushSource, Sink, Writer
from connectors.mqtt_client import MqttConnection
from operators.events import Message
from operators.template import Template

TOPIC_FILTER = re.compile(r"(?:(?:\+|[^+#/\0]*)/)*(?:\+|#|[^+#/\0]+|(?<=/))")
"""Levels between slashes: `+` alone, text without wildcards, and `#` alone at the end (MQTT 5, section 4.7.1)."""


class Mqtt(PushSource):
    """Receives messages from an MQTT broker.

    Delivery: at least once. A message is acknowledged to the broker when it is stored in the flow's own topic, so
    neither a crash nor an outage of Redpanda loses one; the broker keeps them meanwhile (its queue must allow it: with
    Mosquitto set `max_queued_messages 0` and `persistence true`). What the broker sends again is marked `redelivered`
    and counted. Retained messages, which are old news, are marked `retained`; with protocol 3.1.1 the broker sends them
    again after every reconnection.
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

    @field_validator("topics")
    @classmethod
    def _valid_filters(cls, topics: list[str]) -> list[str]:
        for topic in topics:
            if not TOPIC_FILTER.fullmatch(topic) or len(topic.encode()) > 65_535:
                raise ValueError(
                    f"{topic!r} is not a topic to subscribe to: '+' stands alone between slashes, '#' only at the end"
                )
        return topics

    def intake(self, context: ConnectorContext, write: Callable[[Message, Callable[[], None]], None]) -> Intake:
        from connectors.mqtt_intake import MqttIntake

        return MqttIntake(context, write, self.topics, self.qos, self.receive_maximum, self.connection)


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

    @field_validator("topic")
    @classmethod
    def _valid_topic(cls, topic: str) -> str:
        Template(topic)
        if "#" in topic or "+" in topic:
            raise ValueError(f"{topic!r} cannot be published to: '+' and '#' are for subscriptions")
        return topic

    def open(self, context: ConnectorContext) -> Writer:
        from connectors.mqtt_publisher import MqttPublisher

        return MqttPublisher(context, Template(self.topic), self.qos, self.retain, self.connection)
