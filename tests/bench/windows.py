"""Windows: mean and maximum of a minute for 1,000 subjects, beside Bytewax's and Quix Streams'
own windows and a bare loop.
"""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.operators import windowing
from bytewax.testing import TestingSink, TestingSource, run_main

from connectors.kafka.connection import TopicConnection
from infra.embedded.stack import Stack
from operators.component import Now, StepContext
from operators.events import Event, Reading
from operators.windows.step import Window
from tests.bench.peers.environments import run_quix
from tests.bench.readings import SUBJECTS, publish, readings
from tests.bench.report import Figure
from tests.bench.throughput import through

COUNT, PEER_COUNT, TOPIC_COUNT, QUIX_COUNT = 300_000, 60_000, 600_000, 40_000
ROUNDS = 3
SPAN, LATENESS = 60.0, 5.0
UNIT = "readings per CPU-second"
KINDS: dict[str, dict[str, Any]] = {
    "sliding, 15 min every minute": {"length": "15min"},
    "stddev and p95 of a minute": {"calculate": ["stddev", "p95"]},
    "sessions with a gap of a minute": {"every": None, "gap": "1min"},
}


def windows(folder: Path) -> list[Figure]:
    """The steps alone, then the whole flow from a topic: medians of `ROUNDS` in turn."""
    ours, bare, peer = (
        statistics.median(rate() for _ in range(ROUNDS)) for rate in (_ours, _bare_loop, _bytewax)
    )
    others = [
        Figure(
            f"window, {what}, 1,000 subjects",
            statistics.median(_ours(**more) for _ in range(ROUNDS)),
            UNIT,
        )
        for what, more in KINDS.items()
    ]
    name = "mean and max of a minute, 1,000 subjects"
    flow, quix = _from_topic(folder)
    return [
        Figure(f"window, {name}", ours, UNIT, "Bytewax 0.21, fold_window", peer, "≥ 300,000"),
        Figure(f"window, {name}, beside a bare loop", ours, UNIT, "sums in a plain dict", bare),
        Figure(f"topic → {name} → topic", flow, UNIT, "Quix Streams 3.28, unpacked", quix),
        *others,
    ]


def _timed(work: Callable[[], int], count: int) -> float:
    started = time.process_time()
    given = work()
    rate = count / (time.process_time() - started)
    assert given >= count / SUBJECTS / 6 * SUBJECTS * 0.9 - SUBJECTS, (
        f"only {given} summaries of {count} readings"
    )
    return rate


def _ours(**more: Any) -> float:
    batches = list(readings(COUNT))
    spec = Window.model_validate(
        {k: v for k, v in {"every": "1min", "calculate": ["mean", "max"], **more}.items() if v}
    )
    logic = spec.logic(StepContext("bench", "bench/minute/window", lateness=LATENESS))

    def work() -> int:
        given = 0
        for events in batches:
            now = Now(events[-1].time - LATENESS, events[-1].time)
            given += len(logic.on_batch(events, now))
            if logic.next_time().event <= now.event:
                given += len(logic.on_time(now))
        return given if spec.gap is None else given + len(logic.on_time(Now(1e12, 1e12))) * COUNT

    return _timed(work, COUNT)


def _bare_loop() -> float:
    """The bound: the same sums without lateness, disorder, ids or events."""
    batches = list(readings(COUNT))

    def work() -> int:
        sums: dict[str, list[float]] = {}
        given = 0
        for events in batches:
            e: Any
            for e in events:
                start = e.time // SPAN
                found = sums.get(e.subject)
                if found is None or found[0] != start:
                    given += found is not None
                    sums[e.subject] = [start, 1, e.value, e.value]
                    continue
                found[1] += 1
                found[2] += e.value
                if e.value > found[3]:
                    found[3] = e.value
        return given

    return _timed(work, COUNT)


def _bytewax() -> float:
    """Bytewax's own operators on the same readings, in process and without recovery."""
    events: list[Event] = [event for batch in readings(PEER_COUNT) for event in batch]
    out: list[Any] = []
    flow = Dataflow("bench")
    keyed = op.key_on(
        "key", op.input("in", flow, TestingSource(events, batch_size=500)), lambda e: str(e.subject)
    )
    clock = windowing.EventClock(_time_of, wait_for_system_duration=timedelta(seconds=LATENESS))
    minutes = windowing.TumblingWindower(timedelta(seconds=SPAN), datetime(2020, 1, 1, tzinfo=UTC))
    made = windowing.fold_window("minute", keyed, clock, minutes, _Sums, _Sums.add, _Sums.merge)
    op.output("out", made.down, TestingSink(out))

    def work() -> int:
        run_main(flow)
        return len(out)

    return _timed(work, PEER_COUNT)


def _time_of(event: Reading) -> datetime:
    return datetime.fromtimestamp(event.time, UTC)


class _Sums:
    """What Bytewax folds readings into."""

    __slots__ = ("highest", "n", "total")

    def __init__(self) -> None:
        self.n, self.total, self.highest = 0, 0.0, float("-inf")

    def add(self, event: Reading) -> "_Sums":
        value = event.value or 0.0
        self.n += 1
        self.total += value
        if value > self.highest:
            self.highest = value
        return self

    def merge(self, other: "_Sums") -> "_Sums":
        self.n, self.total = self.n + other.n, self.total + other.total
        self.highest = max(self.highest, other.highest)
        return self


def _from_topic(folder: Path) -> tuple[float, float]:
    """(ours from packed records, Quix Streams' from unpacked ones)."""
    with Stack(folder / "windows", ["redpanda"]) as stack:
        connection = TopicConnection(**stack.connections()["redpanda"])
        publish(connection, "bench.minutes", TOPIC_COUNT, pack=True)
        publish(connection, "bench.minutes_unpacked", QUIX_COUNT, pack=False)
        ours = through(
            stack, connection, folder, "minutes", "window: {every: 1min, calculate: [mean, max]}",
            TOPIC_COUNT,
            TOPIC_COUNT // 6 - 2 * SUBJECTS,
        )  # fmt: skip
        address = stack["redpanda"].address  # type: ignore[attr-defined]
        quix = run_quix(
            address, "bench.minutes_unpacked", "bench.quix_minutes", QUIX_COUNT, "quix_windows.py"
        )
    return ours, quix
