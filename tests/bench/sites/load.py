"""A whole site under load, for LOAD_SECONDS (60): is anything lost, does anything grow?

20,000 readings/s from a topic and 2,000 messages/s through MQTT go into ClickHouse and InfluxDB,
through windows and alarms, and to 500 WebSocket clients, each of which follows one meter.
"""

import contextlib
import json
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as mqtt

from connectors.base import Health
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from infra.demo.programs import ApiProgram
from infra.embedded.clickhouse import ClickHouse
from infra.embedded.mosquitto import Mosquitto
from infra.embedded.ports import free_port
from infra.embedded.stack import Stack, measured_on
from infra.embedded.victoria import Victoria
from operators.events import Reading
from tests.bench.peers.crowd import Crowd
from tests.bench.report import Figure
from tests.bench.status import status
from tests.flow_process import FlowProcess, memory_of
from tests.waiting import wait_until

SECONDS = float(os.environ.get("LOAD_SECONDS", "60"))
MACHINES, METERS = 2000, 500
MACHINES_A_SECOND, METERS_A_SECOND = 20_000, 2_000
BEAT = 0.05
CATCH_UP = 120.0
TABLES = ("readings", "means", "changes")
DEFINITION = """\
vigie: 1
flow: load
sources:
  machines: {topic: load.in}
  meters: {mqtt: {topics: [zigbee2mqtt/+]}}
streams:
  power: {from: meters, steps: [decode: zigbee2mqtt]}
  every_ten: {from: machines, steps: [window: {every: 10s, calculate: [mean, max]}]}
alarms:
  hot: {from: machines, when: {above: 30 °C, clear: 28 °C}, ack: optional, response: Cool it.}
sinks:
  rows: {from: [machines, power], clickhouse: {table: readings}}
  points: {from: [machines, power], influxdb: {bucket: load}}
  means: {from: every_ten, clickhouse: {table: means}}
  changes: {from: alarms, clickhouse: {table: changes}}
  live:
    from: power
    websocket: "meter/{subject}"
    shape: {sent: "{value}", end: 1}
"""
API = "api: {connections_per_account: 1000, connections_per_address: 1000}\n"


@dataclass
class Sent:
    """What the load was so far, and what it must lead to."""

    machines: int = 0
    meters: int = 0
    raised: int = 0
    hot: list[bool] = field(default_factory=lambda: [False] * MACHINES)


def load(folder: Path) -> list[Figure]:
    """What is lost, the latency at the end beside that of the start, lag and growth of memory."""
    with Stack(folder, ["redpanda", "mqtt", "clickhouse", "influxdb"]) as stack:
        stack.site.write_text(stack.site.read_text() + API)
        definition = folder / "load.yaml"
        definition.write_text(DEFINITION)
        port = free_port()
        with (
            FlowProcess(
                definition, stack.site, folder / "data", "--status-port", str(port)
            ).wait_running() as flow,
            ApiProgram(folder / "api", stack.site) as api,
            contextlib.closing(
                Crowd(api.port, METERS, token=api.log_in(), channel="meter/m{}")
            ) as crowd,
        ):
            assert api.pid
            sent = Sent()
            lags, grown, delays = _run(stack, sent, port, (flow.pid, api.pid), crowd)
            lost = _lost(stack, sent, crowd)
    name = measured_on(
        f"{MACHINES_A_SECOND:,} readings/s and {METERS_A_SECOND:,} messages/s into two stores and"
        f" {METERS} clients, {SECONDS:g} s"
    )
    (first50, first99), (last50, last99) = delays
    return [
        *(Figure(f"{name}: lost, {what}", n, "", bound="0") for what, n in lost.items()),
        Figure(f"{name}: MQTT → WebSocket, p50", last50, "ms", "in the first quarter", first50),
        Figure(f"{name}: MQTT → WebSocket, p99", last99, "ms", "in the first quarter", first99),
        Figure(f"{name}: read later than written, at most", lags["source"], "s"),
        Figure(f"{name}: waiting for a store, at most", lags["sink"], "events"),
        Figure(f"{name}: memory of the flow, after the first quarter", grown[0], "MB"),
        Figure(f"{name}: memory of the api, after the first quarter", grown[1], "MB"),
    ]


