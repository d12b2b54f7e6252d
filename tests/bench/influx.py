"""Points per CPU-second: topic → flow → series store, beside influxdb-client with its own Point
objects.
"""

import itertools
import time
from pathlib import Path

from influxdb_client import InfluxDBClient, Point
from influxdb_client.client.write_api import SYNCHRONOUS

from connectors.kafka.connection import TopicConnection
from infra.embedded.ports import free_port
from infra.embedded.stack import Stack
from infra.embedded.victoria import Victoria
from operators.events import Reading
from tests.bench.readings import publish, readings
from tests.bench.report import Figure
from tests.bench.status import passed
from tests.flow_process import FlowProcess
from tests.waiting import wait_until

POINTS = 2_000_000
PEER_POINTS = 100_000
BATCH = 5000


def influx(folder: Path) -> list[Figure]:
    """CPU-seconds of the flow's process, and of this one for the peer."""
    with Stack(folder, ["redpanda", "influxdb"]) as stack:
        ours = _flow(stack, folder)
        victoria: Victoria = stack["influxdb"]
        peer = _points(victoria)
    return [
        Figure(
            "topic → InfluxDB sink",
            ours,
            "points per CPU-second",
            "influxdb-client, Point objects",
            peer,
            "≥ 200,000",
        )
    ]


def _flow(stack: Stack, folder: Path) -> float:
    publish(TopicConnection(**stack.connections()["redpanda"]), "bench.packed", POINTS, pack=True)
    definition = folder / "bench_points.yaml"
    definition.write_text(
        "vigie: 1\nflow: bench_points\nsources: {readings: {topic: bench.packed}}\n"
        "sinks: {points: {from: readings, influxdb: {bucket: bench}}}\n"
    )
    port = free_port()
    with FlowProcess(definition, stack.site, folder / "data", "--status-port", str(port)) as flow:
        wait_until(
            lambda: passed(port, "points") >= POINTS,
            120,
            f"{POINTS} points to be written",
            every=0.2,
        )
        return POINTS / (flow.cpu() - flow.running_cpu)


def _points(victoria: Victoria) -> float:
    events = list(itertools.chain.from_iterable(readings(PEER_POINTS)))
    with InfluxDBClient(url=victoria.url, token=victoria.token, org=victoria.ORG) as client:
        api = client.write_api(write_options=SYNCHRONOUS)
        began = time.process_time()
        for first in range(0, PEER_POINTS, BATCH):
            api.write(
                "bench", victoria.ORG, [_point(event) for event in events[first : first + BATCH]]
            )
        return PEER_POINTS / (time.process_time() - began)


def _point(event: object) -> Point:
    assert isinstance(event, Reading)
    return (
        Point(event.metric)
        .tag("subject", event.subject)
        .field("value", event.value)
        .time(int(event.time * 1e9))
    )
