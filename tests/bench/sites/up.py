"""What a site under `vigie up` costs, and how long after an edit the new version evaluates."""

import os
import re
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from kafka import KafkaConsumer

from connectors.base import Health
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from infra.embedded.stack import Stack, measured_on
from operators.events import Reading, decode_lines
from tests.bench.report import Figure
from tests.flow_process import cpu_of
from tests.flows.site.up import FLOW, Up
from tests.waiting import wait_until

FLOWS = 10
IDLE = 30.0
RATE = 1000
EVERY = 0.05
EDITS = int(os.environ.get("EDITS", "30"))
TAGGED = FLOW.replace(
    "alarms:", 'streams: {tagged: {from: readings, steps: [label: {edit: "LIMIT"}]}}\nalarms:'
).replace("log: {from: readings", "log: {from: tagged")


@contextmanager
def _beside_broker(folder: Path) -> Iterator[Up]:
    """A site that does not run yet, with a broker."""
    with Stack(folder / "services", ["redpanda"]) as stack:
        connection = stack.connections()["redpanda"]
        up = Up(folder, connection["brokers"][0], "m")
        up.connection = TopicConnection(**connection, prefix="m.", partitions=1)
        up.write_site()
        yield up


def site(folder: Path) -> list[Figure]:
    """Ten flows: time until all evaluate, memory, and CPU while idle."""
    with _beside_broker(folder) as up:
        for number in range(FLOWS):
            up.write(f"f{number}")
        began = time.monotonic()
        up.start()
        try:
            first = up.wait_running("f0")
            first_after = time.monotonic() - began
            pids = [up.wait_running(f"f{number}").pid or 0 for number in range(FLOWS)]
            all_after = time.monotonic() - began
            started = sum(map(cpu_of, (up.pid, *pids)))
            time.sleep(10)
            each = [_private(pid) for pid in pids]
            before = sum(map(cpu_of, (up.pid, *pids)))
            time.sleep(IDLE)
            used = sum(map(cpu_of, (up.pid, *pids))) - before
            whole = sum(map(_proportional, (up.pid, *pids)))
        finally:
            up.end()
    assert first.pid
    name = measured_on("ten flows")
    bound = "≤ 25 %" if name == "ten flows" else "≤ 5 %"
    return [
        Figure(f"{name}: the first one evaluates after", first_after, "s"),
        Figure(f"{name}: all evaluate after", all_after, "s"),
        Figure(f"{name}: CPU until then, without the checks", started, "s"),
        Figure(f"{name}: memory of one, of its own, at most", max(each), "MB", bound="≤ 60 MB"),
        Figure(f"{name}: memory of all processes", whole, "MB"),
        Figure(f"{name}: CPU while idle", 100 * used / IDLE, "% of a core", bound=bound),
    ]


def swap(folder: Path) -> list[Figure]:
    """Edits of a flow under readings: until the new version evaluates, and the longest gap."""
    with _beside_broker(folder) as up:
        up.write("f0", 40, TAGGED)
        up.start()
        sent, stop = Counter[str](), threading.Event()
        feeder = threading.Thread(target=_feed, args=(up, sent, stop))
        saved: dict[str, float] = {}
        seen = _Seen(up)
        try:
            up.wait_running("f0")
            feeder.start()
            wait_until(lambda: "40" in seen.first(), what="the first reading")
            for edit in range(41, 41 + EDITS):
                saved[str(edit)] = time.time()
                up.write("f0", edit, TAGGED)
                wait_until(lambda name=str(edit): name in seen.first(), what="the edit")  # type: ignore[misc]
            stop.set()
            feeder.join()
            wait_until(lambda: seen.first() and seen.ids.keys() >= sent.keys(), what="all readings")
            assert up.stop() == 0
        finally:
            stop.set()
            seen.close()
            up.end()
    took = sorted(seen.when[edit] - at for edit, at in saved.items())
    gaps = sorted(two - one for one, two in pairwise(sorted(seen.times)))
    name = measured_on(f"{EDITS} edits at {RATE} readings/s")
    return [
        Figure(f"{name}: saved until the new version evaluates, p50", statistics.median(took), "s"),
        Figure(f"{name}: the same, p99", took[min(EDITS - 1, int(0.99 * EDITS))], "s"),
        Figure(f"{name}: gap in evaluation, p50", gaps[-(EDITS + 1) // 2], "s"),
        Figure(f"{name}: longest gap in evaluation", gaps[-1], "s"),
        Figure(f"{name}: readings lost", len(sent.keys() - seen.ids.keys()), "", bound="0"),
        Figure(f"{name}: readings written twice", seen.ids.total() - len(seen.ids), "", bound="0"),
    ]


class _Seen:
    """What the flow wrote, by the broker's records: when, and under which edit."""

    def __init__(self, up: Up) -> None:
        self.ids, self.times = Counter[str](), list[float]()
        self.when: dict[str, float] = {}
        self._consumer = KafkaConsumer(
            "m.out.f0",
            bootstrap_servers=up.connection.brokers,
            auto_offset_reset="earliest",
            group_id=None,
            metadata_max_age_ms=1000,
        )

    def first(self) -> dict[str, float]:
        """When the first reading of each edit was written."""
        for records in self._consumer.poll(100).values():
            for record in records:
                self.times.append(record.timestamp / 1000)
                for event in decode_lines(record.value):
                    self.ids[event.id] += 1
                    edit = (event.labels or {}).get("edit", "")
                    self.when.setdefault(edit, record.timestamp / 1000)
        return self.when

    def close(self) -> None:
        self._consumer.close()


def _feed(up: Up, sent: Counter[str], stop: threading.Event) -> None:
    """Readings at a steady rate, each a little below the limit."""
    producer = Producer(up.connection, Health(), "p")
    due = time.monotonic()
    while not stop.is_set():
        now = time.time()
        some = [
            Reading(id=f"r{len(sent) + n}", time=now, subject=f"s{n}", metric="t", value=20)
            for n in range(int(RATE * EVERY))
        ]
        sent.update(one.id for one in some)
        producer.send_events("m.in", some)
        due += EVERY
        time.sleep(max(0.0, due - time.monotonic()))
    producer.close()


def _private(pid: int) -> float:
    """Memory that a process shares with no other, in MB."""
    return _rollup(pid, r"Private_\w+")


def _proportional(pid: int) -> float:
    """Memory of a process, what is shared divided by those who share it, in MB."""
    return _rollup(pid, "Pss")


def _rollup(pid: int, key: str) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(n) for n in re.findall(rf"^{key}:\s+(\d+)", text, re.MULTILINE)) / 1000
