"""Services that take connections and answer nothing, as a program that hangs or was stopped."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.apprise.components import Apprise
from connectors.base import ConnectorContext, Health, Sink
from connectors.clickhouse.components import ClickHouse
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.email.components import Email
from connectors.email.connection import EmailConnection
from connectors.influxdb.components import InfluxDB
from connectors.influxdb.connection import InfluxConnection
from connectors.mqtt.components import MqttSink
from connectors.mqtt.connection import MqttConnection
from connectors.mqtt.receiver import MqttReceiver
from connectors.runtime.far_end_check import FarEndCheck
from connectors.runtime.threaded_writer import Retry
from connectors.s3.components import Objects, Snapshot
from connectors.s3.connection import ObjectStoreConnection
from connectors.webhook.components import Webhook
from flows.language.catalogue import SINKS
from infra.embedded.mariadb import MariaDB
from infra.embedded.mosquitto import Mosquitto
from infra.embedded.service import Service
from operators.component import Spec
from operators.events import Message
from tests.recorder import RecorderDatabase, Watching
from tests.waiting import wait_until

CALLED_WHEN_NEEDED: set[type[Sink]] = {Webhook, Apprise}
"""Their far ends get nothing that says nothing."""


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """It takes connections and never says anything, until it is closed."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def mute(server: socket.socket) -> str:
    """Its address."""
    return f"127.0.0.1:{server.getsockname()[1]}"


def stored(message: Message, durable: Callable[[], None]) -> None:
    durable()


def test_a_sink_with_nothing_to_write_says_that_its_service_does_not_answer(
    server: socket.socket, mute: str, tmp_path: Path
) -> None:
    health = Health()
    store = ObjectStoreConnection(url=f"http://{mute}", access_key="a", secret_key="b")
    sinks: list[tuple[Sink, Spec]] = [
        (ClickHouse(table="t"), ClickHouseConnection(url=f"http://{mute}/db")),
        (InfluxDB(bucket="b"), InfluxConnection(url=f"http://{mute}")),
        (Objects(bucket="bucket"), store),
        (Snapshot(bucket="bucket", key="{subject}"), store),
        (Email(to=["ops@example.org"]), EmailConnection(url=f"smtp://{mute}")),
        (MqttSink(topic="out"), MqttConnection(url=f"mqtt://{mute}")),
    ]
    names = [type(sink).__name__ for sink, _ in sinks]
    writers = [
        sink.open(ConnectorContext("f", name, connection, health=health, folder=tmp_path))
        for name, (sink, connection) in zip(names, sinks, strict=True)
    ]
    try:
        wait_until(lambda: health.down.keys() >= set(names), what="all to be named")
    finally:
        server.close()
        for writer in writers:
            writer.close()
    assert all(mute in words for words in health.down.values()), health.down


def test_every_kind_of_sink_for_an_outside_system_is_looked_at() -> None:
    outside = {sink for sink in SINKS.values() if sink.CONNECTION is not None}
    seen = {"ClickHouse", "InfluxDB", "Objects", "Snapshot", "Clip", "Email", "MqttSink"}
    topics = {"TopicSink", "WebSocket"}
    found = {sink.__name__ for sink in outside} - topics
    assert found == seen | {sink.__name__ for sink in CALLED_WHEN_NEEDED}


def test_a_check_asks_again_at_once_after_an_error_and_seldom_after_an_answer() -> None:
    asked = []

    def ask() -> None:
        asked.append(1)
        if len(asked) < 3:
            raise Retry("no answer")

    check = FarEndCheck(ask, every=1e9)
    for _ in range(2):
        with pytest.raises(Retry):
            check()
    check()
    check()
    assert len(asked) == 3


def test_a_broker_that_takes_the_connection_and_says_nothing_is_named(mute: str) -> None:
    health = Health()
    connection = MqttConnection(url=f"mqtt://{mute}", keepalive=5)
    receiver = MqttReceiver(
        ConnectorContext("f", "devices", connection, health=health), stored, ["a/#"], 1, 10
    )
    receiver.start()
    try:
        wait_until(lambda: health.down, what="the source to wait")
        assert "takes connections and says nothing" in health.down["devices"]
    finally:
        receiver.stop()


def stopped(service: Service, health: Health, name: str) -> None:
    """Stop a service under what is connected to it, and let it go on once that is said."""
    assert service.pid is not None
    os.killpg(service.pid, signal.SIGSTOP)
    try:
        wait_until(lambda: name in health.down, what=f"{name} to wait")
    finally:
        os.killpg(service.pid, signal.SIGCONT)
    wait_until(lambda: name not in health.down, what=f"{name} to go on")


def test_a_source_whose_mqtt_broker_hangs_waits_for_it_and_goes_on(mosquitto: Mosquitto) -> None:
    health = Health()
    connection = MqttConnection(url=mosquitto.url, keepalive=5)
    receiver = MqttReceiver(
        ConnectorContext("f", "hang", connection, health=health), stored, ["hang/#"], 1, 10
    )
    receiver.start()
    try:
        wait_until(lambda: "hang" in health._seen, what="the source to be up")
        stopped(mosquitto, health, "hang")
    finally:
        receiver.stop()


def test_a_source_whose_database_hangs_waits_for_it_and_goes_on(
    mariadb: MariaDB, unique: str
) -> None:
    database = RecorderDatabase(mariadb, unique)
    with Watching(database.url, name="rows") as watching:
        watching.until(lambda: watching.changes, "the reader to be up")
        stopped(mariadb, watching.health, "rows")
