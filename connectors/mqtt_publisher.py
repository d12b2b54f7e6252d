"""The sending side of MQTT: in order, and again until the broker has confirmed it."""

import threading
import time
from typing import Any

import msgspec
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from connectors.base import ConnectorContext
from connectors.mqtt_client import CONNECT_TIMEOUT, MqttConnection, explain_failure, explain_refusal, make_client
from connectors.queueing import BatchWriter, Retry
from operators.events import DeadLetter, Event
from operators.template import Template

QUOTA_EXCEEDED = 151
CONFIRM_TIMEOUT = 30.0


class MqttPublisher:
    """Writer of the MQTT sink: one connection, made anew whenever it breaks; what was not confirmed is sent again."""

    def __init__(
        self, context: ConnectorContext, topic: Template, qos: int, retain: bool, connection_name: str = "mqtt"
    ) -> None:
        self._context = context
        self._connection: MqttConnection = context.connection
        self._connection_name = connection_name
        self._topic = topic
        self._qos = qos
        self._retain = retain
        self._link: _Link | None = None
        self._writer = BatchWriter(
            context, self._deliver, max_events=500, max_wait=0.005, queue_bound=10_000, idle=self._stay_connected
        )
        self.write = self._writer.write
        self.flush = self._writer.flush

    def close(self) -> None:
        self._writer.close()
        self._drop()

    def _deliver(self, events: list[Event]) -> None:
        link = self._connected()
        sent: list[tuple[Event, int | None]] = []
        for event in events:
            topic = str(self._topic.render(event))
            if problem := _wrong_topic(topic):
                self._refuse(event, "bad_topic", f"{problem}: {topic!r} from {self._topic.source!r}")
                sent.append((event, None))
                continue
            sent.append((event, link.publish(topic, self._payload(event), self._qos, self._retain)))
        self._await(link, sent)

    def _await(self, link: "_Link", sent: list[tuple[Event, int | None]]) -> None:
        """Wait for the confirmations, in order; raises `Retry` when the connection breaks before the last one."""
        for number, (event, mid) in enumerate(sent):
            if mid is None:
                continue
            reason = link.confirmation(mid, lambda: self._writer.closed)
            if reason is None or reason.value == QUOTA_EXCEEDED:
                self._drop()
                raise Retry(link.broken or f"the MQTT broker {self._connection.url} confirms nothing", number)
            if reason.is_failure:
                self._refuse(event, "refused", f"the MQTT broker {self._connection.url} says {str(reason).lower()!r}")

    def _payload(self, event: Event) -> bytes:
        return msgspec.json.encode(self._context.shape(event) if self._context.shape else event)

    def _refuse(self, event: Event, reason: str, detail: str) -> None:
        self._context.dead_letter(
            DeadLetter(
                id=f"{event.id}/{self._context.name}",
                time=event.time,
                flow=self._context.flow,
                step=self._context.name,
                reason=reason,
                detail=detail,
                origin=self._context.name,
                payload=msgspec.json.encode(event),
            )
        )

    def _connected(self) -> "_Link":
        if self._link and not self._link.broken:
            return self._link
        broken = self._link.broken if self._link else None
        self._drop()
        client_id = f"{self._connection.client_id or 'vigie'}-{self._context.flow}-{self._context.name}-out"
        link = _Link(self._connection, self._connection_name, client_id)
        if not link.open(lambda: self._writer.closed):
            link.close()
            raise Retry(link.broken or broken or explain_failure(self._connection, None))
        self._link = link
        return link

    def _stay_connected(self) -> None:
        self._connected()

    def _drop(self) -> None:
        link, self._link = self._link, None
        if link:
            link.close()


class _Link:
    """One connection to the broker, from its opening until it breaks; then `broken` says why."""

    def __init__(self, connection: MqttConnection, connection_name: str, client_id: str) -> None:
        self.broken: str | None = None
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
        return self._up and not self.broken

    def publish(self, topic: str, payload: bytes, qos: int, retain: bool) -> int:
        return self._client.publish(topic, payload, qos, retain).mid

    def confirmation(self, mid: int, cancelled: Any) -> ReasonCode | None:
        """What the broker said about a message; None if the connection broke before it said anything."""
        if mid not in self._confirmed:
            self._wait(lambda: mid in self._confirmed, CONFIRM_TIMEOUT, cancelled)
        return self._confirmed.pop(mid, None)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _wait(self, done: Any, seconds: float, cancelled: Any) -> None:
        deadline = time.monotonic() + seconds
        with self._changed:
            while not (done() or self.broken or cancelled()) and time.monotonic() < deadline:
                self._changed.wait(0.2)

    # Called by paho's thread.

    def _on_connect(
        self, client: Client, userdata: Any, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        with self._changed:
            if reason.is_failure:
                self.broken = explain_refusal(self._connection, self._connection_name, self._client_id, reason)
            self._up = not reason.is_failure
            self._changed.notify_all()

    def _on_disconnect(
        self, client: Client, userdata: Any, flags: DisconnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        with self._changed:
            if flags.is_disconnect_packet_from_server:
                self.broken = explain_refusal(self._connection, self._connection_name, self._client_id, reason)
            self.broken = self.broken or f"the connection to the MQTT broker {self._connection.url} broke ({reason})"
            self._changed.notify_all()

    def _on_publish(
        self, client: Client, userdata: Any, mid: int, reason: ReasonCode, properties: Properties | None
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
