"""The receiving side of MQTT: what comes in is acknowledged when it is stored, and not before."""

import collections
import contextlib
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, topic_matches_sub
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from connectors.base import ConnectorContext, ConnectorError
from connectors.mqtt.client import (
    explain_failure,
    explain_refusal,
    explain_silence,
    explain_subscription,
    make_client,
)
from connectors.mqtt.connection import MqttConnection
from connectors.runtime import steady_clock
from operators.events import Message

GATHER = 0.01
RECONNECT_DELAY = (1, 10)
TAKEN_OVER_DELAY = (10, 60)
"""Seconds between connections when another client has the client id: the two shall not fight
every second.
"""
TAKEN_OVER = 142
QUICK_BREAKS, QUICK_SECONDS = 3, 30.0
"""Many brokers just close a connection whose client id is taken (MQTT 5's reason code is rare):
so many in that time mean it.
"""

TOPICS_REMEMBERED = 10_000
UNACKNOWLEDGED_QUEUE = 10_000
"""Messages of QoS 0 that may wait; they have no acknowledgement that would hold the broker back."""

Write = Callable[[Message, Callable[[], None]], None]


@dataclass(slots=True)
class _Pending:
    """An unacknowledged message by its packet id, and the connection it came on last."""

    topic: str
    payload: bytes
    connection_number: int
    stored: bool = False


_Item = tuple[Message, int, _Pending | None]


