"""Devices: each sends numbered events at a steady rate and keeps every event until its server
has confirmed it.
"""

import contextlib
import json
import threading
import time
from typing import Any, ClassVar

import paho.mqtt.client as mqtt
import pymysql
from kafka import KafkaProducer
from kafka.errors import KafkaError

from connectors.kafka.admin import ensure_topic, partition_of
from connectors.kafka.connection import TopicConnection
from infra.embedded.mariadb import MariaDB
from infra.embedded.mosquitto import Mosquitto
from operators.events import Reading, encode_lines
from tests.chaos.ends.numbers import DEVICES, Numbers

TICK = 0.05
MOST = 500
PATIENCE = 300.0
REPEATING = 0.5
"""Seconds paho gets, once connected, to repeat what was not confirmed; what is new would
overtake that.
"""


class Sender:
    """A thread that sends what is due. `due` events exist so far, the first `confirmed` of them are
    with the server.

    A service that is down makes it late, not less: subclasses keep what is not confirmed and send
    it again.
    """

    SOURCE: ClassVar[str] = "devices"

    def __init__(self, numbers: Numbers, rate: float) -> None:
        self.numbers = numbers
        self.rate = rate
        self.confirmed = 0
        self.error: BaseException | None = None
        self._began = 0.0
        self._total: int | None = None
        self._aborted = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"sender {self.SOURCE}", daemon=True)

    @property
    def due(self) -> int:
        if self._total is not None:
            return self._total
        return int((time.monotonic() - self._began) * self.rate) if self._began else 0

    def start(self) -> None:
        self._began = time.monotonic()
        self._thread.start()

    def finish(self) -> int:
        """Send no new events; returns how many there were once all are confirmed. Raises what
        broke the sender.
        """
        self._total = self.due
        self._thread.join(PATIENCE)
        if self.error:
            raise self.error
        if self._thread.is_alive() or self.confirmed < self._total:
            raise RuntimeError(
                f"only {self.confirmed} of {self._total} events were confirmed to {self.SOURCE}"
            )
        return self._total

    def abort(self) -> None:
        """Send nothing more, whatever is not confirmed."""
        self._aborted.set()
        self._thread.join(PATIENCE)

    def _run(self) -> None:
        try:
            while not self._aborted.wait(TICK) and (
                self._total is None or self.confirmed < self._total
            ):
                self.send(self.due)
        except BaseException as error:
            self.error = error
        finally:
            self.close()

    def send(self, due: int) -> None:
        """Send events up to number `due`, and count in `confirmed` those that arrived; never
        raises for a service that is down."""
        raise NotImplementedError

    def close(self) -> None:
        """Release sockets and threads."""


class MqttSender(Sender):
    """Publishes with QoS 1; paho keeps and repeats what the broker has not confirmed."""

    def __init__(self, numbers: Numbers, rate: float, server: Mosquitto) -> None:
        super().__init__(numbers, rate)
        self._sent = 0
        self._server = server
        self._client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2,
            client_id=f"devices-{self.SOURCE}",
            clean_session=False,
        )
        self._client.username_pw_set("devices", server.password("devices"))
        self._client.max_inflight_messages_set(100)
        self._client.reconnect_delay_set(1, 2)
        self._client.on_publish = self._on_publish
        self._client.on_connect = self._on_connect
        self._started = False
        self._connected_at = 0.0

    def send(self, due: int) -> None:
        if not self._started:
            self._client.connect_async("127.0.0.1", self._server.port)
            self._client.loop_start()
            self._started = True
        if not self._client.is_connected() or time.monotonic() - self._connected_at < REPEATING:
            return
        for number in range(self._sent, due):
            topic, body = self.message(number)
            self._client.publish(topic, json.dumps(body), qos=1)
        self._sent = max(self._sent, due)

    def message(self, number: int) -> tuple[str, dict[str, Any]]:
        raise NotImplementedError

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, *_: Any) -> None:
        self._connected_at = time.monotonic()

    def _on_publish(self, *_: Any) -> None:
        self.confirmed += 1


class Envelopes(MqttSender):
    """Presses of pressure mats, each with an id of its own."""

    SOURCE = "mqtt"

    def message(self, number: int) -> tuple[str, dict[str, Any]]:
        return f"mats/{self.numbers.device(number)}", envelope(self.numbers, number)


class Zigbee(MqttSender):
    """Payloads of Zigbee2MQTT, which have no id: what arrives twice is two events."""

    SOURCE = "mqtt_plain"

    def message(self, number: int) -> tuple[str, dict[str, Any]]:
        seen = round(self.numbers.time(number) * 1000)
        return f"zigbee2mqtt/{self.numbers.device(number)}", {
            "power": number % 1000,
            "last_seen": seen,
        }


