"""The bridge as its users run it, from the sensors' broker to the cloud, and flows that are
posted to.
"""

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import paho.mqtt.client as paho

from connectors.base import ConnectorContext
from connectors.kafka.components import Topic
from connectors.kafka.connection import TopicConnection
from infra.embedded.broker import Broker
from infra.embedded.mosquitto import Mosquitto
from infra.embedded.ports import free_port
from operators.events import DeadLetter, Event, Message, Reading
from tests.flow_process import FlowProcess
from tests.receivers import Receiver
from tests.waiting import PATIENCE, wait_until

BRIDGE = Path(__file__).parents[3] / "flows" / "definitions" / "bridge.yaml"
TOKEN = "posting-token-0123456789"


class Site:
    """A site file in `folder`, the topics of its flows, and its data."""

    def __init__(
        self, folder: Path, broker: Broker, prefix: str, **connections: dict[str, Any]
    ) -> None:
        self.broker = TopicConnection(
            brokers=[broker.address], idempotence=False, prefix=f"{prefix}."
        )
        self.file, self.data = folder / "site.yaml", folder / "data"
        redpanda = self.broker.model_dump(include={"brokers", "idempotence", "prefix"})
        written = {"vigie": 1, "site": "test", "connections": {"redpanda": redpanda, **connections}}
        self.file.write_text(json.dumps(written))

    def topic(self, name: str) -> Callable[[], list[Event]]:
        """A function that returns all events of a topic so far."""
        source = Topic(name=name)
        context = ConnectorContext(flow="test", name="look", connection=self.broker)
        readers = [source.open(context, part, None) for part in source.partitions(context)]
        seen: list[Event] = []

        def look() -> list[Event]:
            for reader in readers:
                while batch := reader.read():
                    seen.extend(batch.events)
            return seen

        return look


def sensor(
    n: int, kind: str = "MOTION_DETECTED", device: str = "pi-1", **data: Any
) -> dict[str, Any]:
    return {
        "event_id": f"e-{n}", "device_id": device, "source": "sensor", "type": kind,
        "data": data or {"n": n},
        "timestamp": 1734567890 + n / 8 if n % 2 else 1734567890 + n,
    }  # fmt: skip


def publish(client: paho.Client, topic: str, payload: Any) -> None:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    client.publish(topic, body, qos=1).wait_for_publish(60)


def says(flow: FlowProcess, words: str) -> bool:
    return words in flow.log.read_text()


def bridge_of(folder: Path, topics: str) -> Path:
    """The shipped definition, on topics of the test's own."""
    copy = folder / "bridge.yaml"
    text = BRIDGE.read_text().partition("\ntests:")[0]
    copy.write_text(
        text.replace("sensor/#", f"{topics}/#").replace(
            "topic: site.events", f"topic: {topics}.events"
        )
    )
    return copy


def test_the_bridge_posts_every_message_of_the_sensors_to_the_letter(
    broker: Broker, mosquitto: Mosquitto, client: paho.Client, tmp: Path, unique: str
) -> None:
    with Receiver(tmp / "cloud") as cloud:
        site = Site(
            tmp, broker, unique, mqtt={"url": mosquitto.url}, cloud={"url": cloud.url, "token": "t"}
        )
        with FlowProcess(bridge_of(tmp, unique), site.file, site.data) as flow:
            wait_until(partial(says, flow, "sensors is up"), what="the subscription")
            publish(client, f"{unique}/motion", sensor(1, presence=True, gpio_pin=17))
            publish(client, f"{unique}/motion", sensor(2, presence=False))
            publish(client, f"{unique}/motion", sensor(2, presence=False))
            publish(
                client,
                f"{unique}/pressure",
                sensor(3, "PRESSURE_DETECTED", pressure="high", duration_ms=500),
            )
            publish(client, f"{unique}/gas", b"not json")
            publish(client, f"{unique}/gas", sensor(4, "GAS_DETECTED"))
            cloud.wait_for(4)
            assert flow.stop() == 0
        # topics of one device may lie in several partitions, which have no order
        requests = sorted(cloud.received(), key=lambda request: request.id)
    assert [request.body for request in requests] == [
        (
            '{"type":"motion_detected","device_id":"pi-1","details":{"event_id":"e-1","source":"sensor",'
            f'"data":{{"presence":true,"gpio_pin":17}},"original_timestamp":1734567890.125,"mqtt_topic":"{unique}/motion"}}}}'
        ),
        (
            '{"type":"motion_detected","device_id":"pi-1","details":{"event_id":"e-2","source":"sensor",'
            f'"data":{{"presence":false}},"original_timestamp":1734567892,"mqtt_topic":"{unique}/motion"}}}}'
        ),
        (
            '{"type":"button_pressed","device_id":"pi-1","details":{"event_id":"e-3","source":"sensor",'
            '"data":{"pressure":"high","duration_ms":500},"original_timestamp":1734567890.375,'
            f'"mqtt_topic":"{unique}/pressure"}}}}'
        ),
        (
            '{"type":"gas_detected","device_id":"pi-1","details":{"event_id":"e-4","source":"sensor",'
            f'"data":{{"n":4}},"original_timestamp":1734567894,"mqtt_topic":"{unique}/gas"}}}}'
        ),
    ]
    assert {request.path for request in requests} == {"/api/events"}
    assert [request.id for request in requests] == ["e-1", "e-2", "e-3", "e-4"]
    dead = site.topic(site.broker.topic_names.dead_letters("bridge"))
    (letter,) = wait_until(dead, what="the dead letter")
    assert (
        isinstance(letter, DeadLetter)
        and letter.reason == "bad_json"
        and letter.payload == b"not json"
    )


