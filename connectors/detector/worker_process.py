"""The process that runs a model: pictures come on its input, objects go out on its output.

A run that hangs in a driver cannot be stopped from within its process; this one can be killed.
"""

import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from itertools import islice
from typing import IO, Any, NamedTuple

import numpy as np

from connectors.base import ConnectorError
from connectors.config.suggestion import near
from connectors.detector.backend import Backend
from connectors.detector.backends import FAKE, open_backend
from connectors.detector.cropped import Cropped, decode_regions, put_together
from connectors.detector.measurement import Choice, measure
from connectors.detector.model import ModelError
from connectors.detector.objects import Limits, Objects
from connectors.detector.worker_messages import (
    Box,
    Found,
    Ready,
    Refused,
    Setup,
    Work,
    read,
    setup_decoder,
    work_decoder,
    write,
)


class Prepared(NamedTuple):
    """A batch ready for the model; a picture that could not be decoded is None."""

    pictures: list[Cropped | None]
    values: Any
    seconds: float


def main() -> None:
    """Run until the input ends."""
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not be read as a message
    setup = read(source, setup_decoder)
    if setup is None:
        return
    try:
        backend, choice = load(setup)
        limits = limits_of(setup, backend.facts.names)
    except ConnectorError as error:
        write(sink, Refused(str(error)))
        return
    write(
        sink,
        Ready(backend.facts, backend.device, choice.threads, choice.batch, 1000 * choice.seconds),
    )
    prepared: queue.Queue[Prepared] = queue.Queue(1)
    threading.Thread(target=_prepare, args=(source, backend, prepared), daemon=True).start()
    while True:
        batch = prepared.get()
        start = time.perf_counter()
        objects = backend.find(batch.values, limits)
        seconds = time.perf_counter() - start
        write(sink, answer(batch, objects, backend.facts.names, limits, seconds))


def load(setup: Setup) -> tuple[Backend, Choice]:
    """Load the model, with what suits it measured or as set. Raises `ConnectorError`."""

    def of(threads: int) -> Backend:
        return open_backend(setup.backend, setup.model, threads)

    if setup.backend == FAKE or (setup.threads and setup.batch):
        return of(setup.threads), Choice(setup.threads, setup.batch or setup.most, 0.0)
    backend, choice = measure(of, setup.threads, setup.batch or setup.most)
    return backend, choice._replace(batch=setup.batch or choice.batch)


def limits_of(setup: Setup, names: Sequence[str]) -> Limits:
    """What shall be told: the wanted classes that the model knows. Raises `ModelError`."""
    if not setup.classes:
        return Limits(setup.floor)
    known = [names.index(word) for word in setup.classes if word in names]
    if not known:
        hints = (near(word, names) for word in setup.classes)
        raise ModelError(
            f"{setup.model} knows none of the classes {', '.join(setup.classes)}; it knows"
            f" {', '.join(names)}: {next(filter(None, hints), 'choose among them')}"
        )
    return Limits(setup.floor, known)


def _prepare(source: IO[bytes], backend: Backend, prepared: "queue.Queue[Prepared]") -> None:
    """Decode the next batch while the model runs on the one before."""
    status = 1
    try:
        while (work := read(source, work_decoder)) is not None:
            prepared.put(prepare(work, backend))
        status = 0
    except Exception:
        traceback.print_exc()
    os._exit(status)  # the parent is gone, or a batch is none; and the model may hang


def prepare(work: Work, backend: Backend) -> Prepared:
    """Decode and scale the pictures of a batch."""
    start = time.perf_counter()
    regions = work.regions or [[]] * len(work.jpegs)
    pictures = [
        decode_regions(jpeg, parts, backend.facts)
        for jpeg, parts in zip(work.jpegs, regions, strict=True)
    ]
    values = backend.prepare([part for each in pictures if each for part in each.parts])
    return Prepared(pictures, values, time.perf_counter() - start)


def answer(
    batch: Prepared,
    objects: Sequence[Objects],
    names: Sequence[str],
    limits: Limits,
    seconds: float,
) -> Found:
    """The objects of a batch as boxes in fractions."""
    rest = iter(objects)

    def found_on(picture: Cropped) -> list[Box]:
        found = list(islice(rest, len(picture.parts)))
        whole = put_together(found, picture.corners, limits)
        return boxes_of(whole, picture.width, picture.height, names)

    pictures = [None if picture is None else found_on(picture) for picture in batch.pictures]
    return Found(pictures, seconds, batch.seconds)


def boxes_of(objects: Objects, width: int, height: int, names: Sequence[str]) -> list[Box]:
    """Objects in pixels as boxes in fractions, within the picture to the last bit."""
    corners = np.clip(objects.boxes / np.array([width, height] * 2, np.float64), 0, 1).round(5)
    scores = np.clip(objects.scores.astype(np.float64), 0, 1).round(4)
    return [
        Box(names[number], float(score), left, top, round(right - left, 5), round(low - top, 5))
        for (left, top, right, low), score, number in zip(
            corners.tolist(), scores, objects.classes.tolist(), strict=True
        )
        if 0 <= number < len(names)
    ]


if __name__ == "__main__":
    main()
