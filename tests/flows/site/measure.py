"""`python -m tests.flows.site.measure`: what a site under `vigie up` costs, and how long swaps take.

Ten flows: time until all evaluate, memory, CPU while idle. Then edits of one of them while readings
come: from the file being saved until the new version runs.
"""

import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

from connectors.base import Health
from connectors.kafka.producer import Producer
from infra.embedded.broker import Broker
from operators.events import Reading
from tests.flow_process import cpu_of
from tests.flows.site.up import Up

FLOWS = 10
IDLE = 30.0
RATE = 1000


def private_of(pid: int) -> float:
    """Memory that a process shares with no other, in MB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(n) for n in re.findall(r"^Private_\w+:\s+(\d+)", text, re.MULTILINE)) / 1000


def feed(producer: Producer, topic: str, seconds: float, known: int) -> int:
    """Readings at a steady rate, each a little below the limit."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        now = time.time()
        some = [
            Reading(id=f"r{known + n}", time=now, subject=f"s{n % 50}", metric="t", value=20)
            for n in range(RATE // 10)
        ]
        producer.send_events(topic, some)
        known += len(some)
        time.sleep(0.1)
    return known


def main(edits: int) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="vigie-measure-") as name,
        Broker(Path(name, "broker")) as broker,
    ):
        up = Up(Path(name), broker.address, "m")
        for number in range(FLOWS):
            up.write(f"f{number}")
        began = time.monotonic()
        up.start()
        flows = [up.wait_running(f"f{number}") for number in range(FLOWS)]
        print(f"{FLOWS} flows evaluate after {time.monotonic() - began:.1f} s")
        time.sleep(10)
        pids = [flow.pid or 0 for flow in flows]
        print(f"memory of the supervisor: {private_of(up.pid):.0f} MB of its own")
        each = [round(private_of(pid)) for pid in pids]
        print(f"memory of each flow: {min(each)} to {max(each)} MB of its own")
        before = sum(cpu_of(pid) for pid in (up.pid, *pids))
        time.sleep(IDLE)
        used = sum(cpu_of(pid) for pid in (up.pid, *pids)) - before
        print(f"idle: {100 * used / IDLE:.1f} % of a core for all")
        producer, known, took = Producer(up.connection, Health(), "p"), 0, list[float]()
        for edit in range(edits):
            known = feed(producer, "m.in", 1.0, known)
            version = up.flow("f0")
            up.write("f0", limit=40 + edit % 2)
            began = time.monotonic()
            up.wait_running("f0", not_version=version.version if version else None)
            took.append(time.monotonic() - began)
        took.sort()
        print(
            f"{edits} edits at {RATE} readings/s: p50 {statistics.median(took):.1f} s,"
            f" p99 {took[min(len(took) - 1, int(0.99 * len(took)))]:.1f} s until it runs"
        )
        producer.close()
        up.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
