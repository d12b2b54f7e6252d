"""The MQTT source against a real Mosquitto."""

from collections.abc import Callable
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from pydantic import ValidationError

from connectors.base import ConnectorError
from connectors.mqtt.components import Mqtt, MqttSink
from connectors.mqtt.connection import MqttConnection
from infra.embedded.mosquitto import Mosquitto
from infra.embedded.ports import connect, free_port
from operators.events import Message
from tests.connectors.certificate import make_certificate
from tests.connectors.mqtt.store import Store, plain_client, publish, ready, start
from tests.connectors.recorder import Recorder, reading
from tests.waiting import wait_until


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
def test_messages_arrive_in_order_with_topic_payload_and_time_of_receipt(
    recorder: Recorder,
    store: Store,
    mosquitto: Mosquitto,
    client: paho.Client,
    unique: str,
    protocol: str,
) -> None:
    connection = MqttConnection.model_validate({"url": mosquitto.url, "protocol": protocol})
    receiver = start(recorder, store, connection, f"{unique}/#", name=unique)
    ready(recorder, unique)
    publish(client, f"{unique}/a", *map(str, range(200)))
    wait_until(lambda: len(store.messages) == 200, what="200 messages")
    assert store.payloads() == [str(n) for n in range(200)]
    assert {message.topic for message in store.messages} == {f"{unique}/a"}
    assert len({message.id for message in store.messages}) == 200
    assert not any(message.retained or message.redelivered for message in store.messages)
    receiver.stop()


def test_a_retained_message_is_marked_and_comes_once_however_often_the_source_reconnects(
    recorder: Recorder, store: Store, mosquitto: Mosquitto, client: paho.Client, unique: str
) -> None:
    publish(client, f"{unique}/a", "old", retain=True)
    connection = MqttConnection(url=mosquitto.url)
    for _ in range(2):
        receiver = start(recorder, store, connection, f"{unique}/#", name=unique)
        ready(recorder, unique)
        publish(client, f"{unique}/b", "new")
        wait_until(lambda: "new" in store.payloads(), what="the new message")
        receiver.stop()
        assert [m.payload for m in store.messages if m.retained] == [b"old"]
    assert recorder.counts["retained"] == 1


def test_what_comes_while_the_source_is_away_is_received_later(
    recorder: Recorder, store: Store, mosquitto: Mosquitto, client: paho.Client, unique: str
) -> None:
    connection = MqttConnection(url=mosquitto.url)
    receiver = start(recorder, store, connection, f"{unique}/#", name=unique)
    ready(recorder, unique)
    receiver.stop()
    publish(client, f"{unique}/a", *map(str, range(50)))
    receiver = start(recorder, store, connection, f"{unique}/#", name=unique)
    wait_until(lambda: len(store.messages) == 50, what="what came meanwhile")
    assert store.payloads() == [str(n) for n in range(50)]
    receiver.stop()


def test_a_message_that_was_not_stored_before_a_crash_comes_again_marked_as_redelivered(
    recorder: Recorder, store: Store, mosquitto: Mosquitto, client: paho.Client, unique: str
) -> None:
    connection = MqttConnection(url=mosquitto.url)
    store.hold = True
    crashed = start(recorder, store, connection, f"{unique}/#", name=unique)
    ready(recorder, unique)
    publish(client, f"{unique}/a", "precious")
    wait_until(lambda: store.held, what="the message to be on its way to the topic")
    crashed.stop()
    after = Store()
    receiver = start(recorder, after, connection, f"{unique}/#", name=unique)
    wait_until(lambda: after.payloads() == ["precious"], what="the message again")
    assert after.messages[0].redelivered
    assert after.messages[0].id != store.messages[0].id
    assert recorder.counts["redelivered"] == 1
    receiver.stop()


def test_the_broker_sends_no_more_than_the_receive_maximum_ahead(
    recorder: Recorder, store: Store, mosquitto: Mosquitto, client: paho.Client, unique: str
) -> None:
    store.hold = True
    receiver = start(
        recorder,
        store,
        MqttConnection(url=mosquitto.url),
        f"{unique}/#",
        name=unique,
        receive_maximum=20,
    )
    ready(recorder, unique)
    publish(client, f"{unique}/a", *map(str, range(100)))
    wait_until(lambda: len(store.messages) == 20, what="the first messages")
    publish(client, f"{unique}/a", "later")
    assert len(store.messages) == 20
    store.release()
    wait_until(lambda: len(store.messages) == 101, what="the rest")
    assert store.payloads() == [*map(str, range(100)), "later"]
    receiver.stop()


