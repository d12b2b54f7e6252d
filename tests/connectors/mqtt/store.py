"""What the MQTT tests share: a plain client, and a stand-in for the topic a receiver writes to."""

from collections.abc import Callable

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from connectors.base import Receiver
from connectors.mqtt.components import Mqtt
from connectors.mqtt.connection import MqttConnection
from infra.embedded.mosquitto import Mosquitto
from operators.events import Message
from tests.connectors.recorder import Recorder
from tests.waiting import wait_until


class Store:
    """The topic a receiver writes to; `hold` keeps it from being durable until `release`."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.held: list[Callable[[], None]] = []
        self.hold = False

    def write(self, message: Message, durable: Callable[[], None]) -> None:
        self.messages.append(message)
        if self.hold:
            self.held.append(durable)
        else:
            durable()

    def release(self) -> None:
        self.hold = False
        while self.held:
            self.held.pop(0)()

    def payloads(self) -> list[str]:
        return [message.payload.decode() for message in self.messages]


def plain_client(broker: Mosquitto, user: str | None = None) -> paho.Client:
    made = paho.Client(CallbackAPIVersion.VERSION2)
    if user:
        made.username_pw_set(user, broker.password(user))
    made.connect("127.0.0.1", broker.port)
    made.loop_start()
    return made


def start(
    recorder: Recorder,
    store: Store,
    connection: MqttConnection,
    *topics: str,
    name: str,
    **more: object,
) -> Receiver:
    source = Mqtt.model_validate({"topics": list(topics), **more})
    receiver = source.receiver(recorder.context(name, connection), store.write)
    recorder.health.degraded(name, "starting")
    receiver.start()
    return receiver


def ready(recorder: Recorder, name: str) -> None:
    wait_until(lambda: name not in recorder.health.down, what=f"{name} to subscribe")


def publish(client: paho.Client, topic: str, *payloads: str, retain: bool = False) -> None:
    for info in [client.publish(topic, payload, qos=1, retain=retain) for payload in payloads]:
        info.wait_for_publish(60)


def got(store: Store) -> set[str]:
    return {msgspec.json.decode(message.payload)["id"] for message in store.messages}
