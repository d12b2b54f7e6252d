"""The sending side of MQTT: in order, and again until the broker has confirmed it."""

import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from connectors.base import ConnectorContext
from connectors.mqtt.connection import (
    CONNECT_TIMEOUT,
    MqttConnection,
    explain_failure,
    explain_refusal,
    make_client,
)
from connectors.mqtt.homeassistant import Discovery
from connectors.runtime.batch_writer import BatchWriter
from connectors.runtime.threaded_writer import Retry
from operators.events import Event

QUOTA_EXCEEDED = 151
CONFIRM_TIMEOUT = 30.0
LEAVE_TIMEOUT = 2.0
ONLINE, OFFLINE = b"online", b"offline"


class MqttPublisher:
    """Writer of the MQTT sink: one connection, and every message again until confirmed."""

    def __init__(
        self,
        context: ConnectorContext,
        topic: Callable[[Event], str],
        qos: int,
        retain: bool,
        connection_name: str = "mqtt",
        discovery: Discovery | None = None,
    ) -> None:
        """`topic` gives an event's topic; `discovery` announces entities before their states."""
        self._context = context
        self._connection: MqttConnection = context.connection
        self._connection_name = connection_name
        self._topic = topic
        self._qos = qos
        self._retain = retain
        self._discovery = discovery
        self._link: _Link | None = None
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
        link = self._connected()
        sent: list[tuple[Event, list[int]]] = []
        for event in events:
            topic = self._topic(event)
            if problem := _wrong_topic(topic):
                self._context.refuse(event, "bad_topic", f"{problem}: {topic!r}")
                sent.append((event, []))
                continue
            try:
                news = self._discovery.of(event, topic) if self._discovery else []
            except ValueError as error:
                self._context.refuse(event, "bad_topic", str(error))
                sent.append((event, []))
                continue
            mids = [link.publish(news_topic, payload, 1, True) for news_topic, payload in news]
            sent.append(
                (event, [*mids, link.publish(topic, self._payload(event), self._qos, self._retain)])
            )
        self._await(link, sent)

    def _await(self, link: "_Link", sent: list[tuple[Event, list[int]]]) -> None:
        """Wait for the confirmations, in order; raises `Retry` if the connection breaks first."""
        for number, (event, mids) in enumerate(sent):
            failure = None
            for mid in mids:
                reason = link.confirmation(mid, lambda: self._writer.closed)
                if reason is None or reason.value == QUOTA_EXCEEDED:
                    self._drop()
                    raise Retry(
                        link.broken or f"the MQTT broker {self._connection.url} confirms nothing",
                        number,
                    )
                failure = reason if reason.is_failure else failure
            if failure is not None:
                self._context.refuse(
                    event,
                    "refused",
                    f"the MQTT broker {self._connection.url} says {str(failure).lower()!r}",
                )

    def _payload(self, event: Event) -> bytes:
        return msgspec.json.encode(self._context.shape(event) if self._context.shape else event)

    def _connected(self) -> "_Link":
        if self._link and not self._link.broken:
            self._greet(self._link)
            return self._link
        broken = self._link.broken if self._link else None
        self._drop()
        name = "-".join(
            filter(None, (self._context.flow, self._context.name, self._context.share, "out"))
        )
        client_id = f"{self._connection.client_id or 'vigie'}-{name}"
        link = _Link(self._connection, self._connection_name, client_id, self._discovery)
        if self._discovery:
            self._discovery.forget()
        if not link.open(lambda: self._writer.closed):
            link.close()
            raise Retry(link.broken or broken or explain_failure(self._connection, None))
        self._link = link
        return link

    def _greet(self, link: "_Link") -> None:
        """Announce all entities to a Home Assistant that has just started."""
        if self._discovery and link.born.is_set():
            link.born.clear()
            for topic, payload in self._discovery.all():
                link.publish(topic, payload, 1, True)

    def _stay_connected(self) -> None:
        self._connected()

    def _drop(self) -> None:
        link, self._link = self._link, None
        if link:
            link.close()


