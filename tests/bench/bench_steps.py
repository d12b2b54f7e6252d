"""What one step costs for each event, without engine and topics: `python
tests/bench/bench_steps.py`.

1,000 subjects send in turn; batches are decoded from JSON lines, as they are in a flow. Printed is
the CPU time of
`on_batch` in nanoseconds an event, the best of several rounds.
"""

import random
import time
from collections.abc import Callable

from operators.component import Logic, Now, StepContext
from operators.events import Event, Reading, decode_lines, encode_lines
from operators.stateful.debounce import Debounce
from operators.stateful.deduplicate import Deduplicate
from operators.threshold.step import Threshold
from operators.transforms.only import Only
from operators.windows.step import Window

SUBJECTS = 1_000
BATCH = 1_000
EVENTS = 200_000
ROUNDS = 5
CONTEXT = StepContext(flow="bench", step="bench/readings/step")


def temperatures() -> list[list[bytes]]:
    """Calm readings: none crosses 30 °C."""
    dice = random.Random(1)
    return _lines(lambda n: Reading(
        id=f"r{n}", time=1.75e9 + n / 100, subject=f"sensor.room_{n % SUBJECTS}",
        metric="temperature",
        value=round(dice.uniform(18, 29.5), 2), unit="°C",
    ))  # fmt: skip


def crossings() -> list[list[bytes]]:
    """One reading of two hundred is hot."""
    dice = random.Random(2)
    return _lines(lambda n: Reading(
        id=f"r{n}", time=1.75e9 + n / 100, subject=f"sensor.room_{n % SUBJECTS}",
        metric="temperature",
        value=31.0 if dice.random() < 0.005 else round(dice.uniform(18, 29.5), 2), unit="°C",
    ))  # fmt: skip


def motions() -> list[list[bytes]]:
    """Motion, mostly off."""
    dice = random.Random(3)
    return _lines(lambda n: Reading(
        id=f"r{n}", time=1.75e9 + n / 100, subject=f"sensor.room_{n % SUBJECTS}", metric="motion",
        value=1.0 if dice.random() < 0.05 else 0.0,
    ))  # fmt: skip


def _lines(make: Callable[[int], Reading]) -> list[list[bytes]]:
    readings: list[Event] = [make(n) for n in range(EVENTS)]
    return [[encode_lines(readings[at : at + BATCH])] for at in range(0, EVENTS, BATCH)]


def measure(make: Callable[[], Logic], batches: list[list[bytes]]) -> tuple[float, int]:
    """Nanoseconds an event (best round) and how many events came out."""
    best, came_out = float("inf"), 0
    for _ in range(ROUNDS):
        logic = make()
        spent, came_out = 0, 0
        for [lines] in batches:
            events = decode_lines(lines)
            now = Now(events[-1].time - CONTEXT.lateness, events[-1].time)
            start = time.process_time_ns()
            out = logic.on_batch(events, now)
            if logic.next_time().event <= now.event:
                out += logic.on_time(now)
            spent += time.process_time_ns() - start
            came_out += len(out)
        best = min(best, spent / EVENTS)
    return best, came_out


def main() -> None:
    calm, crossing, motion = temperatures(), crossings(), motions()
    hot = {"above": "30 °C", "clear": "28 °C"}
    cases: list[tuple[str, Callable[[], Logic], list[list[bytes]]]] = [
        ("threshold, nothing changes", lambda: Threshold.model_validate(hot).logic(CONTEXT), calm),
        ("threshold, 0.5 % are hot", lambda: Threshold.model_validate(hot).logic(CONTEXT),
        crossing),
        ("threshold with for, 0.5 % hot", lambda: Threshold.model_validate({**hot,
        "for": "2min"}).logic(CONTEXT), crossing),
        ("threshold, silent", lambda: Threshold.model_validate({"silent": "15min"}).logic(CONTEXT),
        calm),
        ("only metric", lambda: Only(metric=["temperature", "humidity"]).logic(CONTEXT), calm),
        ("only subject pattern", lambda: Only(subject="*.room_*").logic(CONTEXT), calm),
        ("only value range", lambda: Only.model_validate({"value": {"above": -40,
        "below": 85}}).logic(CONTEXT), calm),
        ("deduplicate, all different", lambda: Deduplicate(within="10s").logic(CONTEXT), calm),
        ("deduplicate, mostly the same", lambda: Deduplicate(within="1h").logic(CONTEXT), motion),
        ("debounce", lambda: Debounce(clear_after="30s").logic(CONTEXT), motion),
        ("window, mean and max", lambda: Window(every="1min", calculate=["mean",
        "max"]).logic(CONTEXT), calm),
    ]  # fmt: skip
    print(f"{EVENTS:,} readings of {SUBJECTS:,} subjects in batches of {BATCH:,}; best of {ROUNDS}")
    for name, make, batches in cases:
        cost, came_out = measure(make, batches)
        print(f"{name:34} {cost:7.0f} ns/event {came_out:9,} out")


if __name__ == "__main__":
    main()