def _run(
    stack: Stack, sent: Sent, port: int, pids: tuple[int, int], crowd: Crowd
) -> tuple[dict[str, float], list[float], list[tuple[float, float]]]:
    """Load; the largest lags, growth of memory after the first quarter, delays of two quarters."""
    ending = threading.Event()
    feeders = [
        threading.Thread(target=feed, args=(stack, sent, ending)) for feed in (_machines, _meters)
    ]
    for feeder in feeders:
        feeder.start()
    lags = {"source": 0.0, "sink": 0.0}
    memories: list[list[float]] = []
    delays: list[tuple[float, float]] = []
    began = time.monotonic()
    for quarter in range(4):
        crowd.delays.clear()
        while time.monotonic() < began + (quarter + 1) * SECONDS / 4:
            time.sleep(1)
            if quarter:
                text = status(port)
                for lag, gauge in (
                    ("source", "vigie_source_behind_seconds"),
                    ("sink", "vigie_sink_lag_records"),
                ):
                    lags[lag] = max(lags[lag], *values(text, gauge))
        memories.append([memory_of(pid) for pid in pids])
        delays.append(crowd.quantiles())
    ending.set()
    for feeder in feeders:
        feeder.join()
    grown = [last - first for first, last in zip(memories[0], memories[-1], strict=True)]
    return lags, grown, [delays[0], delays[-1]]


def values(text: str, gauge: str) -> Iterator[float]:
    """Those of one metric in Prometheus's text; 0 besides."""
    yield 0.0
    for line in text.splitlines():
        if line.startswith(gauge):
            yield float(line.rpartition(" ")[2])


def _lost(stack: Stack, sent: Sent, crowd: Crowd) -> dict[str, float]:
    """What did not arrive within `CATCH_UP`; below 0 what came twice."""
    clickhouse: ClickHouse = stack["clickhouse"]
    victoria: Victoria = stack["influxdb"]
    both = sent.machines + sent.meters
    found: dict[str, tuple[int, Callable[[], int]]] = {
        "rows in ClickHouse": (
            both, lambda: int(clickhouse.query("SELECT count() FROM vigie.readings"))
        ),
        "alarms in ClickHouse": (
            sent.raised,
            lambda: int(clickhouse.query(
                "SELECT count() FROM vigie.changes WHERE change = 'raised'"
            )),
        ),
        "points in the series store": (both, victoria.points),
        "messages to clients": (sent.meters, lambda: crowd.messages),
    }  # fmt: skip
    with contextlib.suppress(AssertionError):
        wait_until(
            lambda: all(there() >= wanted for wanted, there in found.values()), CATCH_UP, "the end"
        )
    return {what: wanted - there() for what, (wanted, there) in found.items()}


def _machines(stack: Stack, sent: Sent, ending: threading.Event) -> None:
    """Readings of machines in turn; each is too hot for a while, every 400 of them."""
    wave = [round(25 + 6 * math.sin(2 * math.pi * step / 400), 2) for step in range(400)]
    producer = Producer(TopicConnection(**stack.connections()["redpanda"]), Health(), "load")
    size = int(MACHINES_A_SECOND * BEAT)
    for _ in _beats(ending):
        now, first = time.time(), sent.machines
        some = []
        for n in range(first, first + size):
            turn, machine = divmod(n, MACHINES)
            value = wave[(turn + machine) % 400]
            hot = value > 30 or (sent.hot[machine] and value > 28)
            sent.raised += hot and not sent.hot[machine]
            sent.hot[machine] = hot
            some.append(
                Reading(
                    id=f"m{n}",
                    time=now,
                    subject=f"machine_{machine}",
                    metric="temperature",
                    value=value,
                    unit="°C",
                )
            )
        producer.send_events("load.in", some, pack=True)
        sent.machines += size
    producer.close()


def _meters(stack: Stack, sent: Sent, ending: threading.Event) -> None:
    """Messages of meters in turn, whose value is the time."""
    mosquitto: Mosquitto = stack["mqtt"]
    publisher = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    publisher.username_pw_set("devices", mosquitto.password("devices"))
    publisher.max_inflight_messages_set(1000)
    publisher.connect("127.0.0.1", mosquitto.port)
    publisher.loop_start()
    size = int(METERS_A_SECOND * BEAT)
    last = None
    for _ in _beats(ending):
        for n in range(sent.meters, sent.meters + size):
            text = json.dumps({"power": round(time.time(), 6)})
            last = publisher.publish(f"zigbee2mqtt/m{n % METERS}", text, qos=1)
        sent.meters += size
    if last is not None:
        last.wait_for_publish(60)
    publisher.loop_stop()
    publisher.disconnect()


def _beats(ending: threading.Event) -> Iterator[None]:
    due = time.monotonic()
    while not ending.is_set():
        yield
        due += BEAT
        time.sleep(max(0.0, due - time.monotonic()))