def test_messages_stored_while_the_broker_restarts_are_acknowledged_later_and_not_written_twice(
    recorder: Recorder, store: Store, own: Callable[[Mosquitto], Mosquitto], tmp: Path
) -> None:
    broker = own(Mosquitto(tmp / "mosquitto"))
    store.hold = True
    receiver = start(recorder, store, MqttConnection(url=broker.url), "s/#", name="s")
    ready(recorder, "s")
    publisher = plain_client(broker)
    publish(publisher, "s/a", "1", "2", "3")
    wait_until(lambda: len(store.messages) == 3, what="three messages")
    broker.restart()
    wait_until(lambda: recorder.counts["redelivered"] == 3, what="the broker to send them again")
    store.release()
    wait_until(publisher.is_connected, what="the publisher to be back")
    publish(publisher, "s/a", "4")
    wait_until(lambda: len(store.messages) == 4, what="the message after the restart")
    receiver.stop()
    again = Store()
    receiver = start(recorder, again, MqttConnection(url=broker.url), "s/#", name="s")
    publish(publisher, "s/a", "5")
    wait_until(lambda: again.messages, what="the last message")
    assert store.payloads() == ["1", "2", "3", "4"]
    assert again.payloads() == ["5"]
    receiver.stop()
    publisher.disconnect()
    publisher.loop_stop()


def test_a_wrong_password_degrades_with_the_remedy_and_the_right_one_needs_no_restart(
    recorder: Recorder, store: Store, own: Callable[[Mosquitto], Mosquitto], tmp: Path
) -> None:
    broker = own(Mosquitto(tmp / "mosquitto", users=["vigie"]))
    right = broker.password("vigie")
    connection = MqttConnection.model_validate(
        {"url": broker.url, "username": "vigie", "password": "wr0ng-secret"}
    )
    receiver = start(recorder, store, connection, "s/#", name="s")
    sink = MqttSink(topic="s/a").open(recorder.context("out", connection))
    wait_until(
        lambda: "not authorized" in recorder.health.down.get("s", ""),
        what="the refusal of the source",
    )
    wait_until(
        lambda: "not authorized" in recorder.health.down.get("out", ""),
        what="the refusal of the sink",
    )
    for name in ("s", "out"):
        detail = recorder.health.down[name]
        assert "'vigie'" in detail
        assert "check username and password of the connection 'mqtt'" in detail
        assert "wr0ng-secret" not in detail
    # the administrator gives the user the password that the site file has
    broker.stop()
    secrets = tmp / "mosquitto" / "secrets.json"
    secrets.write_text(secrets.read_text().replace(right, "wr0ng-secret"))
    broker.start().wait_ready()
    wait_until(lambda: not recorder.health.down, what="both to be up")
    sink.write([reading(1)])
    sink.flush()
    wait_until(lambda: store.messages, what="the message")
    receiver.stop()
    sink.close()


def test_a_broker_that_is_not_up_yet_is_picked_up_when_it_comes(
    recorder: Recorder, store: Store, own: Callable[[Mosquitto], Mosquitto], tmp: Path
) -> None:
    port = free_port()
    connection = MqttConnection(url=f"mqtt://127.0.0.1:{port}")
    receiver = start(recorder, store, connection, "s/#", name="s")
    sink = MqttSink(topic="s/a").open(recorder.context("out", connection))
    sink.write([reading(1)])
    wait_until(
        lambda: f"no MQTT broker answers at 127.0.0.1:{port}" in recorder.health.down.get("s", ""),
        what="s",
    )
    wait_until(
        lambda: (
            f"no MQTT broker answers at 127.0.0.1:{port}" in recorder.health.down.get("out", "")
        ),
        what="out",
    )
    assert "Connection refused" in recorder.health.down["s"]
    own(Mosquitto(tmp / "mosquitto", port=port))
    sink.flush()
    wait_until(lambda: not recorder.health.down, what="both to be up")
    receiver.stop()
    sink.close()


def test_topics_of_an_earlier_definition_are_not_received_any_more(
    recorder: Recorder, store: Store, mosquitto: Mosquitto, client: paho.Client, unique: str
) -> None:
    connection = MqttConnection(url=mosquitto.url)
    receiver = start(recorder, store, connection, f"{unique}/old", f"{unique}/new", name=unique)
    ready(recorder, unique)
    receiver.stop()
    receiver = start(recorder, store, connection, f"{unique}/new", name=unique)
    ready(recorder, unique)
    publish(client, f"{unique}/old", "x")
    publish(client, f"{unique}/new", "y")
    wait_until(lambda: store.messages, what="the wanted message")
    assert store.payloads() == ["y"]
    assert recorder.counts["not_subscribed"] == 1
    receiver.stop()


