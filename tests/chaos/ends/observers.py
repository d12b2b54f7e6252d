"""What arrived at a sink's far end, looked at with that system's own client."""

import contextlib
import email
import email.policy
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import msgspec
import paho.mqtt.client as mqtt
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from connectors.kafka.connection import TopicConnection
from infra.embedded.clickhouse import ClickHouse
from infra.embedded.mail import Mail
from infra.embedded.mosquitto import Mosquitto
from infra.embedded.ports import ask
from infra.embedded.service import ServiceError
from infra.embedded.victoria import Victoria
from tests.chaos.ends.numbers import Numbers


@dataclass(frozen=True)
class Arrived:
    """What a far end has of one flow: `items` after its own deduplication, `numbers` the different
    events among them,
    `repeated` deliveries that the deduplication made invisible, and how many came after a later
    one of their subject (None where there is no order)."""

    items: int
    numbers: frozenset[int]
    repeated: int | None = None
    out_of_order: int | None = None


class Observer:
    """Looks at one sink's far end. `seen` is called twice a second during the run, `arrived` at
    the end.
    """

    def __init__(self, numbers: Numbers) -> None:
        self.numbers = numbers

    def seen(self) -> int:
        """Different events so far; raises `OSError` or `ServiceError` while the far end is down."""
        raise NotImplementedError

    def arrived(self) -> Arrived:
        """Everything that is there."""
        raise NotImplementedError


@dataclass
class Sequence:
    """Deliveries in their order, told apart by their ids as a consumer would."""

    ids: set[str] = field(default_factory=set)
    numbers: set[int] = field(default_factory=set)
    repeated: int = 0
    out_of_order: int = 0
    _latest: dict[str, int] = field(default_factory=dict)

    def add(self, id: str, subject: str, number: int) -> None:
        if id in self.ids:
            self.repeated += 1
            return
        self.ids.add(id)
        if number in self.numbers:
            return
        self.numbers.add(number)
        if number < self._latest.get(subject, -1):
            self.out_of_order += 1
        else:
            self._latest[subject] = number

    def arrived(self) -> Arrived:
        return Arrived(len(self.ids), frozenset(self.numbers), self.repeated, self.out_of_order)


class InClickHouse(Observer):
    """Rows of a table, read with FINAL."""

    def __init__(self, numbers: Numbers, server: ClickHouse, table: str) -> None:
        super().__init__(numbers)
        self._server = server
        self._table = f"vigie.{table}"

    def seen(self) -> int:
        return int(self._server.query(f"SELECT uniqExact(time) FROM {self._table}"))

    def arrived(self) -> Arrived:
        rows = self._server.query(
            f"SELECT toUnixTimestamp64Micro(time) FROM {self._table} FINAL"
        ).split()
        written = int(self._server.query(f"SELECT count() FROM {self._table}"))
        numbers = frozenset(self.numbers.number(int(row) / 1e6) for row in rows)
        return Arrived(len(rows), numbers, written - len(rows))


class InVictoria(Observer):
    """Points of a measurement; the same series and time is the same point."""

    def __init__(self, numbers: Numbers, server: Victoria, measurement: str) -> None:
        super().__init__(numbers)
        self._server = server
        self._match = f'{{__name__=~"{measurement}_(value|count)"}}'

    def seen(self) -> int:
        ask(self._server.port, "/internal/force_flush")
        path = (
            f"/api/v1/query?query=sum(count_over_time({quote(self._match, safe='')}[3h]))&nocache=1"
        )
        status, body = ask(self._server.port, path)
        if status != 200:
            raise ServiceError(f"VictoriaMetrics answers {status}: {body[:200]!r}")
        result = msgspec.json.decode(body)["data"]["result"]
        return int(result[0]["value"][1]) if result else 0

    def arrived(self) -> Arrived:
        times = [
            time for series in self._server.export(self._match) for time in series["timestamps"]
        ]
        return Arrived(len(times), frozenset(self.numbers.number(time / 1000) for time in times))


