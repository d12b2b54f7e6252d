"""One network connection of the publisher: sending, and the broker's confirmations."""

import threading
import time
from collections.abc import Callable
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from connectors.mqtt.client import (
    CONNECT_TIMEOUT,
    explain_failure,
    explain_refusal,
    explain_silence,
    make_client,
)
from connectors.mqtt.connection import MqttConnection
from connectors.mqtt.homeassistant import Discovery

CONFIRM_TIMEOUT = 30.0
LEAVE_TIMEOUT = 2.0
"""Seconds."""
ONLINE, OFFLINE = b"online", b"offline"


class NetworkConnection:
    """One connection to the broker, from its opening until it breaks; then `broken` says why.

    With `discovery` the status topic says whether Vigie is there (by its will, too), and `born` is
    set when Home Assistant has started. `cancelled` tells a wait to give up. `largest` is how many
    bytes a packet may have, if the broker says so (MQTT 5, Maximum Packet Size).
    """

    def __init__(
        self,
        connection: MqttConnection,
        connection_name: str,
        client_id: str,
        discovery: Discovery | None,
    ) -> None:
        self.broken: str | None = None
        self.largest: int | None = None
        self.born = threading.Event()
        self._discovery = discovery
        self._connection = connection
        self._connection_name = connection_name
        self._client_id = client_id
        self._up = False
        self._confirmed: dict[int, ReasonCode] = {}
        self._missing: set[int] = set()
        self._changed = threading.Condition()
        self._client = make_client(connection, client_id, manual_ack=False, reconnect=False)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        if discovery:
            self._client.will_set(discovery.status_topic, OFFLINE, qos=1, retain=True)
            self._client.on_message = self._on_message

    def open(self, cancelled: Callable[[], bool]) -> bool:
        """Connect and wait for the broker's answer; False if it did not accept."""
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
            self.broken = self.broken or explain_silence(self._connection)
            return False
        if self._discovery:
            self._client.subscribe(self._discovery.birth_topic, qos=1)
            self._client.publish(self._discovery.status_topic, ONLINE, qos=1, retain=True)
        return True

    def publish(self, topic: str, payload: bytes, qos: int, retain: bool) -> int:
        """Send a message; returns its packet id, for `confirmation`."""
        return self._client.publish(topic, payload, qos, retain).mid

    def await_confirmations(
        self,
        mids: set[int],
        cancelled: Callable[[], bool],
        seconds: float = CONFIRM_TIMEOUT,
    ) -> None:
        """Wait for the broker's answers to messages, while one comes within so many seconds."""
        with self._changed:
            self._missing = missing = mids - self._confirmed.keys()
            left, deadline = len(missing), time.monotonic() + seconds
            while missing and not (self.broken or cancelled()) and time.monotonic() < deadline:
                self._changed.wait(0.2)
                if len(missing) < left:
                    left, deadline = len(missing), time.monotonic() + seconds

    def confirmation(self, mid: int) -> ReasonCode | None:
        """The broker's answer to a message, if it has come."""
        return self._confirmed.pop(mid, None)

    def close(self) -> None:
        """Take leave of the broker and end the client's thread."""
        if self._discovery and self._up and not self.broken:
            leaving = self._client.publish(
                self._discovery.status_topic, OFFLINE, qos=1, retain=True
            ).mid
            self.await_confirmations({leaving}, lambda: False, LEAVE_TIMEOUT)
        self._client.disconnect()
        self._client.loop_stop()

    def _wait(
        self, done: Callable[[], bool], seconds: float, cancelled: Callable[[], bool]
    ) -> None:
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
            self.largest = getattr(properties, "MaximumPacketSize", None)
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
            self._missing.discard(mid)
            if not self._missing:
                self._changed.notify_all()
