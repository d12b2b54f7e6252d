"""What an MQTT broker allows, looked at from outside."""

import queue
import threading
import time
from collections.abc import Iterator

from connectors.base import ConnectorContext, Health, NoAnswer
from connectors.mqtt.client import explain_silence
from connectors.mqtt.connection import MqttConnection
from connectors.mqtt.listener import MqttListener
from connectors.runtime.finding import Finding
from operators.events import Message

PATIENCE, VERSION_WAIT = 6.0, 1.0
VERSION = "$SYS/broker/version"


def inspect(connection: MqttConnection, topics: list[str]) -> Iterator[Finding]:
    """Connect, and subscribe to what flows subscribe to; raises `NoAnswer`."""
    answered = threading.Event()
    health = Health(lambda name, up, detail: answered.set())
    came: queue.SimpleQueue[Message] = queue.SimpleQueue()
    context = ConnectorContext("doctor", "mqtt", connection, health=health)
    listener = MqttListener(context, [*topics, VERSION], came.put)
    listener.start()
    try:
        answered.wait(PATIENCE)
        if health.down:
            raise NoAnswer(next(iter(health.down.values())))
        if not answered.is_set():
            raise NoAnswer(explain_silence(connection))
        version = _version(came)
    finally:
        listener.stop()
    yield Finding("version", "ok", version or "not told")
    yield Finding("rights", "ok", f"may subscribe to {', '.join(topics)}")


def _version(came: "queue.SimpleQueue[Message]") -> str:
    until = time.monotonic() + VERSION_WAIT
    while (left := until - time.monotonic()) > 0:
        try:
            message = came.get(timeout=left)
        except queue.Empty:
            break
        if message.topic == VERSION:
            return message.payload.decode("utf-8", "replace")
    return ""
