"""Overhearing topics: what is live and what is retained, without a session that stays."""

import sys
import uuid
from collections.abc import Callable
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from connectors.base import ConnectorContext
from connectors.mqtt.client import (
    explain_failure,
    explain_refusal,
    explain_subscription,
    make_client,
)
from connectors.mqtt.connection import MqttConnection
from connectors.runtime import steady_clock
from operators.events import Message


class MqttListener:
    """A subscription of its own, with QoS 0 and a client id that nothing else has.

    It takes nothing away from a flow that runs: neither its session, nor its share of a group.
    `take` is called by paho's thread.
    """

    def __init__(
        self,
        context: ConnectorContext,
        topics: list[str],
        take: Callable[[Message], None],
        connection_name: str = "mqtt",
    ) -> None:
        self._context = context
        self._connection: MqttConnection = context.connection
        self._topics = [t.split("/", 2)[2] if t.startswith("$share/") else t for t in topics]
        self._take = take
        self._connection_name = connection_name
        self._received = 0
        self._id = f"{self._connection.client_id or 'vigie'}-listens-{uuid.uuid4().hex[:8]}"
        self._client: Client | None = None

    def start(self) -> None:
        """Connect in the background."""
        client = make_client(self._connection, self._id, manual_ack=False, reconnect=True)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        host, port = self._connection.address
        if self._connection.protocol == "5":
            client.connect_async(host, port, self._connection.keepalive, clean_start=True)
        else:
            client.connect_async(host, port, self._connection.keepalive)
        client.loop_start()
        self._client = client

    def stop(self) -> None:
        """Disconnect."""
        if self._client:
            self._client.disconnect()
            self._client.loop_stop()

    # Called by paho's thread.

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
                explain_refusal(self._connection, self._connection_name, self._id, reason)
            )
            return
        client.subscribe([(topic, 0) for topic in self._topics])

    def _on_connect_fail(self, client: Client, userdata: Any) -> None:
        self._degraded(explain_failure(self._connection, sys.exc_info()[1]))

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

    def _on_message(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return
        self._received += 1
        self._take(
            Message(
                id=f"{self._id}/{self._received}",
                time=steady_clock.now(),
                topic=topic,
                payload=bytes(message.payload),
                retained=message.retain,
            )
        )

    def _degraded(self, detail: str) -> None:
        self._context.health.degraded(self._context.name, detail)