class InMails(Observer):
    """Events listed in the mails to one address; a mail with a known Message-ID is the same
    mail.
    """

    LINE = re.compile(r"chaos (\S+) (\S+) (\d{9,}(?:\.\d+)?)$", re.MULTILINE)

    def __init__(self, numbers: Numbers, server: Mail, address: str) -> None:
        super().__init__(numbers)
        self._server = server
        self._address = address
        self._read = 0
        self._mails: set[str] = set()
        self._repeated = 0
        self._events: list[tuple[str, str, int]] = []

    def seen(self) -> int:
        files = sorted((self._server.folder / "mails").glob("*.eml"))
        for path in files[self._read :]:
            self._read += 1
            mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            if mail["To"] != self._address:
                continue
            if mail["Message-ID"] in self._mails:
                self._repeated += 1
                continue
            self._mails.add(mail["Message-ID"])
            for id, subject, time in self.LINE.findall(mail.get_content().replace("\r\n", "\n")):
                self._events.append((id, subject, self.numbers.number(float(time))))
        return len({number for _, _, number in self._events})

    def arrived(self) -> Arrived:
        self.seen()
        order = Sequence()
        for event in self._events:
            order.add(*event)
        return Arrived(
            len(self._events), frozenset(order.numbers), self._repeated, order.out_of_order
        )


class Deliveries(Observer):
    """What a program that listens got, in order; fed by the listener."""

    def __init__(self, numbers: Numbers) -> None:
        super().__init__(numbers)
        self._sequence = Sequence()
        self._lock = threading.Lock()

    def take(self, events: Iterable[dict[str, Any]]) -> None:
        with self._lock:
            for event in events:
                self._sequence.add(
                    event["id"], event["subject"], self.numbers.number(event["time"])
                )

    def seen(self) -> int:
        return len(self._sequence.numbers)

    def arrived(self) -> Arrived:
        with self._lock:
            return self._sequence.arrived()


class Subscriber:
    """An MQTT client with a session that outlives outages: `echo/SOURCE/…` goes to that source's
    deliveries.
    """

    def __init__(self, server: Mosquitto, deliveries: dict[str, Deliveries]) -> None:
        self._deliveries = deliveries
        self._client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, client_id="listener", clean_session=False
        )
        self._client.username_pw_set("devices", server.password("devices"))
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe("echo/#", 1)
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", server.port)
        self._client.loop_start()

    def _on_message(self, client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        self._deliveries[message.topic.split("/")[1]].take([msgspec.json.decode(message.payload)])

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Consumer:
    """Reads topics from their start, in a thread: `topics` has whom to give the lines of each
    topic.
    """

    def __init__(self, connection: TopicConnection, topics: dict[str, Any]) -> None:
        """`topics` maps a topic to a function that takes its decoded lines."""
        self._connection = connection
        self._topics = topics
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="consumer", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        offsets: dict[TopicPartition, int] = {}
        while not self._closing.is_set():
            with contextlib.suppress(KafkaError, OSError):
                self._read(offsets)
            self._closing.wait(0.5)

    def _read(self, offsets: dict[TopicPartition, int]) -> None:
        consumer = KafkaConsumer(
            **self._connection.client_options(), group_id=None, enable_auto_commit=False,
            fetch_max_wait_ms=50,
            auto_offset_reset="earliest", bootstrap_timeout_ms=3_000,
        )  # fmt: skip
        try:
            partitions = {topic: consumer.partitions_for_topic(topic) for topic in self._topics}
            if not all(partitions.values()):
                return  # a flow makes it with its first event
            places = [
                TopicPartition(topic, number)
                for topic, found in partitions.items()
                for number in found or ()
            ]
            consumer.assign(places)
            for place in places:
                consumer.seek(place, offsets.get(place, 0))
            while not self._closing.is_set():
                for place, records in consumer.poll(timeout_ms=200).items():
                    for record in records:
                        lines = [
                            msgspec.json.decode(line) for line in record.value.split(b"\n") if line
                        ]
                        self._topics[place.topic](lines)
                        offsets[place] = record.offset + 1
        finally:
            consumer.close()

    def close(self) -> None:
        self._closing.set()
        self._thread.join(10)