class _Link:
    """One connection to the broker, from its opening until it breaks; then `broken` says why."""

    def __init__(
        self,
        connection: MqttConnection,
        connection_name: str,
        client_id: str,
        discovery: Discovery | None,
    ) -> None:
        self.broken: str | None = None
        self.born = threading.Event()
        self._discovery = discovery
        self._connection = connection
        self._connection_name = connection_name
        self._client_id = client_id
        self._up = False
        self._confirmed: dict[int, ReasonCode] = {}
        self._changed = threading.Condition()
        self._client = make_client(connection, client_id, manual_ack=False, reconnect=False)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        if discovery:
            self._client.will_set(discovery.status_topic, OFFLINE, qos=1, retain=True)
            self._client.on_message = self._on_message

    def open(self, cancelled: Any) -> bool:
        host, port = self._connection.address
        try:
            if self._connection.protocol == "5":
                self._client.connect(host, port, self._connection.keepalive, clean_start=True)
            else:
                self._client.connect(host, port, self._connection.keepalive)
        except OSError as error:
            self.broken = explain_failure(self._connection, error)
            return False
        self._client.loop_start()
        self._wait(lambda: self._up, CONNECT_TIMEOUT, cancelled)
        if not self._up or self.broken:
            return False
        if self._discovery:
            self._client.subscribe(self._discovery.birth_topic, qos=1)
            self._client.publish(self._discovery.status_topic, ONLINE, qos=1, retain=True)
        return True

    def publish(self, topic: str, payload: bytes, qos: int, retain: bool) -> int:
        return self._client.publish(topic, payload, qos, retain).mid

    def confirmation(
        self, mid: int, cancelled: Any, seconds: float = CONFIRM_TIMEOUT
    ) -> ReasonCode | None:
        """The broker's answer to a message; None if the connection broke before it."""
        if mid not in self._confirmed:
            self._wait(lambda: mid in self._confirmed, seconds, cancelled)
        return self._confirmed.pop(mid, None)

    def close(self) -> None:
        if self._discovery and self._up and not self.broken:
            leaving = self._client.publish(
                self._discovery.status_topic, OFFLINE, qos=1, retain=True
            ).mid
            self.confirmation(leaving, lambda: False, LEAVE_TIMEOUT)
        self._client.disconnect()
        self._client.loop_stop()

    def _wait(self, done: Any, seconds: float, cancelled: Any) -> None:
        deadline = time.monotonic() + seconds
        with self._changed:
            while not (done() or self.broken or cancelled()) and time.monotonic() < deadline:
                self._changed.wait(0.2)

    # Called by paho's thread.

    def _on_connect(
        self,
        client: Client,
        userdata: Any,
        flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        with self._changed:
            if reason.is_failure:
                self.broken = explain_refusal(
                    self._connection, self._connection_name, self._client_id, reason
                )
            self._up = not reason.is_failure
            self._changed.notify_all()

    def _on_disconnect(
        self,
        client: Client,
        userdata: Any,
        flags: DisconnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        with self._changed:
            if flags.is_disconnect_packet_from_server:
                self.broken = explain_refusal(
                    self._connection, self._connection_name, self._client_id, reason
                )
            self.broken = (
                self.broken
                or f"the connection to the MQTT broker {self._connection.url} broke ({reason})"
            )
            self._changed.notify_all()

    def _on_message(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        if message.payload == ONLINE and not message.retain:
            self.born.set()

    def _on_publish(
        self,
        client: Client,
        userdata: Any,
        mid: int,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        with self._changed:
            self._confirmed[mid] = reason
            self._changed.notify_all()


def _wrong_topic(topic: str) -> str | None:
    if not topic.strip("/"):
        return "the topic is empty, perhaps a field of it is missing"
    if "+" in topic or "#" in topic or "\0" in topic:
        return "a topic to publish to holds no '+' and no '#'"
    if len(topic.encode()) > 65535:
        return "a topic has at most 65,535 bytes"
    return None
