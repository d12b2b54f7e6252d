"""Whether a flow's memory grows: ten million events through each path, resident memory after the
first million and at the end.

`python -m tests.bench memory` takes some twenty minutes; `python -m tests.bench.memory EVENTS
[topic] [mqtt] [live] [binlog]` is a shorter one, kept only with all events.
"""

import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pymysql

from connectors.base import Health
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from infra.embedded.mariadb import ADMIN, MariaDB
from infra.embedded.mosquitto import Mosquitto
from infra.embedded.ports import free_port
from infra.embedded.stack import Stack
from operators.events import Event, Message
from tests.bench.readings import ABOVE, CLEAR, publish
from tests.bench.report import Figure, machine, save, table
from tests.bench.status import passed
from tests.flow_process import FlowProcess
from tests.waiting import wait_until

EVENTS = 10_000_000
MOST = 20.0
LIVE_MESSAGES = 100_000
DEVICES = 1000
ROWS_A_STATEMENT = 100_000
MISSED = 200_000
"""Rows more, for those that are written before the flow has found its place in the log."""
LIMIT_S = 900.0


@dataclass(frozen=True)
class Path_:
    """A flow of one source and what it does with its events; `name` is the row's."""

    name: str
    flow: str
    source: str
    rest: str


FROM_TOPIC = (
    Path_(
        "topic → hysteresis → topic",
        "memory_topic",
        "topic: bench.memory",
        f"streams: {{hot: {{from: given, steps: [threshold: {{above: {ABOVE:g}, clear:"
        f" {CLEAR:g}}}]}}}}\nsinks: {{out: {{from: hot, topic: bench.memory_edges}}}}",
    ),
    Path_(
        "topic → ClickHouse",
        "memory_rows",
        "topic: bench.memory",
        "sinks: {out: {from: given, clickhouse: readings}}",
    ),
    Path_(
        "topic → InfluxDB",
        "memory_points",
        "topic: bench.memory",
        "sinks: {out: {from: given, influxdb: {bucket: bench}}}",
    ),
    Path_(
        "topic → alarms → topic",
        "memory_alarms",
        "topic: bench.memory",
        f"alarms: {{hot: {{from: given, when: {{above: {ABOVE:g}, clear: {CLEAR:g}}}, response:"
        " x}}\nsinks: {out: {from: alarms, topic: bench.memory_alarms}}",
    ),
)
DECODED = (
    f"streams: {{readings: {{from: given, steps: [decode: DIALECT, threshold: {{above: {ABOVE:g},"
    f" clear: {CLEAR:g}}}]}}}}\nsinks: {{out: {{from: readings, topic: bench.memory_out}}}}"
)
MQTT = Path_(
    "MQTT's intake topic → decode → topic",
    "memory_mqtt",
    "mqtt: {topics: [zigbee2mqtt/+]}",
    DECODED.replace("DIALECT", "zigbee2mqtt"),
)
MQTT_LIVE = Path_(
    f"MQTT live, {LIVE_MESSAGES:,} messages",
    "memory_live",
    "mqtt: {topics: [zigbee2mqtt/+]}",
    DECODED.replace("DIALECT", "zigbee2mqtt"),
)
BINLOG = Path_(
    "binlog → decode → topic",
    "memory_binlog",
    "mariadb_binlog: {tables: [states, states_meta, state_attributes], snapshot: false}",
    DECODED.replace("DIALECT", "home_assistant_recorder"),
)


def memory(folder: Path, events: int = EVENTS, only: Sequence[str] = ()) -> list[Figure]:
    """MB of growth of each path, or of those from these sources `only`."""
    return [figure for name in only or SOURCES for figure in SOURCES[name](folder / name, events)]


def _topic(folder: Path, events: int) -> list[Figure]:
    with Stack(folder, ["redpanda", "clickhouse", "influxdb"]) as stack:
        publish(
            TopicConnection(**stack.connections()["redpanda"]), "bench.memory", events, pack=True
        )
        return [_row(stack, path, events) for path in FROM_TOPIC]


def _mqtt(folder: Path, events: int) -> list[Figure]:
    with Stack(folder, ["redpanda", "mqtt"]) as stack:
        return [_row(stack, MQTT, events, lambda: _fill_intake(stack, events))]


def _live(folder: Path, events: int) -> list[Figure]:
    live = min(LIVE_MESSAGES, events)
    with Stack(folder, ["redpanda", "mqtt"]) as stack:
        return [_row(stack, MQTT_LIVE, live, lambda: _publish_mqtt(stack, live))]


def _binlog(folder: Path, events: int) -> list[Figure]:
    with Stack(folder, ["redpanda", "mariadb"]) as stack:
        return [_row(stack, BINLOG, events, lambda: _write_rows(stack, events + MISSED))]


SOURCES: dict[str, Callable[[Path, int], list[Figure]]] = {
    "topic": _topic, "mqtt": _mqtt, "live": _live, "binlog": _binlog,
}  # fmt: skip


