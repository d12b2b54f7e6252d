"""The MQTT sink against a real Mosquitto."""

import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from connectors.mqtt.components import MqttSink
from connectors.mqtt.connection import MqttConnection
from infra.embedded.mosquitto import Mosquitto
from operators.events import AlarmTransition, Announced
from tests.connectors.mqtt.store import Store, got, ready, start
from tests.connectors.recorder import Recorder, reading
from tests.waiting import PATIENCE, wait_until

_TOLD_AS = (("hall", "hot"), ("cellar", "warm"), ("hall", "hot"))


def test_the_sink_publishes_the_event_or_its_shape_to_the_topic_of_each(
    recorder: Recorder, store: Store, mosquitto: Mosquitto, unique: str
) -> None:
    connection = MqttConnection(url=mosquitto.url)
    receiver = start(recorder, store, connection, f"{unique}/#", name=unique)
    ready(recorder, unique)
    settings = MqttSink.model_validate({"topic": unique + "/{subject}/{metric}"})
    plain = settings.open(recorder.context("plain", connection))
    shaped = settings.open(
        recorder.context(
            "shaped", connection, shape=lambda event: {"v": getattr(event, "value", 0)}
        )
    )
    for sink in (plain, shaped):
        sink.write([reading(7, "rack")])
        sink.flush()
        sink.close()
    wait_until(lambda: len(store.messages) == 2, what="both messages")
    assert store.messages[0].topic == f"{unique}/rack/temperature"
    assert msgspec.json.decode(store.messages[0].payload)["id"] == "r7"
    assert msgspec.json.decode(store.messages[1].payload) == {"v": 7.0}
    receiver.stop()


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_the_sink_publishes_in_order_at_every_quality_of_service(
    recorder: Recorder, store: Store, mosquitto: Mosquitto, unique: str, qos: int, protocol: str
) -> None:
    connection = MqttConnection.model_validate({"url": mosquitto.url, "protocol": protocol})
    receiver = start(recorder, store, connection, f"{unique}/#", name=unique)
    ready(recorder, unique)
    sink = MqttSink.model_validate({"topic": f"{unique}/a", "qos": qos, "retain": qos == 1})
    writer = sink.open(recorder.context("out", connection))
    writer.write([reading(n) for n in range(300)])
    writer.flush()
    wait_until(lambda: len(store.messages) == 300, what="all messages")
    assert [msgspec.json.decode(payload)["id"] for payload in store.payloads()] == [
        f"r{n}" for n in range(300)
    ]
    receiver.stop()
    writer.close()


def test_a_topic_that_cannot_be_published_to_is_set_aside_and_the_others_go_out(
    recorder: Recorder, store: Store, mosquitto: Mosquitto, unique: str
) -> None:
    connection = MqttConnection(url=mosquitto.url)
    receiver = start(recorder, store, connection, f"{unique}/#", name=unique)
    ready(recorder, unique)
    sink = MqttSink(topic=unique + "/{subject}").open(recorder.context("out", connection))
    sink.write([reading(1, "a"), reading(2, "b/#"), reading(3, "c")])
    sink.flush()
    wait_until(lambda: len(store.messages) == 2, what="the good ones")
    assert [(letter.reason, letter.id) for letter in recorder.letters] == [("bad_topic", "r2/out")]
    receiver.stop()
    sink.close()


def test_the_end_of_an_alarm_goes_to_each_topic_that_its_start_went_to(
    recorder: Recorder, store: Store, mosquitto: Mosquitto, unique: str
) -> None:
    connection = MqttConnection(url=mosquitto.url)
    receiver = start(recorder, store, connection, f"{unique}/#", name=unique)
    ready(recorder, unique)
    sink = MqttSink(topic=unique + "/{label.room}/{alarm}").open(
        recorder.context("out", connection)
    )

    def change(annunciation: str, room: str, **more: object) -> AlarmTransition:
        return AlarmTransition(
            id=annunciation, time=1.0, recorded=1.0, rule="f/hot", alarm="hot", subject="x", occ=1,
            seq=1, event="", change="", state="", isa="", annunciation=annunciation,
            labels={"room": room}, **more,
        )  # fmt: skip

    told = [Announced(labels={"room": room}, alarm=name) for room, name in _TOLD_AS]
    sink.write([change("start", "hall"), change("end", "yard", told=told)])
    sink.flush()
    wait_until(lambda: len(store.messages) == 3, what="all messages")
    topics = [message.topic.removeprefix(f"{unique}/") for message in store.messages]
    assert topics == ["hall/hot", "hall/hot", "cellar/warm"]
    receiver.stop()
    sink.close()


def test_the_sink_blocks_while_the_broker_is_down_and_keeps_the_order_over_its_restart(
    recorder: Recorder, store: Store, own: Callable[[Mosquitto], Mosquitto], tmp: Path
) -> None:
    broker = own(Mosquitto(tmp / "mosquitto"))
    connection = MqttConnection(url=broker.url)
    receiver = start(recorder, store, connection, "s/#", name="s")
    ready(recorder, "s")
    sink = MqttSink(topic="s/a").open(recorder.context("out", connection))
    sink.write([reading(n) for n in range(500)])
    sink.flush()
    broker.stop()
    sink.write([reading(n) for n in range(500, 1000)])
    flush = threading.Thread(target=sink.flush)
    flush.start()
    wait_until(lambda: "out" in recorder.health.down, what="the sink to be degraded")
    assert flush.is_alive()
    broker.start().wait_ready()
    flush.join(PATIENCE)
    assert not flush.is_alive()
    wait_until(lambda: len(got(store)) == 1000, what="all messages")
    first_seen = list(
        dict.fromkeys(msgspec.json.decode(message.payload)["id"] for message in store.messages)
    )
    assert first_seen == [f"r{n}" for n in range(1000)]
    receiver.stop()
    sink.close()


class Narrow(Mosquitto):
    """A broker that takes small messages only, and says so."""

    def prepare(self) -> None:
        super().prepare()
        with (self.folder / "mosquitto.conf").open("a") as file:
            file.write("max_packet_size 1000\n")


def test_a_message_larger_than_the_broker_says_it_takes_is_set_aside_and_the_others_go_out(
    recorder: Recorder, tmp: Path, own: Callable[[Mosquitto], Mosquitto]
) -> None:
    connection = MqttConnection(url=own(Narrow(tmp / "mosquitto")).url)
    sink = MqttSink(topic="a/{subject}").open(recorder.context("out", connection))
    sink.write([reading(1), reading(2, labels={"note": "x" * 2_000}), reading(3)])
    sink.flush()
    sink.close()
    assert [(one.id, one.reason) for one in recorder.letters] == [("r2/out", "too_large")]
    assert "and the broker takes 1,000" in recorder.letters[0].detail
