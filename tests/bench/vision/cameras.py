"""All benchmarks of cameras, part by part; a part that a machine cannot do is left out, and why."""

import sys
from collections.abc import Callable
from pathlib import Path

from infra.embedded.rtsp import Rtsp
from tests.bench.report import Figure
from tests.bench.vision.decoding import decoding
from tests.bench.vision.latency import picture_latency
from tests.bench.vision.quiet import quiet
from tests.bench.vision.whole_path import whole_path

PARTS: dict[str, Callable[[Path], list[Figure]]] = {
    "decoding": decoding,
    "quiet": quiet,
    "path": whole_path,
    "latency": picture_latency,
}
NEED_RTSP = ("quiet",)


def cameras(folder: Path) -> list[Figure]:
    """What cameras cost, how quickly the model's path is, and how long an event takes."""
    figures: list[Figure] = []
    for name, part in PARTS.items():
        if name in NEED_RTSP and (reason := Rtsp.missing()):
            print(f"{name} is left out: {reason}", file=sys.stderr)
            continue
        print(f"… cameras: {name}", file=sys.stderr, flush=True)
        place = folder / name
        place.mkdir()
        figures += part(place)
    return figures