def _row(stack: Stack, path: Path_, events: int, feed: Any = None) -> Figure:
    definition = stack.folder / f"{path.flow}.yaml"
    definition.write_text(
        f"vigie: 1\nflow: {path.flow}\nsources: {{given: {{{path.source}}}}}\n{path.rest}\n"
    )
    port = free_port()
    began = time.monotonic()
    with FlowProcess(
        definition, stack.site, stack.folder / "data", "--status-port", str(port)
    ) as flow:
        feeding = threading.Thread(target=feed, daemon=True) if feed else None
        if feeding:
            feeding.start()
        seen = _watch(flow, port, events)
        if feeding:
            feeding.join()
    spent = time.monotonic() - began
    name = f"memory, {events:,} events, {path.name}"
    print(
        f"{name}: {' '.join(f'{mb:.0f}' for mb in seen)} MB in {spent:.0f} s",
        file=sys.stderr,
        flush=True,
    )
    return Figure(
        name,
        round(seen[-1] - seen[0], 1),
        "MB grown after the first tenth",
        None,
        None,
        f"< {MOST:g} MB",
    )


def _watch(flow: FlowProcess, port: int, events: int) -> list[float]:
    """Resident MB after each tenth of the events has passed the source."""
    seen: list[float] = []
    for tenth in range(1, 11):
        wait_until(
            lambda: passed(port, "given") >= tenth * events / 10,  # noqa: B023
            LIMIT_S,
            "events to pass",
            every=0.1,
        )
        seen.append(flow.memory())
    return seen


def _fill_intake(stack: Stack, count: int) -> None:
    """Messages as the intake writes them, behind its back: Mosquitto and paho could not make as
    many in an hour.
    """
    producer = Producer(TopicConnection(**stack.connections()["redpanda"]), Health(), "bench load")
    for batch in _messages(count):
        producer.send_events("vigie.in.memory_mqtt.given", batch, True)
    producer.flush()
    producer.close()


def _messages(count: int) -> Iterator[list[Event]]:
    bodies = [json.dumps({"temperature": 20 + n % 130 / 10}).encode() for n in range(1300)]
    start = time.time() - 3600
    for first in range(0, count, 5000):
        yield [
            Message(
                id=f"m{n}",
                time=start + n / count * 3000,
                topic=f"zigbee2mqtt/device_{n % DEVICES}",
                payload=bodies[(n // DEVICES + n) % 1300],
            )
            for n in range(first, min(first + 5000, count))
        ]


def _publish_mqtt(stack: Stack, count: int) -> None:
    mosquitto: Mosquitto = stack["mqtt"]
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.max_inflight_messages_set(1000)
    client.username_pw_set("devices", mosquitto.password("devices"))
    client.connect("127.0.0.1", mosquitto.port)
    client.loop_start()
    window = threading.Semaphore(2000)
    client.on_publish = lambda *_: window.release()
    for n in range(count):
        window.acquire()
        client.publish(
            f"zigbee2mqtt/device_{n % DEVICES}",
            json.dumps({"temperature": 20 + n % 130 / 10}),
            qos=1,
        )
    for _ in range(2000):
        window.acquire()
    client.loop_stop()
    client.disconnect()


def _write_rows(stack: Stack, count: int) -> None:
    server: MariaDB = stack["mariadb"]
    with (
        pymysql.connect(**server.client_options(ADMIN), autocommit=True) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "SET GLOBAL innodb_buffer_pool_size = 2 << 30"
        )  # the table's indexes outgrow the embedded server's
        cursor.execute("SET GLOBAL innodb_log_file_size = 1 << 30")
        cursor.execute(
            "INSERT INTO states_meta(entity_id) SELECT CONCAT('sensor.s', seq) FROM"
            f" seq_1_to_{DEVICES}"
        )
        attributes = '{"unit_of_measurement": "°C", "device_class": "temperature"}'
        cursor.execute(
            f"INSERT INTO state_attributes(shared_attrs) SELECT %s FROM seq_1_to_{DEVICES}",
            (attributes,),
        )
        for first in range(0, count, ROWS_A_STATEMENT):
            cursor.execute(
                "INSERT INTO states(state, last_updated_ts, attributes_id, metadata_id,"
                " origin_idx, context_id_bin) SELECT ROUND(20 + RAND() * 13, 2),"
                " UNIX_TIMESTAMP(NOW(6)), seq MOD %s + 1, seq MOD %s + 1, 0, UNHEX(MD5(seq)) FROM"
                f" seq_1_to_{min(ROWS_A_STATEMENT, count - first)}",
                (DEVICES, DEVICES),
            )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="vigie-memory-") as place:
        Path(place).chmod(0o711)
        count = int(sys.argv[1])
        made = memory(Path(place), count, sys.argv[2:])
        if count == EVENTS:
            save(made)
        print(f"Measured on {machine()}\n\n{table(made)}")
