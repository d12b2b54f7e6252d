"""MQTT when the broker or the receiving process is killed."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from kafka import KafkaConsumer, TopicPartition

from connectors.kafka.admin import ensure_topic
from connectors.kafka.connection import TopicConnection
from connectors.mqtt.components import MqttSink
from connectors.mqtt.connection import MqttConnection
from infra.embedded.broker import Broker
from infra.embedded.mosquitto import Mosquitto
from operators.events import Message, decode_lines
from tests.connectors.mqtt.store import Store, got, publish, ready, start
from tests.connectors.recorder import Recorder, reading
from tests.waiting import wait_until

ROOT = Path(__file__).parents[3]


INTAKE = """
import sys, threading
from connectors.base import ConnectorContext, Health
from connectors.mqtt.components import Mqtt
from connectors.mqtt.connection import MqttConnection
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from operators.events import encode_lines

broker, mqtt = sys.argv[1:]
connection = TopicConnection(brokers=[broker], idempotence=False)
producer = Producer(connection, Health(), "receiver", partitions=1)
def write(message, durable):
    producer.send("in.killed", message.topic, encode_lines([message]), durable)
context = ConnectorContext("f", "killed", MqttConnection(url=mqtt))
Mqtt(topics=["killed/#"]).receiver(context, write).start()
print("started", flush=True)
threading.Event().wait()
"""


@pytest.mark.slow
def test_source_and_sink_recover_from_three_kills_of_the_broker(
    recorder: Recorder, store: Store, own: Callable[[Mosquitto], Mosquitto], tmp: Path
) -> None:
    broker = own(Mosquitto(tmp / "mosquitto"))
    receiver = start(recorder, store, MqttConnection(url=broker.url), "s/#", name="s")
    ready(recorder, "s")
    sink = MqttSink(topic="s/{subject}").open(
        recorder.context("out", MqttConnection(url=broker.url))
    )
    for round_ in range(4):
        sink.write([reading(round_ * 1000 + n) for n in range(1000)])
        sink.flush()
        wait_until(
            lambda: len(got(store)) == (round_ + 1) * 1000,  # noqa: B023
            what="all messages so far",
        )
        if round_ < 3:
            broker.kill()
            wait_until(lambda: "s" in recorder.health.down, what="the source to notice")
            broker.start().wait_ready()
            ready(recorder, "s")
    receiver.stop()
    sink.close()


@pytest.mark.slow
def test_nothing_is_lost_when_the_receiving_process_is_killed_twice(
    broker: Broker, mosquitto: Mosquitto, client: paho.Client
) -> None:
    def receive() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", INTAKE, broker.address, mosquitto.url],
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        return process

    stored = Stored(broker, "in.killed")
    process = receive()
    publish_until_stored(client, stored)
    for round_ in range(3):
        infos = [client.publish("killed/a", f"{round_ * 2000 + n}", qos=1) for n in range(2000)]
        wait_until(lambda: stored.count() > (round_ + 0.2) * 2000, what="some messages")  # noqa: B023
        if round_ < 2:
            process.kill()
            process.wait()
            process = receive()
        for info in infos:
            info.wait_for_publish(60)
    wanted = {str(n) for n in range(6000)}
    wait_until(
        lambda: stored.count() >= 6000 and wanted <= stored.payloads,
        what="all messages",
    )
    process.kill()
    process.wait()
    stored.close()


class Stored:
    """What is in a topic so far."""

    def __init__(self, broker: Broker, topic: str) -> None:
        connection = TopicConnection(brokers=[broker.address], idempotence=False)
        ensure_topic(connection, topic, 1)
        self.payloads: set[str] = set()
        self._consumer = KafkaConsumer(
            bootstrap_servers=[broker.address], group_id=None, fetch_max_wait_ms=20
        )
        self._consumer.assign([TopicPartition(topic, 0)])
        self._consumer.seek_to_beginning()

    def count(self) -> int:
        for records in self._consumer.poll(timeout_ms=50).values():
            for record in records:
                self.payloads |= {
                    m.payload.decode() for m in decode_lines(record.value) if isinstance(m, Message)
                }
        return len(self.payloads)

    def close(self) -> None:
        self._consumer.close()


def publish_until_stored(client: paho.Client, stored: Stored) -> None:
    """Publish until a message arrives, so that the subscription is known to stand."""

    def arrived() -> bool:
        publish(client, "killed/a", "0")
        return stored.count() > 0

    wait_until(arrived, what="the first message")
