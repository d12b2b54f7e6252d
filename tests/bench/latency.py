"""MQTT publish to WebSocket receive at 1,000 messages/s: two topic hops beside a direct relay;
and what an idle flow costs.
"""

import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import paho.mqtt.client as mqtt
from websockets import Subprotocol
from websockets.sync.client import ClientConnection, connect

from infra.demo.programs import ApiProgram
from infra.embedded.mosquitto import Mosquitto
from infra.embedded.ports import free_port
from infra.embedded.stack import Stack, measured_on
from tests.bench.report import Figure
from tests.flow_process import FlowProcess
from tests.waiting import wait_until

RATE = 1000
WARM_UP = 3.0
SECONDS = 20.0
IDLE_SECONDS = 20.0
TOPIC = "zigbee2mqtt/meter_{}"
METERS = 50


def latency(folder: Path) -> list[Figure]:
    """p50 and p99 in milliseconds, through the log and without one."""
    with Stack(folder, ["redpanda", "mqtt"]) as stack:
        ours = _through_vigie(folder, stack)
        direct = _direct(stack)
    name = measured_on("MQTT publish → WebSocket receive, 1,000 msg/s, two topic hops")
    peer = "paho to WebSocket without a log"
    return [
        Figure(f"{name}, p50", ours[0], "ms", peer, direct[0], "≤ 30 ms"),
        Figure(f"{name}, p99", ours[1], "ms", peer, direct[1], "≤ 75 ms"),
    ]


def idle(folder: Path) -> list[Figure]:
    """CPU and memory of one flow process with an MQTT source and nothing to do."""
    with Stack(folder, ["redpanda", "mqtt"]) as stack, _flow(folder, stack) as flow:
        wait_until(lambda: flow.cpu() > 0, 10, "the flow's first CPU tick")
        time.sleep(3)
        before, since = flow.cpu(), time.monotonic()
        time.sleep(IDLE_SECONDS)
        percent = 100 * (flow.cpu() - before) / (time.monotonic() - since)
        memory = flow.memory()
    return [
        Figure(measured_on("idle flow process, CPU"), percent, "% of a core", None, None, "≤ 12 %"),
        Figure(
            measured_on("idle flow process, resident memory"), memory, "MB", None, None, "≤ 150 MB"
        ),
    ]


def _flow(folder: Path, stack: Stack) -> FlowProcess:
    definition = folder / "bench_latency.yaml"
    definition.write_text(
        "vigie: 1\nflow: bench_latency\n"
        "sources: {meters: {mqtt: {topics: [zigbee2mqtt/+]}}}\n"
        "streams: {readings: {from: meters, steps: [decode: zigbee2mqtt]}}\n"
        "sinks: {live: {from: readings, websocket: bench}}\n"
    )
    return FlowProcess(definition, stack.site, folder / "data")


def _through_vigie(folder: Path, stack: Stack) -> tuple[float, float]:
    with (
        _flow(folder, stack),
        ApiProgram(folder / "api", stack.site) as api,
        _subscribe(api) as client,
    ):
        return _measure(stack, client, lambda text: json.loads(text)["data"]["value"])


def _subscribe(api: ApiProgram) -> ClientConnection:
    client = connect(
        f"ws://{api.address}/ws",
        additional_headers={"Authorization": f"Bearer {api.log_in()}"},
        subprotocols=[Subprotocol("vigie.push.v1")],
        compression=None,
    )
    client.send(json.dumps({"type": "subscribe", "channels": ["bench"]}))
    return client


def _direct(stack: Stack) -> tuple[float, float]:
    port = free_port()
    mosquitto: Mosquitto = stack["mqtt"]
    command = [
        sys.executable,
        "-m",
        "tests.bench.peers.direct_relay",
        str(mosquitto.port),
        "vigie",
        str(port),
    ]
    relay = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert relay.stdin
    assert relay.stdout
    try:
        relay.stdin.write(mosquitto.password("vigie") + "\n")
        relay.stdin.flush()
        relay.stdout.readline()
        with connect(f"ws://127.0.0.1:{port}", compression=None) as client:
            return _measure(stack, client, lambda text: json.loads(text)["power"])
    finally:
        relay.kill()
        relay.wait()


def _measure(
    stack: Stack, client: ClientConnection, number_of: Callable[[str], float]
) -> tuple[float, float]:
    """Publish numbered messages at the rate, and pair each with its arrival; (p50, p99) in
    milliseconds.
    """
    mosquitto: Mosquitto = stack["mqtt"]
    publisher = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    publisher.username_pw_set("devices", mosquitto.password("devices"))
    publisher.connect("127.0.0.1", mosquitto.port)
    publisher.loop_start()
    total = int(RATE * (WARM_UP + SECONDS))
    arrived: dict[int, float] = {}

    def receive() -> None:
        while len(arrived) < total:
            text = client.recv(timeout=20)
            now = time.perf_counter()
            assert isinstance(text, str)
            if '"power"' in text:
                arrived[int(number_of(text))] = now

    receiver = threading.Thread(target=receive)
    receiver.start()
    sent: list[float] = []
    start = time.perf_counter()
    for n in range(total):
        while (ahead := start + n / RATE - time.perf_counter()) > 0:
            time.sleep(ahead)
        sent.append(time.perf_counter())
        publisher.publish(TOPIC.format(n % METERS), json.dumps({"power": n}), qos=1)
    receiver.join(30)
    publisher.loop_stop()
    publisher.disconnect()
    if len(arrived) < total:
        raise AssertionError(f"{total} messages were published, {len(arrived)} arrived")
    delays = [(arrived[n] - sent[n]) * 1000 for n in range(int(RATE * WARM_UP), total)]
    cuts = statistics.quantiles(delays, n=100)
    return round(cuts[49], 2), round(cuts[98], 2)
