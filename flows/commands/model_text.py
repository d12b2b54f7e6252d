"""What `vigie model` prints of a model: its facts, what it finds, what it costs."""

import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from connectors.detector.backend import Backend
from connectors.detector.backends import open_backend
from connectors.detector.measurement import BATCHES, cores, run_seconds, thread_counts
from connectors.detector.model import ModelError
from connectors.detector.objects import Limits
from connectors.detector.worker_messages import Box, Work
from connectors.detector.worker_process import answer, prepare

RATE = 5
"""Pictures a second and camera, as definitions have it unless they say another."""


def facts_text(path: str, backends: list[str]) -> str:
    """What a model is, a line a fact."""
    facts = open_backend(backends[0], path).facts
    checksum = hashlib.sha256(Path(path).read_bytes()).hexdigest() if Path(path).exists() else ""
    batch = "any" if facts.batch is None else str(facts.batch)
    head = "with boxes that overlap" if facts.head == "raw" else "without boxes that overlap"
    lines = {
        "file": path,
        "sha256": checksum,
        "about": facts.about,
        "licence": facts.licence or "not said in the file",
        "pictures": f"{facts.width} x {facts.height}, {batch} at once",
        "answer": f"{facts.head} ({head})",
        "backends": ", ".join(dict.fromkeys(backends)),
        f"{len(facts.names)} classes": ", ".join(facts.names),
    }
    width = max(map(len, lines))
    return "\n".join(f"{name:{width}}  {value}" for name, value in lines.items() if value)


def found_text(path: str, backend: str, picture: Path, confidence: float) -> str:
    """What a model finds on a picture, as a table; boxes in per cent of the picture."""
    loaded = open_backend(backend, path)
    work = prepare(Work([picture.read_bytes()]), loaded)
    limits = Limits(confidence)
    found = answer(work, loaded.find(work.values, limits), loaded.facts.names, limits, 0.0)
    boxes = found.pictures[0]
    if boxes is None:
        raise ModelError(f"{picture}: expected a whole JPEG")
    return "\n".join([f"{picture}: {len(boxes)} found", *map(_line, boxes)])


def _line(box: Box) -> str:
    percent = ", ".join(
        f"{name} {100 * value:.1f} %"
        for name, value in (
            ("left", box.left),
            ("top", box.top),
            ("width", box.width),
            ("height", box.height),
        )
    )
    return f"  {box.class_} {box.score:.2f}: {percent}"


def bench_text(path: str, name: str, most: int) -> Iterator[str]:
    """What a picture costs by batch and threads, and how many cameras that is."""
    sizes = sorted({1, *(size for size in BATCHES if size <= most)})
    yield f"{name}: milliseconds a picture"
    yield f"{'threads':>8} " + " ".join(f"{f'batch {size}':>9}" for size in sizes)
    best = float("inf")
    for threads in thread_counts(cores()):
        backend: Backend = open_backend(name, path, threads)
        run = partial(run_seconds, backend, runs=3)
        run(1)
        costs = [run(size) / size for size in sizes]
        best = min(best, *costs)
        yield f"{threads:>8} " + " ".join(f"{1000 * cost:>9.1f}" for cost in costs)
    yield (
        f"best: {1 / best:,.0f} pictures/s, {1 / best / RATE:,.0f} cameras at {RATE}/s on which"
        " something always moves, when nothing else runs here"
    )