def test_a_topic_that_cannot_store_leaves_the_messages_with_the_broker(
    recorder: Recorder, store: Store, mosquitto: Mosquitto, client: paho.Client, unique: str
) -> None:
    def broken(message: Message, durable: Callable[[], None]) -> None:
        raise ConnectorError("the record is too large")

    connection = MqttConnection(url=mosquitto.url)
    receiver = Mqtt(topics=[f"{unique}/#"]).receiver(recorder.context(unique, connection), broken)
    recorder.health.degraded(unique, "starting")
    receiver.start()
    ready(recorder, unique)
    publish(client, f"{unique}/a", "kept")
    wait_until(lambda: "too large" in recorder.health.down.get(unique, ""), what="the report")
    receiver.stop()
    receiver = start(recorder, store, connection, f"{unique}/#", name=unique)
    wait_until(lambda: store.payloads() == ["kept"], what="the message, from the broker")
    receiver.stop()


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"url": "http://broker"}, "write mqtt://host:1883"),
        ({"url": "mqtt://paul:pw@broker"}, "'username' and 'password'"),
        ({"url": "mqtts://broker", "cert": "c.pem"}, "belong together"),
        ({"url": "mqtt://broker", "passwort": "x"}, "passwort"),
    ],
)
def test_a_wrong_connection_says_what_to_write(settings: dict[str, str], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        MqttConnection.model_validate(settings)


class Encrypted(Mosquitto):
    """A broker that takes encrypted connections only."""

    def prepare(self) -> None:
        super().prepare()
        made = make_certificate(self.folder)
        settings = self.folder / "mosquitto.conf"
        settings.write_text(settings.read_text() + f"certfile {made.cert}\nkeyfile {made.key}\n")
        self.give_folder()

    def probe(self) -> None:
        connect(self.port).close()


# paho leaves the socket of a failed handshake to the garbage collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_encrypted_connection_needs_a_certificate_that_is_trusted(
    recorder: Recorder, store: Store, own: Callable[[Mosquitto], Mosquitto], tmp: Path
) -> None:
    broker = own(Encrypted(tmp / "mosquitto"))
    url = f"mqtts://127.0.0.1:{broker.port}"
    receiver = start(recorder, store, MqttConnection(url=url), "s/#", name="s")
    wait_until(
        lambda: "check ca and url" in recorder.health.down.get("s", ""),
        what="the certificate to be refused",
    )
    receiver.stop()
    connection = MqttConnection(url=url, ca=str(tmp / "mosquitto" / "cert.pem"))
    receiver = start(recorder, store, connection, "s/#", name="s")
    ready(recorder, "s")
    sink = MqttSink(topic="s/a").open(recorder.context("out", connection))
    sink.write([reading(1)])
    sink.flush()
    wait_until(lambda: store.messages, what="the message")
    receiver.stop()
    sink.close()


def test_a_missing_certificate_file_is_named(recorder: Recorder, store: Store) -> None:
    connection = MqttConnection(url="mqtts://127.0.0.1:8883", ca="/nowhere/ca.pem")
    with pytest.raises(ConnectorError, match=r"/nowhere/ca\.pem.*check ca, cert and key"):
        Mqtt(topics=["a"]).receiver(recorder.context("s", connection), store.write).start()


def test_a_topic_filter_that_no_broker_takes_is_refused_by_validation() -> None:
    for topic in ("a/#/b", "a#", "a/b+", ""):
        with pytest.raises(ValidationError, match="not a topic to subscribe to"):
            Mqtt(topics=[topic])


def test_the_password_is_not_shown() -> None:
    connection = MqttConnection.model_validate(
        {"url": "mqtt://b", "username": "u", "password": "hunter2"}
    )
    assert "hunter2" not in repr(connection)


def test_a_client_that_takes_the_session_over_is_named_and_not_fought_every_second(
    recorder: Recorder, store: Store, mosquitto: Mosquitto, unique: str
) -> None:
    receiver = start(
        recorder, store, MqttConnection(url=mosquitto.url, protocol="5"), f"{unique}/#", name=unique
    )
    ready(recorder, unique)
    thief = paho.Client(
        paho.CallbackAPIVersion.VERSION2, client_id=receiver.client_id, protocol=paho.MQTTv5
    )
    thief.connect("127.0.0.1", mosquitto.port)
    thief.loop_start()

    said = wait_until(
        lambda: [text for _, _, text in recorder.reports if "another client has it" in text],
        what="the word",
    )

    assert f"the client id {receiver.client_id!r}" in said[0]
    assert "started twice on different --data folders" in said[0]
    assert recorder.counts["session_taken_over"] == 1
    assert receiver._client is not None
    assert receiver._client._reconnect_min_delay == 10
    thief.disconnect()
    thief.loop_stop()
    receiver.stop()
