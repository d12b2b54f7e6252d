"""Alarms without a topic: readings a CPU-second by number of subjects, beside a bare loop; bytes,
snapshot, restore.

`python -m tests.bench alarms` measures 1,000, 100,000 and 1,000,000 subjects. Readings are decoded
from lines as in a flow (each with strings and numbers of its own), every subject in turn; the
decoding is counted only where the name says so.
"""

import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from operators.alarms.logic import make_logic
from operators.alarms.settings import Alarm
from operators.component import Logic, Now, StepContext
from operators.events import Event, EventBatch, Reading, decode_lines, encode_lines
from operators.model.saved_state import encode
from operators.threshold.step import Threshold
from tests.bench.report import Figure

WHEN = {"above": "30 °C", "clear": "28 °C"}
BATCH = 5000
READINGS = 1_000_000
FEW, MORE, MANY = 1_000, 100_000, 1_000_000
UNIT = "readings per CPU-second"
MOST_COST = 1.6
"""What an event of one of `MANY` subjects may cost, in those of one of `FEW`."""


def alarms(folder: Path) -> list[Figure]:
    """Rates by number of subjects, and what a million quiet subjects take."""
    figures: list[Figure] = []
    both: dict[int, float] = {}
    whole: dict[int, float] = {}
    bare: dict[int, float] = {}
    for subjects in (FEW, MORE, MANY):
        logics = [_threshold(), _alarm()]
        _measure(logics, subjects, subjects, 0)
        alone, _ = _measure(logics[1:], subjects, READINGS, subjects)
        both[subjects], whole[subjects] = _measure(logics, subjects, READINGS, subjects + READINGS)
        bare[subjects] = _bare_loop(subjects)
        name = f"{subjects:,} subjects"
        peer = "compare in one loop, a dict entry a subject"
        figures.append(Figure(f"alarm, {name}", alone, UNIT, peer, bare[subjects]))
        bound = "≥ 500,000" if subjects == FEW else None
        figures.append(
            Figure(f"threshold + alarm, {name}", both[subjects], UNIT, peer, bare[subjects], bound)
        )
        figures.append(Figure(f"lines → decode → threshold + alarm, {name}", whole[subjects], UNIT))
    peer, growth = "the bare loop's", bare[FEW] / bare[MANY]
    for what, rates in (("threshold + alarm", both), ("lines → decode → threshold + alarm", whole)):
        name = f"{what}, cost of an event at 1,000,000 subjects in those at 1,000"
        figures.append(
            Figure(name, rates[FEW] / rates[MANY], "times", peer, growth, f"≤ {MOST_COST}")
        )
    return [*figures, *_kept(logics[1]), _memory()]


def _alarm() -> Logic:
    spec = Alarm.model_validate({"from": "readings", "when": WHEN, "response": "Look."})
    return make_logic(spec, StepContext("bench", "bench/hot"))


def _threshold() -> Logic:
    return Threshold.model_validate(WHEN).logic(StepContext("bench", "bench/over/threshold"))


def _batches(subjects: int, readings: int, start: int = 0) -> Iterator[tuple[bytes, Now]]:
    """Lines of a batch, and its clocks."""
    for first in range(start, start + readings, BATCH):
        made: list[Event] = [
            Reading(
                id=f"home.readings-0-{n}.0",
                time=1_700_000_000.0 + n // subjects * 10,
                subject=f"sensor.server_room_rack_{n % subjects}",
                metric="temperature",
                value=20.0 + n % 7,
                unit="°C",
            )
            for n in range(first, min(first + BATCH, start + readings))
        ]
        wall = made[-1].time + 1
        yield encode_lines(made), Now(wall - 6, wall)


def _measure(logics: list[Logic], subjects: int, readings: int, start: int) -> tuple[float, float]:
    """Readings a CPU-second of the logics together, and of decoding and the logics."""
    decoding = spent = 0.0
    for lines, now in _batches(subjects, readings, start):
        begin = time.process_time()
        events = EventBatch(decode_lines(lines))
        decoded = time.process_time()
        for logic in logics:
            logic.on_batch(events, now)
        decoding += decoded - begin
        spent += time.process_time() - decoded
        del events
    return readings / spent, readings / (decoding + spent)


def _bare_loop(subjects: int) -> float:
    """The bound: one look-up, two comparisons, and the newest value kept."""
    last: dict[str, list[Any]] = {}
    spent = 0.0
    for round in range(2):
        for lines, _ in _batches(subjects, subjects if round == 0 else READINGS, round * subjects):
            events = decode_lines(lines)
            before = time.process_time()
            event: Any
            for event in events:
                found = last.get(event.subject)
                if found is None:
                    last[event.subject] = [event.time, event.value]
                elif event.time > found[0] and event.value <= 30.0:
                    found[0], found[1] = event.time, event.value
            spent += round * (time.process_time() - before)
    return READINGS / spent


def _kept(logic: Logic) -> list[Figure]:
    before = time.perf_counter()
    saved = logic.snapshot()
    taken = time.perf_counter() - before
    size = len(encode(saved))
    again = _alarm()
    before = time.perf_counter()
    again.restore(saved, again.VERSION)
    restored = time.perf_counter() - before
    return [
        Figure("alarm, snapshot of 1,000,000 subjects", taken, "s", bound="≤ 2 s"),
        Figure("alarm, restore of 1,000,000 subjects", restored, "s"),
        Figure("alarm, snapshot on disk", size / MANY, "bytes a subject"),
    ]


def _memory() -> Figure:
    """Traced, with the subject's name and the id of its last reading; 200,000 subjects are
    enough.
    """
    subjects = 200_000
    logic = _alarm()
    tracemalloc.start()
    for lines, now in _batches(subjects, subjects):
        logic.on_batch(decode_lines(lines), now)
    del lines
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return Figure("alarm, memory of a quiet subject", used / subjects, "bytes", bound="≤ 400")
