"""How many threads and pictures at once suit a model on this machine: measured at start."""

import os
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from connectors.detector.backend import Backend
from connectors.detector.objects import Limits, Pixels

BUDGET = 2.0
"""Seconds that the measurement may take, but for a run that is longer by itself."""
SLOWEST_RUN = 0.5
"""A batch that takes longer holds up its first picture for too long."""
WORTH_IT = 0.95
"""More threads, or more at once, must save a twentieth."""
BATCHES = (1, 4, 8, 16)


class Choice(NamedTuple):
    """Threads (0: the backend's own), pictures at once, and seconds a picture so."""

    threads: int
    batch: int
    seconds: float


def cores() -> int:
    """The cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def thread_counts(available: int) -> list[int]:
    """The numbers of threads worth a try: all cores, all but one, half."""
    return sorted({available, max(1, available - 1), max(1, available // 2)}, reverse=True)


def choose(measured: Iterable[Choice]) -> Choice:
    """The quickest whose runs are short; fewer threads and pictures where they do as well.

    Raises `ValueError` if nothing was measured.
    """
    choices = list(measured)
    if not choices:
        raise ValueError("nothing was measured")
    short = [each for each in choices if each.seconds * each.batch <= SLOWEST_RUN]
    choices = short or [min(choices, key=lambda each: each.seconds * each.batch)]
    quickest = min(each.seconds for each in choices)
    good = [each for each in choices if each.seconds * WORTH_IT <= quickest]
    return min(good, key=lambda each: (each.threads, each.batch))


def measure(
    load: Callable[[int], Backend],
    threads: int,
    most: int,
    budget: float = BUDGET,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[Backend, Choice]:
    """Load a model with the best number of threads, and say what suits it.

    `load(threads)` loads it; with `threads` other than 0 only the batch is measured.
    """
    counts = [threads] if threads else thread_counts(cores())
    sizes = [size for size in BATCHES if size < most] + [most]
    backends: dict[int, Backend] = {}
    measured: list[Choice] = []
    began = clock()
    for count in counts:
        backend = backends[count] = load(count)
        run_seconds(backend, 1, clock)  # the first run also allocates and compiles
        for size in sizes:
            if measured and clock() - began > budget * (1 + counts.index(count)) / len(counts):
                break
            measured.append(Choice(count, size, run_seconds(backend, size, clock) / size))
    choice = choose(measured)
    return backends[choice.threads], choice


def run_seconds(
    backend: Backend, size: int, clock: Callable[[], float] = time.perf_counter, runs: int = 2
) -> float:
    """The quickest of some runs on `size` pictures of noise, in seconds."""
    pictures = [_noise(number, backend) for number in range(size)]
    prepared = backend.prepare(pictures)
    best = float("inf")
    for _ in range(runs):
        start = clock()
        backend.find(prepared, Limits())
        best = min(best, clock() - start)
    return best


def _noise(number: int, backend: Backend) -> Pixels:
    dice = np.random.default_rng(number)
    shape = (backend.facts.height, backend.facts.width, 3)
    return dice.integers(0, 256, shape, dtype=np.uint8)
