"""Alarms: readings a CPU-second over 1,000 and 1,000,000 subjects, bytes of a quiet subject, seconds of a snapshot.

python -m tests.bench.bench_alarm [subjects ...]
"""

import pickle
import sys
import time
import tracemalloc
from collections.abc import Iterator

from operators.alarm import Alarm
from operators.component import Logic, Now, StepContext
from operators.events import Event, Reading, decode_lines, encode_lines
from operators.threshold import Threshold

WHEN = {"above": "30 °C", "clear": "28 °C"}
BATCH = 5000
READINGS = 1_000_000


def alarm() -> Logic:
    spec = Alarm.model_validate({"from": "readings", "when": WHEN, "response": "Look."})
    return spec.logic(StepContext("bench", "bench/hot"))


def threshold() -> Logic:
    return Threshold.model_validate(WHEN).logic(StepContext("bench", "bench/over/threshold"))


def batches(subjects: int, readings: int, start: int = 0, hot: int = 0) -> Iterator[tuple[list[Event], Now]]:
    """Fresh events as a decoder makes them; `hot`: one in so many is over the limit."""
    for first in range(start, start + readings, BATCH):
        made: list[Event] = [
            Reading(
                id=f"home.readings-0-{n}.0",
                time=1_700_000_000.0 + n // subjects * 10,
                subject=f"sensor.server_room_rack_{n % subjects}",
                metric="temperature",
                value=31.0 if hot and n % hot == 0 else 20.0 + n % 7,
                unit="°C",
            )
            for n in range(first, min(first + BATCH, start + readings))
        ]
        wall = made[-1].time + 1
        yield decode_lines(encode_lines(made)), Now(wall - 6, wall)


def measure(logics: list[Logic], subjects: int, readings: int, start: int, hot: int = 0) -> tuple[float, int]:
    """(CPU seconds spent in the logics, events they gave)."""
    spent, given = 0.0, 0
    for events, now in batches(subjects, readings, start, hot):
        for logic in logics:
            before = time.process_time()
            given += len(logic.on_batch(events, now))
            spent += time.process_time() - before
    return spent, given


def rates(subjects: int) -> None:
    logics = [threshold(), alarm()]
    first, _ = measure(logics, subjects, subjects, 0)
    start = subjects
    for name, some, hot in (("alarm", logics[1:], 0), ("threshold + alarm", logics, 0), ("1 % hot", logics, 101)):
        start += READINGS
        spent, given = measure(some, subjects, READINGS, start, hot)
        start += READINGS
        rate = READINGS / spent
        print(
            f"{subjects:>9,} subjects  {name:<18} {rate:>10,.0f} readings/CPU-s  {1e9 / rate:>6.0f} ns  {given:,} out"
        )
    print(f"{subjects:>9,} subjects  first sight        {2 * subjects / first:>10,.0f} readings/CPU-s")
    before = time.perf_counter()
    saved = logics[1].snapshot()
    taken = time.perf_counter() - before
    size = len(pickle.dumps(saved))
    again = alarm()
    before = time.perf_counter()
    again.restore(saved, again.VERSION)
    restored = time.perf_counter() - before
    print(
        f"{subjects:>9,} subjects  snapshot {taken:.2f} s, {size / subjects:.0f} bytes each; restore {restored:.2f} s"
    )


def memory(subjects: int) -> None:
    logic = alarm()
    tracemalloc.start()
    for events, now in batches(subjects, subjects):
        logic.on_batch(events, now)
    del events
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"{subjects:>9,} subjects  {used / subjects:.0f} bytes of a quiet subject, its name and last id included")


if __name__ == "__main__":
    counts = [int(argument) for argument in sys.argv[1:]] or [1_000, 1_000_000]
    for count in counts:
        rates(count)
    memory(min(200_000, max(counts)))
