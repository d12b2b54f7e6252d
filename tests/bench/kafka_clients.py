"""Readings per CPU-second out of a topic: our consumer beside librdkafka (confluent-kafka)."""

import statistics
import time
from pathlib import Path

from connectors.base import ConnectorContext, Health
from connectors.kafka.components import Topic
from connectors.kafka.connection import TopicConnection
from infra.embedded.stack import Stack
from tests.bench.peers.environments import run_confluent
from tests.bench.readings import publish
from tests.bench.report import Figure

PACKED = 1_000_000
UNPACKED = 200_000
ROUNDS = 3


def kafka_clients(folder: Path) -> list[Figure]:
    """Packed and unpacked topics, read and decoded by each client: medians of `ROUNDS` in turn."""
    with Stack(folder, ["redpanda"]) as stack:
        connection = TopicConnection(**stack.connections()["redpanda"])
        return [
            _figure(stack, connection, "packed", PACKED, pack=True),
            _figure(stack, connection, "unpacked", UNPACKED, pack=False),
        ]


def _figure(stack: Stack, connection: TopicConnection, form: str, count: int, pack: bool) -> Figure:
    topic = f"bench.{form}"
    publish(connection, topic, count, pack)
    ours, peer = [], []
    for _ in range(ROUNDS):
        ours.append(_read(connection, topic, count))
        peer.append(run_confluent(stack["redpanda"].address, topic, count))
    unit = "readings per CPU-second"
    return Figure(
        f"topic → events, {form}",
        statistics.median(ours),
        unit,
        "confluent-kafka",
        statistics.median(peer),
    )


def _read(connection: TopicConnection, topic: str, count: int) -> float:
    source = Topic(name=topic)
    context = ConnectorContext(flow="bench", name="read", connection=connection, health=Health())
    before = time.process_time()
    readers = [source.open(context, part, None) for part in source.partitions(context)]
    seen = 0
    while seen < count:
        for reader in readers:
            while batch := reader.read():
                seen += len(batch.events)
        time.sleep(0.001)
    used = time.process_time() - before
    for reader in readers:
        reader.close()
    return count / used
