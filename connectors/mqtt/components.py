"""MQTT: the source that loses nothing, and the sink."""

import re
from collections.abc import Callable
from functools import partial
from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from connectors.base import ConnectorContext, ConnectorError, PushSource, Receiver, Sink, Writer
from connectors.mqtt.connection import MqttConnection
from connectors.runtime.optional_packages import needing
from operators.events import AlarmTransition, Event, Message
from operators.model.changes import as_announced
from operators.model.fields import text
from operators.model.template import Template

TOPIC_FILTER = re.compile(r"(?:(?:\+|[^+#/\0]*)/)*(?:\+|#|[^+#/\0]+|(?<=/))")
"""Levels between slashes: `+` alone, text without wildcards, and `#` alone at the end (MQTT 5,
section 4.7.1).
"""


class Mqtt(PushSource):
    """Receives messages from an MQTT broker.

    Delivery: at least once. A message is acknowledged to the broker when it is stored in the flow's
    own topic, so neither a crash nor an outage of Redpanda loses one; the broker keeps them
    meanwhile (its queue must allow it: with Mosquitto set `max_queued_messages 0` and `persistence
    true`). What the broker sends again is marked `redelivered` and counted. Retained messages,
    which are old news, are marked `retained`; with protocol 3.1.1 the broker sends them again after
    every reconnection.
    Back pressure: the broker sends no more than `receive_maximum` messages ahead of their
    acknowledgement.
    """

    NAME: ClassVar[str] = "mqtt"
    CONNECTION: ClassVar[type[MqttConnection]] = MqttConnection
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "mqtt: {topics: [sensor/#], qos: 1}",
        "mqtt: {topics: [zigbee2mqtt/+, zigbee2mqtt/+/availability, zigbee2mqtt/bridge/devices]}",
    )

    topics: list[str] = Field(
        description=(
            "Topics to subscribe to; `+` stands for one level, `#` at the end for all that follow."
        ),
        examples=[["sensor/#"]],
        min_length=1,
    )
    qos: Literal[0, 1, 2] = Field(
        1,
        description=(
            "Quality of service. 0 may lose messages; 2 is received as 1, which loses nothing"
            " either."
        ),
    )
    receive_maximum: int = Field(
        500,
        ge=1,
        le=65535,
        description=(
            "How many messages the broker may send ahead of their acknowledgement (MQTT 5)."
        ),
    )
    connection: str = Field("mqtt", description="Connection of the site file.")

    @field_validator("topics")
    @classmethod
    def _valid_filters(cls, topics: list[str]) -> list[str]:
        for topic in topics:
            if not TOPIC_FILTER.fullmatch(topic) or len(topic.encode()) > 65_535:
                raise ValueError(
                    f"{topic!r} is not a topic to subscribe to: '+' stands alone between slashes,"
                    " '#' only at the end"
                )
        return topics

    def receiver(
        self, context: ConnectorContext, write: Callable[[Message, Callable[[], None]], None]
    ) -> Receiver:
        """Make the receiver."""
        with needing(f"{context.name}: mqtt", "mqtt", "paho"):
            from connectors.mqtt.receiver import MqttReceiver

        return MqttReceiver(
            context, write, self.topics, self.qos, self.receive_maximum, self.connection
        )