class MqttReceiver:
    """One subscription with a persistent session under a fixed client id.

    paho's thread only puts messages into a queue; a second thread hands them to `write`, which may
    block. When `write` says that a message is stored, it is acknowledged on the connection it came
    on: packet ids mean nothing on another one. If the connection broke before, the broker sends the
    message again; one that is still being stored is not written twice.
    """

    def __init__(
        self,
        context: ConnectorContext,
        write: Write,
        topics: list[str],
        qos: int,
        receive_maximum: int,
        connection_name: str = "mqtt",
        now: Callable[[], float] = steady_clock.now,
    ) -> None:
        self._context = context
        self._connection: MqttConnection = context.connection
        self._write = write
        self._topics = topics
        self._filters = [t.split("/", 2)[2] if t.startswith("$share/") else t for t in topics]
        self._qos = min(qos, 1)
        self._receive_maximum = receive_maximum
        self._connection_name = connection_name
        self._now = now
        self.client_id = f"{self._connection.client_id or 'vigie'}-{context.flow}-{context.name}"
        self._run_id = f"{self.client_id}/{int(now() * 1000):x}"
        self._received = 0
        self._wanted: dict[str, bool] = {}
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._pending: dict[int, _Pending] = {}
        self._connection_number = 0
        self._accepted = False
        self._client: Client | None = None
        self._worker: threading.Thread | None = None

    def start(self) -> None:
        """Connect in the background."""
        client = make_client(self._connection, self.client_id, manual_ack=True, reconnect=True)
        client.reconnect_delay_set(*RECONNECT_DELAY)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        self._client = client
        self._breaks: collections.deque[float] = collections.deque(maxlen=QUICK_BREAKS)
        self._worker = threading.Thread(
            target=self._store, name=f"intake {self._context.name}", daemon=True
        )
        self._worker.start()
        host, port = self._connection.address
        if self._connection.protocol == "5":
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = self._connection.session_expiry
            properties.ReceiveMaximum = self._receive_maximum
            client.connect_async(
                host, port, self._connection.keepalive, clean_start=False, properties=properties
            )
        else:
            client.connect_async(host, port, self._connection.keepalive)
        client.loop_start()

    def stop(self) -> None:
        """Disconnect; what is not stored yet is not acknowledged."""
        if self._client:
            self._client.disconnect()
            self._client.loop_stop()
        self._queue.put(None)
        if self._worker:
            self._worker.join(2)

    # Called by paho's thread; an exception in here would end it without a word.

    def _on_connect(
        self,
        client: Client,
        userdata: Any,
        flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._degraded(
                explain_refusal(self._connection, self._connection_name, self.client_id, reason)
            )
            return
        self._accepted = True
        with self._lock:
            self._connection_number += 1
            if not flags.session_present:
                self._pending.clear()
        if self._connection.protocol == "5":
            options = SubscribeOptions(
                qos=self._qos, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB
            )
            code, _ = client.subscribe([(topic, options) for topic in self._topics])
        else:
            code, _ = client.subscribe([(topic, self._qos) for topic in self._topics])
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._degraded(
                f"the subscription could not be sent to {self._connection.url}; trying again"
            )

    def _on_subscribe(
        self,
        client: Client,
        userdata: Any,
        mid: int,
        reasons: list[ReasonCode],
        properties: Properties | None,
    ) -> None:
        refused = explain_subscription(self._connection, self._topics, reasons)
        if refused is None:
            self._context.health.up(self._context.name)
        else:
            self._degraded(refused)

    def _on_connect_fail(self, client: Client, userdata: Any) -> None:
        self._degraded(explain_failure(self._connection, sys.exc_info()[1]))

    def _on_disconnect(
        self,
        client: Client,
        userdata: Any,
        flags: DisconnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        was_accepted, self._accepted = self._accepted, False
        with self._lock:
            self._connection_number += 1
        if was_accepted and reason.is_failure:
            self._breaks.append(time.monotonic())
        quick = (
            len(self._breaks) == QUICK_BREAKS and self._breaks[-1] - self._breaks[0] < QUICK_SECONDS
        )
        taken_over = reason.value == TAKEN_OVER or quick
        client.reconnect_delay_set(*(TAKEN_OVER_DELAY if taken_over else RECONNECT_DELAY))
        if taken_over:
            self._context.count("session_taken_over", 1)
        if quick:
            taken = ReasonCode(PacketTypes.DISCONNECT, "Session taken over")
            self._degraded(
                explain_refusal(self._connection, self._connection_name, self.client_id, taken)
            )
        elif flags.is_disconnect_packet_from_server:
            self._degraded(
                explain_refusal(self._connection, self._connection_name, self.client_id, reason)
            )
        elif reason.is_failure and was_accepted:
            self._degraded(
                f"the connection to the MQTT broker {self._connection.url} broke ({reason});"
                " connecting again"
            )
        elif reason.is_failure and self._context.name not in self._context.health.down:
            self._degraded(explain_silence(self._connection))

    def _on_message(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = repr(message._topic)[2:-1]
        if not self._is_wanted(topic):
            # the session still holds a subscription of an earlier definition
            self._context.count("not_subscribed", 1)
            client.ack(message.mid, message.qos)
            return
        if message.qos == 0 and self._queue.qsize() > UNACKNOWLEDGED_QUEUE:
            self._context.count("dropped_qos0", 1)
            return
        pending = None
        if message.qos:
            pending = self._expect(client, topic, message)
            if pending is None:
                return
        if message.retain:
            self._context.count("retained", 1)
        self._received += 1
        made = Message(
            id=f"{self._run_id}/{self._received}",
            time=self._now(),
            topic=topic,
            payload=bytes(message.payload),
            retained=message.retain,
            redelivered=message.dup,
        )
        self._queue.put((made, message.mid, pending))

    def _is_wanted(self, topic: str) -> bool:
        wanted = self._wanted.get(topic)
        if wanted is None:
            if len(self._wanted) >= TOPICS_REMEMBERED:
                self._wanted.clear()
            wanted = any(topic_matches_sub(pattern, topic) for pattern in self._filters)
            self._wanted[topic] = wanted
        return wanted

    def _expect(self, client: Client, topic: str, message: MQTTMessage) -> _Pending | None:
        """Note a message that wants an acknowledgement; None if we hold it already."""
        if message.dup:
            self._context.count("redelivered", 1)
        with self._lock:
            held = self._pending.get(message.mid)
            if message.dup and held and held.topic == topic and held.payload == message.payload:
                held.connection_number = self._connection_number
                if held.stored:
                    del self._pending[message.mid]
                    client.ack(message.mid, message.qos)
                return None
            pending = self._pending[message.mid] = _Pending(
                topic, bytes(message.payload), self._connection_number
            )
            return pending

    # The worker thread, and the thread that reports what is stored.

    def _store(self) -> None:
        """Store in bursts: the threads behind wake once for all within `GATHER` seconds."""
        while True:
            first = self._queue.get()
            time.sleep(GATHER)
            for item in (first, *self._waiting()):
                if item is None:
                    return
                message, mid, pending = item
                try:
                    self._write(message, self._durable(mid, pending))
                except ConnectorError as error:
                    self._degraded(
                        f"messages cannot be stored, so they stay with the MQTT broker: {error}"
                    )
                    if self._client:
                        self._client.disconnect()
                    return

    def _waiting(self) -> Iterator[_Item | None]:
        with contextlib.suppress(queue.Empty):
            while True:
                yield self._queue.get_nowait()

    def _durable(self, mid: int, pending: _Pending | None) -> Callable[[], None]:
        def stored() -> None:
            if pending is None:
                return
            with self._lock:
                pending.stored = True
                if (
                    pending.connection_number != self._connection_number
                    or self._pending.get(mid) is not pending
                    or not self._client
                ):
                    return
                del self._pending[mid]
                self._client.ack(mid, 1)

        return stored

    def _degraded(self, detail: str) -> None:
        self._context.health.degraded(self._context.name, detail)