def test_the_bridge_loses_nothing_when_it_and_the_cloud_are_killed(
    broker: Broker, mosquitto: Mosquitto, client: paho.Client, tmp: Path, unique: str
) -> None:
    cloud = Receiver(tmp / "cloud").start()
    site = Site(tmp, broker, unique, mqtt={"url": mosquitto.url}, cloud={"url": cloud.url})
    definition = bridge_of(tmp, unique)
    flow = FlowProcess(definition, site.file, site.data).wait_running()
    try:
        wait_until(partial(says, flow, "sensors is up"), what="the subscription")
        for n in range(60):
            publish(client, f"{unique}/motion", sensor(n, device=f"pi-{n % 3}"))
            if n == 10:
                cloud.wait_for(5)
                flow.kill()
            elif n == 20:
                flow = FlowProcess(definition, site.file, site.data).wait_running()
            elif n == 30:
                cloud.wait_for(15)
                cloud.kill()
            elif n == 45:
                wait_until(partial(says, flow, "cloud waits: no answer"), what="the report")
                flow.kill()
                flow = FlowProcess(definition, site.file, site.data).wait_running()
        cloud.start()
        first = cloud.wait_for(60)
        assert flow.stop() == 0
    finally:
        flow.kill()
        cloud.kill()
    assert sorted(request.id for request in first) == sorted(f"e-{n}" for n in range(60))
    for device in range(3):
        own = [
            int(request.id[2:])
            for request in first
            if request.json()["device_id"] == f"pi-{device}"
        ]
        assert own == sorted(own)


QUOTES = """\
vigie: 1
flow: quotes
sources:
  quotes: {http: {path: /ingest/quotes, subject: "{ticker}", metric: price, value: "{price}"}}
  posts: {http: {path: /api/events}}
streams:
  events: {from: posts, steps: [decode: pir_envelope, deduplicate: {by: id, within: 10min}]}
sinks:
  out: {from: [quotes, events], topic: NAME.out}
"""


def test_what_is_posted_is_in_the_topic_before_the_answer_and_a_repetition_is_left_out(
    own: Callable[[Broker], Broker], tmp: Path, unique: str
) -> None:
    broker = Broker(tmp / "broker")
    own(broker)
    port = free_port()
    site = Site(tmp, broker, unique, http={"port": port, "tokens": {"pir": TOKEN}, "wait": 1})
    definition = tmp / "quotes.yaml"
    definition.write_text(QUOTES.replace("NAME", unique))
    details = {
        "event_id": "e-1",
        "source": "s",
        "data": {"presence": True},
        "original_timestamp": time.time(),
    }
    body = {"type": "motion_detected", "device_id": "pi-1", "details": details}
    with (
        FlowProcess(definition, site.file, site.data) as flow,
        httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=PATIENCE,
        ) as client,
    ):
        assert client.post("/api/events", json=body).status_code == 202
        posted, quoted = (
            site.topic(site.broker.topic_names.of_source("quotes", "posts")),
            site.topic(site.broker.topic_names.of_source("quotes", "quotes")),
        )
        (message,) = wait_until(posted, what="the post in the topic")
        assert isinstance(message, Message) and message.id == "e-1"
        assert client.post("/api/events", json=[body, body]).status_code == 202
        assert (
            client.post("/ingest/quotes", json={"ticker": "EUR/USD", "price": 1.085}).status_code
            == 202
        )
        (quote,) = wait_until(quoted, what="the quote in the topic")
        assert isinstance(quote, Reading) and (quote.subject, quote.value) == ("EUR/USD", 1.085)
        out = site.topic(f"{unique}.out")
        wait_until(lambda: len(out()) >= 3, what="what the flow made of it")
        assert sorted(event.id for event in out()) == sorted(["e-1", "e-1.motion", quote.id])
        broker.kill()
        refused = wait_until(
            lambda: (answer := client.post("/api/events", json=body)).status_code == 503 and answer,
            what="the refusal",
        )
        assert refused.headers["retry-after"] == "5"
        broker.start().wait_ready()
        wait_until(
            lambda: client.post("/api/events", json=body).status_code == 202,
            what="the broker to be used again",
        )
        assert flow.stop() == 0
