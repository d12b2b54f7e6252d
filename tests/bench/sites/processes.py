"""One flow over 8 partitions as one, two and four processes: CPU per reading, and speed-up."""

import os
import signal
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from connectors.kafka.admin import ensure_topic
from connectors.kafka.connection import TopicConnection
from infra.embedded.stack import Stack, measured_on
from tests.bench.readings import ABOVE, CLEAR, edges, publish
from tests.bench.report import Figure
from tests.bench.throughput import Counting
from tests.flow_process import FlowProcess, cpu_of
from tests.flows.running import write
from tests.waiting import wait_until

PARTITIONS = 8
READINGS = int(os.environ.get("READINGS", "2000000"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
COUNTS = (1, 2, 4)
LONGEST = 600.0
FLOW = f"""\
sources: {{readings: {{topic: shared.in}}}}
alarms:
  hot: {{from: readings, when: {{above: {ABOVE:g}, clear: {CLEAR:g}}}, response: Cool it.}}
sinks: {{changes: {{from: hot, topic: shared.NAME}}}}
"""


@dataclass(frozen=True)
class _Run:
    """CPU in µs a reading, of the processes and of the broker, and the seconds that it took."""

    cpu: float
    broker: float
    took: float


def processes(folder: Path) -> list[Figure]:
    """Medians of `ROUNDS`, one, two and four in turn; all processes begin at once."""
    expected = edges(READINGS)
    runs: dict[int, list[_Run]] = {count: [] for count in COUNTS}
    with Stack(folder / "services", ["redpanda"]) as stack:
        connection = TopicConnection(**stack.connections()["redpanda"])
        ensure_topic(connection, "shared.in", PARTITIONS)
        publish(connection, "shared.in", READINGS, pack=True)
        for number in range(ROUNDS):
            for count in COUNTS:
                place = folder / f"{number}-{count}"
                place.mkdir()
                runs[count].append(_run(stack, connection, place, count, expected))
    return [figure for count in COUNTS for figure in _figures(count, runs)]


def _run(
    stack: Stack, connection: TopicConnection, folder: Path, count: int, expected: int
) -> _Run:
    name = f"out{folder.name}"
    definition = write(folder, f"shared{folder.name.replace('-', '_')}", FLOW.replace("NAME", name))
    counting = Counting(connection, f"shared.{name}")
    flows = list[FlowProcess]()
    try:
        for share in range(count):
            process = f"{share + 1}/{count}"
            flow = FlowProcess(definition, stack.site, folder / "data", "--process", process)
            flows.append(flow.wait_running())
            os.kill(flow.pid, signal.SIGSTOP)  # until all of them are there
        before, broker = sum(flow.cpu() for flow in flows), cpu_of(stack["redpanda"].pid)
        began = time.monotonic()
        for flow in flows:
            os.kill(flow.pid, signal.SIGCONT)
        wait_until(lambda: counting.count() >= expected, LONGEST, "all changes", every=0.05)
        took = time.monotonic() - began
        cpu, of_broker = sum(flow.cpu() for flow in flows), cpu_of(stack["redpanda"].pid)
    finally:
        for flow in flows:
            flow.kill()
        counting.close()
    if counting.count() != expected:
        raise AssertionError(f"{counting.count()} changes came, {expected} were due")
    return _Run(1e6 * (cpu - before) / READINGS, 1e6 * (of_broker - broker) / READINGS, took)


def _figures(count: int, runs: dict[int, list[_Run]]) -> list[Figure]:
    """Those of so many processes, beside one."""

    def median(of: int, what: str) -> float:
        return statistics.median(getattr(run, what) for run in runs[of])

    who = "one process" if count == 1 else f"{count} processes"
    name = measured_on(f"topic of {PARTITIONS} partitions → alarm → topic, {who}")
    alone = median(1, "cpu")
    bound = f"≤ {1.1 * alone:.2f}" if count > 1 else None
    return [
        Figure(f"{name}: CPU", median(count, "cpu"), "µs/reading", "one process", alone, bound),
        Figure(f"{name}: CPU of the broker", median(count, "broker"), "µs/reading"),
        Figure(f"{name}: speed-up", median(1, "took") / median(count, "took"), "times"),
        Figure(f"{name}: readings a second", READINGS / median(count, "took"), "readings/s"),
    ]