def envelope(numbers: Numbers, number: int) -> dict[str, Any]:
    """The body of the PIR bridge and of pressure mats."""
    return {
        "event_id": f"e{number}",
        "device_id": numbers.device(number),
        "source": "sensor-pressure",
        "type": "PRESSURE_DETECTED",
        "data": {"pressure": "high", "duration_ms": 500},
        "timestamp": numbers.time(number),
    }


class Recorder(Sender):
    """Home Assistant's recorder: the states of a moment in one transaction. After a broken
    commit it looks what is there.
    """

    SOURCE = "binlog"

    def __init__(self, numbers: Numbers, rate: float, server: MariaDB) -> None:
        super().__init__(numbers, rate)
        self._server = server
        self._link: Any = None
        self._entities: list[tuple[int, int]] = []

    def send(self, due: int) -> None:
        try:
            if self._link is None:
                self._connect()
            while self.confirmed < due:
                self._commit(min(due, self.confirmed + MOST))
        except (pymysql.err.OperationalError, pymysql.err.InterfaceError, OSError):
            self._drop()

    def _connect(self) -> None:
        self._link = pymysql.connect(
            **self._server.client_options(), connect_timeout=3, read_timeout=10
        )
        with self._link.cursor() as cursor:
            if not self._entities:
                self._entities = [self._announce(cursor, device) for device in range(DEVICES)]
                self._link.commit()
            cursor.execute("SELECT MAX(last_updated_ts) FROM states")
            last = cursor.fetchone()[0]
            self.confirmed = 0 if last is None else self.numbers.number(last) + 1
        self._link.commit()

    def _announce(self, cursor: Any, device: int) -> tuple[int, int]:
        cursor.execute(
            "INSERT INTO states_meta (entity_id) VALUES (%s)",
            (f"sensor.{self.numbers.device(device)}",),
        )
        metadata_id = cursor.lastrowid
        attributes = '{"device_class":"power","unit_of_measurement":"W"}'
        cursor.execute(
            "INSERT INTO state_attributes (hash, shared_attrs) VALUES (%s, %s)",
            (device, attributes),
        )
        return metadata_id, cursor.lastrowid

    def _commit(self, until: int) -> None:
        rows = []
        for number in range(self.confirmed, until):
            at, (metadata_id, attributes_id) = (
                self.numbers.time(number),
                self._entities[number % DEVICES],
            )
            rows.append((str(number % 1000), at, at, attributes_id, metadata_id))
        with self._link.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO states (state, last_updated_ts, last_reported_ts, attributes_id,"
                " metadata_id) VALUES (%s, %s, %s, %s, %s)",
                rows,
            )
        self._link.commit()
        self.confirmed = until

    def _drop(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            with contextlib.suppress(pymysql.err.Error, OSError):
                link.close()

    def close(self) -> None:
        self._drop()


class Producer(Sender):
    """Another program that writes readings, one a record, into a topic with keys; it repeats
    what was not confirmed.
    """

    SOURCE = "topic"
    TOPIC: ClassVar[str] = "chaos.feed"
    PARTITIONS: ClassVar[int] = 2

    def __init__(self, numbers: Numbers, rate: float, connection: TopicConnection) -> None:
        super().__init__(numbers, rate)
        self._connection = connection
        self._client: KafkaProducer | None = None

    def send(self, due: int) -> None:
        try:
            if self._client is None:
                self._connect()
            while self.confirmed < due:
                self._write(min(due, self.confirmed + MOST))
        except (KafkaError, OSError):
            self.close()

    def _connect(self) -> None:
        ensure_topic(self._connection, self.TOPIC, self.PARTITIONS)
        self._client = KafkaProducer(
            **self._connection.client_options(),
            acks="all",
            enable_idempotence=False,
            retries=1_000_000,
            max_in_flight_requests_per_connection=1,  # keeps the order when it repeats
            request_timeout_ms=5_000,
            delivery_timeout_ms=120_000,
            max_block_ms=5_000,
            bootstrap_timeout_ms=3_000,
        )

    def _write(self, until: int) -> None:
        assert self._client is not None
        sent = []
        for number in range(self.confirmed, until):
            event = self._event(number)
            partition = partition_of(event.subject, self.PARTITIONS)
            sent.append(
                self._client.send(
                    self.TOPIC,
                    encode_lines([event]).rstrip(),
                    event.subject.encode(),
                    partition=partition,
                )
            )
        for answer in sent:
            answer.get(130)
        self.confirmed = until

    def _event(self, number: int) -> Reading:
        return Reading(
            id=f"t{number}",
            time=self.numbers.time(number),
            subject=self.numbers.device(number),
            metric="power",
            value=float(number % 1000),
        )

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(KafkaError):
                client.close(timeout=0)
