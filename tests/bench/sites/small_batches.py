"""A flow at 50 and 1,000 readings a second, each of them an edge: its CPU, and how late edges are.

A foreign producer writes each reading as a record of its own. An edge has the time of its reading,
which was taken just before that was given to the producer; the peer is the way from a producer to a
consumer alone.
"""

import math
import statistics
import subprocess
import sys
import time
from pathlib import Path

from kafka import KafkaConsumer, KafkaProducer

from connectors.kafka.admin import ensure_topic, partition_of
from connectors.kafka.connection import TopicConnection
from infra.embedded.stack import Stack, measured_on
from operators.events import Event, Reading, decode_lines, encode_lines
from tests.bench.report import Figure
from tests.flow_process import FlowProcess

SUBJECTS = 100
WARM_UP, SECONDS, AFTER = 3.0, 15.0, 1.0
PARTITIONS = 4
LINGER_MS = 2
"""Of the foreign producer."""
BOUNDS = {50: "≤ 3 %", 1000: "≤ 20 %"}


def small_batches(folder: Path) -> list[Figure]:
    """CPU of the flow, and p50 and p99 from reading to edge, by rate."""
    with Stack(folder, ["redpanda"]) as stack:
        connection = TopicConnection(**stack.connections()["redpanda"])
        figures = []
        for rate, bound in BOUNDS.items():
            alone = delays(connection, f"bench.alone{rate}", f"bench.alone{rate}", rate)
            place = folder / str(rate)
            place.mkdir()
            with flow_of(place, stack.site, connection) as flow:
                cpu, p50, p99 = measure(connection, flow, place.name, rate)
            name = measured_on(f"topic → threshold → topic, {rate:,} readings/s, each an edge")
            peer = "producer to consumer alone"
            figures += [
                Figure(f"{name}, CPU of the flow", cpu, "% of a core", None, None, bound),
                Figure(f"{name}, p50", p50, "ms", peer, alone[0], "≤ 8 ms" if rate > 50 else None),
                Figure(f"{name}, p99", p99, "ms", peer, alone[1], "≤ 20 ms" if rate > 50 else None),
            ]
    return figures


def flow_of(folder: Path, site: Path, connection: TopicConnection) -> FlowProcess:
    """A flow that makes an edge of each reading."""
    definition = folder / "bench_small.yaml"
    source, target = f"{folder.name}.in", f"{folder.name}.out"
    definition.write_text(
        f"vigie: 1\nflow: bench_small\nsources: {{readings: {{topic: {source}}}}}\n"
        "streams: {hot: {from: readings, steps: [threshold: {above: 30, clear: 28}]}}\n"
        f"sinks: {{edges: {{from: hot, topic: {target}}}}}\n"
    )
    for topic in (source, target):
        ensure_topic(connection, topic, PARTITIONS)
    return FlowProcess(definition, site, folder / "data")


def measure(
    connection: TopicConnection, flow: FlowProcess, name: str, rate: int
) -> tuple[float, float, float]:
    """Per cent of a core, and p50 and p99 in milliseconds."""
    used: list[tuple[float, float]] = []
    p50, p99 = delays(connection, f"{name}.in", f"{name}.out", rate, flow, used)
    (began, before), (ended, after) = used[0], used[-1]
    return round(100 * (after - before) / (ended - began), 1), p50, p99


def delays(
    connection: TopicConnection,
    source: str,
    target: str,
    rate: int,
    flow: FlowProcess | None = None,
    used: list[tuple[float, float]] | None = None,
) -> tuple[float, float]:
    """p50 and p99 in milliseconds from a reading in `source` to what it causes in `target`."""
    ensure_topic(connection, source, PARTITIONS)
    consumer = KafkaConsumer(
        target, **connection.client_options(), fetch_max_wait_ms=5 if _polls(connection) else 500
    )
    while not consumer.poll(50) and len(consumer.assignment()) < PARTITIONS:
        pass
    brokers = ",".join(connection.brokers)
    command = [sys.executable, "-m", __name__, brokers, source, str(rate)]
    loader = subprocess.Popen(command, stdin=subprocess.PIPE)
    found: list[float] = []
    first = last = math.inf
    while (now := time.time()) < last + AFTER:
        for records in consumer.poll(50).values():
            now = time.time()
            first = min(first, now + WARM_UP)
            last = first + SECONDS
            for record in records:
                found += [
                    now - event.time  # type: ignore[union-attr]
                    for event in decode_lines(record.value)
                    if first <= event.time < last  # type: ignore[union-attr]
                ]
        if flow and used is not None and first <= now < last:
            used.append((now, flow.cpu()))
    loader.kill()
    loader.wait()
    consumer.close()
    expected = rate * SECONDS
    if abs(len(found) - expected) > 0.05 * expected:
        raise AssertionError(f"{target}: {len(found)} events came, {expected:.0f} were due")
    cuts = statistics.quantiles(found, n=100)
    return round(1e3 * cuts[49], 2), round(1e3 * cuts[98], 2)


def _polls(connection: TopicConnection) -> bool:
    """Whether the broker does not wake who waits for records: the embedded one."""
    return not connection.idempotence


def load(brokers: str, topic: str, rate: int) -> None:
    """Write readings that swing over a limit until killed."""
    producer = KafkaProducer(
        bootstrap_servers=brokers.split(","), linger_ms=LINGER_MS, metrics_enabled=False,
        enable_idempotence=False,
    )  # fmt: skip
    producer.partitions_for(topic)
    began, n = time.monotonic(), 0
    while True:
        subject = f"room_{n % SUBJECTS}"
        value = 35.0 if n // SUBJECTS % 2 else 20.0
        time.sleep(max(0.0, began + n / rate - time.monotonic()))
        event: Event = Reading(
            id=f"r{n}", time=time.time(), subject=subject, metric="temperature", value=value,
        )  # fmt: skip
        producer.send(
            topic, encode_lines([event]), subject.encode(),
            partition=partition_of(subject, PARTITIONS),
        )  # fmt: skip
        n += 1


if __name__ == "__main__":
    load(sys.argv[1], sys.argv[2], int(sys.argv[3]))