class MqttSink(Sink):
    """Publishes events to an MQTT broker, as the map under `shape` or else as the event's JSON.

    Of alarms comes what is annunciated, unless `only: {change: ...}` chooses; with `discovery` all.
    The end of an alarm goes to each topic to which its start, or that it still stands, went.

    With `discovery: homeassistant` every signal and alarm appears in Home Assistant by itself, as
    an entity of the device that is its subject: numbers and texts as sensors, two-state metrics as
    binary sensors, the statistics of a window as a sensor each, alarms as binary sensors of the
    class `problem` that are on while the condition lasts, with `alarm_state`,
    `priority`, `message` and all else of the alarm as attributes. Occurrences are published, and no
    entities. Entities show as unavailable while the flow does not run. An entity whose device is
    gone is removed in Home Assistant.

    Delivery: at least once and in order with `qos` 1 or 2: what the broker has not confirmed is
    published again when it is back. With `qos` 0 the broker confirms nothing and an outage may lose
    events.
    Back pressure: up to 10,000 events wait while the broker is down, then the flow waits.
    """

    NAME: ClassVar[str] = "mqtt"
    CONNECTION: ClassVar[type[MqttConnection]] = MqttConnection
    FOR_PEOPLE: ClassVar[bool] = True
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        'mqtt: {topic: "home/alarm/{alarm}", retain: true}',
        "mqtt: {discovery: homeassistant}",
    )

    topic: str | None = Field(
        None,
        description=(
            "Topic to publish to; may hold `{field}`. Only with `discovery` it may be left out, for"
            " `vigie/FLOW/{subject}/{metric}` and `vigie/FLOW/{subject}/alarm/{alarm}`."
        ),
        examples=["home/alarm/{alarm}"],
    )
    retain: bool | None = Field(
        None,
        description=(
            "The broker keeps the last message of each topic for later subscribers. None is true"
            " with `discovery`."
        ),
    )
    qos: Literal[0, 1, 2] = Field(1, description="Quality of service.")
    discovery: Literal["homeassistant"] | None = Field(
        None,
        description="Announce signals and alarms to Home Assistant. Not together with `shape`.",
    )
    discovery_prefix: str = Field(
        "homeassistant",
        description=(
            "Home Assistant's discovery prefix; it says on `PREFIX/status` when it starts, and gets"
            " all entities again."
        ),
        pattern=r"^[^+#\s]+$",
    )
    connection: str = Field("mqtt", description="Connection of the site file.")

    @field_validator("topic")
    @classmethod
    def _valid_topic(cls, topic: str | None) -> str | None:
        if topic is None:
            return None
        Template(topic)
        if "#" in topic or "+" in topic:
            raise ValueError(f"{topic!r} cannot be published to: '+' and '#' are for subscriptions")
        return topic

    @model_validator(mode="after")
    def _has_a_topic(self) -> Self:
        if self.topic is None and self.discovery is None:
            raise ValueError("needs a 'topic', or 'discovery: homeassistant'")
        return self

    @property
    def tells_people(self) -> bool:
        """Home Assistant keeps the state of every alarm, masked or not."""
        return self.discovery is None

    def open(self, context: ConnectorContext) -> Writer:
        """Open the sink."""
        with needing(f"{context.name}: mqtt", "mqtt", "paho"):
            from connectors.mqtt.homeassistant import Discovery, own_topic
            from connectors.mqtt.publisher import MqttPublisher

        if self.discovery and context.shape:
            raise ConnectorError(
                f"{context.name}: 'discovery' publishes events as they are, so that Home Assistant"
                " can read them; leave 'shape' out, or give it a sink of its own"
            )
        owner = self._owner(context)
        status = "/".join(filter(None, (owner, context.share, "status")))
        discovery = Discovery(self.discovery_prefix, owner, status) if self.discovery else None
        topics: Callable[[Event], list[str]]
        if self.topic is not None:
            topics = partial(_topics, Template(self.topic), discovery is None)
        else:
            prefix = f"{owner.partition('/')[0]}/{context.flow}"
            topics = lambda event: [own_topic(prefix, event)]  # noqa: E731
        retain = bool(self.discovery) if self.retain is None else self.retain
        return MqttPublisher(context, topics, self.qos, retain, self.connection, discovery)

    @staticmethod
    def _owner(context: ConnectorContext) -> str:
        """What tells this sink from all others on the broker."""
        installation = (context.connection.client_id or "vigie").translate(
            str.maketrans("+#/", "___")
        )
        return f"{installation}/{context.flow}/{context.name}"


def _topics(template: Template, follows: bool, event: Event) -> list[str]:
    """The topic of an event; of an alarm's end each one to which its start was published."""
    told: list[Event] = [event]
    if follows and isinstance(event, AlarmTransition) and event.annunciation == "end":
        told = [as_announced(event, one) for one in event.told] or told
    return [*dict.fromkeys(text(template.render(one)) for one in told)]
