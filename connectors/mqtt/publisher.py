"""The sending side of MQTT: in order, and again until the broker has confirmed it."""

from collections.abc import Callable

from connectors.base import ConnectorContext
from connectors.mqtt.client import explain_failure
from connectors.mqtt.connection import MqttConnection
from connectors.mqtt.homeassistant import Discovery
from connectors.mqtt.network_connection import NetworkConnection
from connectors.runtime.batch_writer import BatchWriter
from connectors.runtime.body import body_of
from connectors.runtime.threaded_writer import Retry
from operators.events import Event

QUOTA_EXCEEDED = 151
AROUND = 10
"""Bytes of a PUBLISH packet around topic and payload."""


class MqttPublisher:
    """Writer of the MQTT sink: one connection, and every message again until confirmed."""

    def __init__(
        self,
        context: ConnectorContext,
        topics: Callable[[Event], list[str]],
        qos: int,
        retain: bool,
        connection_name: str = "mqtt",
        discovery: Discovery | None = None,
    ) -> None:
        """`topics` gives an event's topics; `discovery` announces entities before their states."""
        self._context = context
        self._connection: MqttConnection = context.connection
        self._connection_name = connection_name
        self._topics = topics
        self._qos = qos
        self._retain = retain
        self._discovery = discovery
        self._broker: NetworkConnection | None = None
        self._writer = BatchWriter(
            context,
            self._deliver,
            max_events=500,
            max_wait=0.005,
            queue_bound=10_000,
            idle=self._stay_connected,
        )
        self.write = self._writer.write
        self.flush = self._writer.flush

    def close(self) -> None:
        """Disconnect."""
        self._writer.close()
        self._drop()

    def _deliver(self, events: list[Event]) -> None:
        broker = self._connected()
        sent: list[tuple[Event, list[int]]] = []
        for event in events:
            wanted = self._topics(event)
            topics = [topic for topic in wanted if not _wrong_topic(topic)]
            if not topics:
                problem = f"{_wrong_topic(wanted[0])}: {wanted[0]!r}"
                self._context.refuse(event, "bad_topic", problem)
                sent.append((event, []))
                continue
            payload = self._payload(event)
            if large := _too_large(max(topics, key=len), payload, broker.largest):
                self._context.refuse(event, "too_large", large)
                sent.append((event, []))
                continue
            try:
                news = self._discovery.of(event, topics[0]) if self._discovery else []
            except ValueError as error:
                self._context.refuse(event, "bad_topic", str(error))
                sent.append((event, []))
                continue
            mids = [broker.publish(news_topic, about, 1, True) for news_topic, about in news]
            mids += [broker.publish(topic, payload, self._qos, self._retain) for topic in topics]
            sent.append((event, mids))
        self._confirm(broker, sent)

    def _confirm(self, broker: NetworkConnection, sent: list[tuple[Event, list[int]]]) -> None:
        """Wait for the confirmations, in order; raises `Retry` if the connection breaks first."""
        broker.await_confirmations(
            {mid for _, mids in sent for mid in mids}, lambda: self._writer.closed
        )
        for number, (event, mids) in enumerate(sent):
            failure = None
            for mid in mids:
                reason = broker.confirmation(mid)
                if reason is None or reason.value == QUOTA_EXCEEDED:
                    self._drop()
                    raise Retry(
                        broker.broken or f"the MQTT broker {self._connection.url} confirms nothing",
                        number,
                        suspect=reason is None,
                    )
                failure = reason if reason.is_failure else failure
            if failure is not None:
                self._context.refuse(
                    event,
                    "refused",
                    f"the MQTT broker {self._connection.url} says {str(failure).lower()!r}",
                )

    def _payload(self, event: Event) -> bytes:
        return body_of(event, self._context)

    def _connected(self) -> NetworkConnection:
        if self._broker and not self._broker.broken:
            self._answer_birth(self._broker)
            return self._broker
        broken = self._broker.broken if self._broker else None
        self._drop()
        name = "-".join(
            filter(None, (self._context.flow, self._context.name, self._context.share, "out"))
        )
        client_id = f"{self._connection.client_id or 'vigie'}-{name}"
        broker = NetworkConnection(
            self._connection, self._connection_name, client_id, self._discovery
        )
        if self._discovery:
            self._discovery.forget()
        if not broker.open(lambda: self._writer.closed):
            broker.close()
            raise Retry(broker.broken or broken or explain_failure(self._connection, None))
        self._broker = broker
        return broker

    def _answer_birth(self, broker: NetworkConnection) -> None:
        """Announce all entities to a Home Assistant that has just started."""
        if self._discovery and broker.born.is_set():
            broker.born.clear()
            for topic, payload in self._discovery.all():
                broker.publish(topic, payload, 1, True)

    def _stay_connected(self) -> None:
        self._connected()

    def _drop(self) -> None:
        broker, self._broker = self._broker, None
        if broker:
            broker.close()


def _too_large(topic: str, payload: bytes, largest: int | None) -> str | None:
    size = len(topic.encode()) + len(payload) + AROUND
    if largest is None or size <= largest:
        return None
    return f"its message has {size:,} bytes, and the broker takes {largest:,}"


def _wrong_topic(topic: str) -> str | None:
    if not topic.strip("/"):
        return "the topic is empty, perhaps a field of it is missing"
    if "+" in topic or "#" in topic or "\0" in topic:
        return "a topic to publish to holds no '+' and no '#'"
    if len(topic.encode()) > 65535:
        return "a topic has at most 65,535 bytes"
    return None
