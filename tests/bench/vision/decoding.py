"""What a picture of a camera costs, part by part, and how many cameras that makes on a core."""

import time
from collections.abc import Callable
from pathlib import Path

import av
import cv2

from connectors.camera.jpeg import encode_jpeg, small_gray
from connectors.camera.motion import MotionGate
from connectors.camera.picture_health import PictureHealth
from connectors.camera.streams.stream import AvStream
from tests.bench.report import Figure
from tests.bench.vision.footage import KINDS, write

PICTURES, ROUNDS = 45, 3
SENT, LOOKED_AT = 15, 5
"""Pictures a second that a camera sends, all of which are decoded, and that are looked at."""
MS = "ms of CPU a picture"


def decoding(folder: Path) -> list[Figure]:
    """Decoding by codec and size, looking and compressing by size, cameras a core from both."""
    cv2.setNumThreads(1)  # as the capture process does
    figures: list[Figure] = []
    shared: dict[int, tuple[float, float]] = {}
    for kind in KINDS:
        path = write(folder, kind, PICTURES)
        decode = min(_decode(path) for _ in range(ROUNDS))
        figures.append(Figure(f"decode {kind}", decode, MS))
        if kind.width not in shared:
            shared[kind.width] = _look(path), _compress(path)
        look, compress = shared[kind.width]
        quiet = SENT * decode + LOOKED_AT * look
        figures += [
            Figure(f"quiet cameras a core, {kind}", 1000 / quiet, "cameras"),
            Figure(
                f"cameras a core on which all moves, {kind}, without the model",
                1000 / (quiet + LOOKED_AT * compress),
                "cameras",
            ),
        ]
    for kind in KINDS[: len(shared)]:
        size = f"{kind.width}×{kind.height}"
        look, compress = shared[kind.width]
        figures += [
            Figure(f"motion gate and health of pictures, {size}", look, MS),
            Figure(f"JPEG for the frames topic, {size}", compress, MS),
        ]
    return figures


def _frames(path: Path) -> list[av.VideoFrame]:
    stream = AvStream(str(path), "file")
    try:
        return [picture.frame for picture in stream.pictures()]
    finally:
        stream.close()


def _decode(path: Path) -> float:
    """Milliseconds a picture, as the capture decodes, without opening the file."""
    stream = AvStream(str(path), "file")
    try:
        pictures = stream.pictures()
        next(pictures)
        spent, count = time.process_time(), 0
        for _ in pictures:
            count += 1
        return 1000 * (time.process_time() - spent) / count
    finally:
        stream.close()


def _look(path: Path) -> float:
    gate, health, at = MotionGate(0.01, 10.0), PictureHealth(), 0.0

    def look(frame: av.VideoFrame) -> None:
        nonlocal at
        at += 1 / LOOKED_AT
        gray = small_gray(frame)
        health.look(gray, at)
        gate.look(gray, at)

    return _cost(path, look)


def _compress(path: Path) -> float:
    return _cost(path, lambda frame: encode_jpeg(frame, 900_000))


def _cost(path: Path, work: Callable[[av.VideoFrame], object]) -> float:
    frames = _frames(path)
    best = float("inf")
    for _ in range(ROUNDS):
        spent = time.process_time()
        for frame in frames:
            work(frame)
        best = min(best, time.process_time() - spent)
    return 1000 * best / len(frames)
