"""Readings per CPU-second: topic → decode → hysteresis for 1,000 subjects → alarm topic."""

import statistics
from pathlib import Path

from connectors.base import ConnectorContext, Health
from connectors.kafka.components import Topic
from connectors.kafka.connection import TopicConnection
from infra.embedded.broker import Broker
from infra.embedded.stack import Stack
from tests.bench.peers.bare_loop import bare_loop
from tests.bench.peers.environments import run_quix
from tests.bench.readings import ABOVE, CLEAR, edges, publish
from tests.bench.report import Figure
from tests.flow_process import FlowProcess
from tests.otlp import Otlp
from tests.waiting import wait_until

PACKED = 1_500_000
UNPACKED = 200_000
ROUNDS = 3
SAMPLE = 0.01


def hysteresis(folder: Path) -> list[Figure]:
    """The job of Arrow, packed, unpacked, as Quix Streams does it, and as a bare loop: medians of
    `ROUNDS` in turn.
    """
    arrow, packed, unpacked, quix, bare = [], [], [], [], []
    for number in range(ROUNDS):
        place = folder / f"round{number}"
        with Stack(place, ["redpanda"]) as stack:
            connection = TopicConnection(**stack.connections()["redpanda"])
            publish(connection, "bench.packed", PACKED, pack=True)
            publish(connection, "bench.unpacked", UNPACKED, pack=False)
            publish(connection, "bench.arrow", PACKED, pack="arrow")
            arrow.append(_through(stack, connection, place, "arrow", PACKED))
            packed.append(_through(stack, connection, place, "packed", PACKED))
            unpacked.append(_through(stack, connection, place, "unpacked", UNPACKED))
            quix.append(run_quix(_address(stack), "bench.unpacked", "bench.quix_alarms", UNPACKED))
        bare.append(bare_loop(PACKED))
    peer = statistics.median(quix)
    ours = statistics.median(packed)
    unit = "readings per CPU-second"
    name = "topic → hysteresis of 1,000 subjects → topic"
    return [
        Figure(
            f"{name}, Arrow",
            statistics.median(arrow),
            unit,
            "Quix Streams 3.28",
            peer,
            "≥ 2,500,000 and ≥ 15 × Quix",
        ),
        Figure(
            f"{name}, packed", ours, unit, "Quix Streams 3.28", peer, "≥ 400,000 and ≥ 4 × Quix"
        ),
        Figure(
            f"{name}, unpacked",
            statistics.median(unpacked),
            unit,
            "Quix Streams 3.28",
            peer,
            "≥ 1.5 × Quix",
        ),
        Figure(
            f"{name}, beside a bare loop",
            ours,
            unit,
            "decode and compare in one loop",
            statistics.median(bare),
            None,
        ),
    ]


def traces(folder: Path) -> list[Figure]:
    """Readings per CPU-second with traces, beside the same without; medians of `ROUNDS` in turn."""
    on, off = [], []
    step = f"threshold: {{above: {ABOVE:g}, clear: {CLEAR:g}}}"
    for number in range(ROUNDS):
        place = folder / f"round{number}"
        with Otlp() as otlp, Stack(place, ["redpanda"]) as stack:
            connection = TopicConnection(**stack.connections()["redpanda"])
            wanted = f"traces: {{to: '{otlp.address}', sample: {SAMPLE}}}\n"
            without = stack.site.read_text()
            for name, site, found in (("off", without, off), ("on", without + wanted, on)):
                stack.site.write_text(site)
                publish(connection, f"bench.{name}", PACKED, pack=True)
                found.append(through(stack, connection, place, name, step, PACKED, edges(PACKED)))
            if not otlp.spans():
                raise AssertionError("the receiver of traces got none")
    return [
        Figure(
            f"topic → hysteresis → topic, packed, {SAMPLE:.0%} of all readings followed (at most"
            " 100 a second)",
            statistics.median(on),
            "readings per CPU-second",
            "the same without traces",
            statistics.median(off),
            None,
        )
    ]


def through(
    stack: Stack,
    connection: TopicConnection,
    folder: Path,
    name: str,
    step: str,
    count: int,
    expected: int,
) -> float:
    """Readings per CPU-second of a flow of one step on topic `bench.NAME`, until at least
    `expected` events came out.
    """
    definition = _definition(
        folder,
        name,
        f"sources: {{readings: {{topic: bench.{name}}}}}\n"
        f"streams: {{made: {{from: readings, steps: [{step}]}}}}\n"
        f"sinks: {{out: {{from: made, topic: bench.{name}_out}}}}",
    )
    counter = Counting(connection, f"bench.{name}_out")
    with FlowProcess(definition, stack.site, folder / "data") as flow:
        wait_until(lambda: counter.count() >= expected, 180, f"{expected} events", every=0.05)
        rate = count / (flow.cpu() - flow.running_cpu)
    counter.close()
    return rate


def _address(stack: Stack) -> str:
    broker: Broker = stack["redpanda"]
    return broker.address


def _through(
    stack: Stack, connection: TopicConnection, folder: Path, name: str, count: int
) -> float:
    definition = _definition(
        folder,
        name,
        f"sources: {{readings: {{topic: bench.{name}}}}}\nstreams: {{hot: {{from: readings, steps:"
        f" [threshold: {{above: {ABOVE:g}, clear: {CLEAR:g}}}]}}}}\nsinks: {{edges: {{from: hot,"
        f" topic: bench.{name}_alarms}}}}",
    )
    expected = edges(count)
    counter = Counting(connection, f"bench.{name}_alarms")
    with FlowProcess(definition, stack.site, folder / "data") as flow:
        wait_until(lambda: counter.count() >= expected, 180, f"{expected} edges", every=0.05)
        rate = count / (flow.cpu() - flow.running_cpu)
    counter.close()
    if counter.count() != expected:
        raise AssertionError(f"{name}: {counter.count()} edges came out, {expected} were due")
    return rate


class Counting:
    """How many events a topic has."""

    def __init__(self, connection: TopicConnection, topic: str) -> None:
        source = Topic(name=topic)
        context = ConnectorContext(
            flow="bench", name="count", connection=connection, health=Health()
        )
        self._readers = [source.open(context, part, None) for part in source.partitions(context)]
        self._seen = 0

    def count(self) -> int:
        for reader in self._readers:
            while batch := reader.read():
                self._seen += len(batch.events)
        return self._seen

    def close(self) -> None:
        for reader in self._readers:
            reader.close()


def _definition(folder: Path, name: str, body: str) -> Path:
    path = folder / f"bench_{name}.yaml"
    path.write_text(f"vigie: 1\nflow: bench_{name}\n{body}\n")
    return path
