"""What the cameras of a flow recorded: which spans there are, and pieces of them, for the api."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from connectors.base import NoAnswer
from connectors.runtime.tickets import is_signed
from flows.vision.video_reader import RINGS, video_reader

if TYPE_CHECKING:
    from connectors.camera.record.packet_ring import Segment

PATHS = ("/recordings", "/recording")
LONGEST = 120.0
"""Seconds of one piece."""
GAP = 5.0
"""Seconds between the end of a segment and the next from which on nothing is recorded between."""
LONGEST_SEGMENT = 60.0
"""Seconds that no segment is long, where key frames come at all."""
Answer = tuple[int, str, bytes]


class Recordings:
    """Answers requests for what lies in the rings of a flow; only such as the api signed."""

    def __init__(self, folder: Path, secret: str) -> None:
        self._folder = folder
        self._secret = secret

    def answer(self, path: str, query: Mapping[str, str]) -> Answer:
        """Status, type and content of an answer."""
        if not is_signed(path, query, self._secret):
            return 403, "text/plain", b"the api asks here, with a signature\n"
        try:
            camera, start, end = query["camera"], float(query["from"]), float(query["to"])
        except (KeyError, ValueError):
            return 400, "text/plain", b"expected camera, from and to in epoch seconds\n"
        if path == PATHS[0]:
            return 200, "application/json", json.dumps(self._spans(camera, start, end)).encode()
        return self._piece(camera, start, min(end, start + LONGEST))

    def _spans(self, camera: str, start: float, end: float) -> list[tuple[float, float]]:
        from connectors.camera.record.packet_ring import camera_folder, segments

        rings = self._folder / RINGS
        spans: list[tuple[float, float]] = []
        for ring in sorted(rings.iterdir()) if rings.is_dir() else ():
            found = segments(camera_folder(ring, camera), start, end)
            if not found:
                continue
            begins = [one.start for one in found]
            ends = [
                _end_of(one, following)
                for one, following in zip(found, [*begins[1:], math.inf], strict=True)
            ]
            gaps = [(a, b) for a, b in zip(ends, begins[1:], strict=False) if b - a > GAP]
            edges = [begins[0], *(edge for gap in gaps for edge in gap), ends[-1]]
            spans += list(zip(edges[::2], edges[1::2], strict=True))
        return [(max(start, one), min(end, other)) for one, other in sorted(spans)]

    def _piece(self, camera: str, start: float, end: float) -> Answer:
        with TemporaryDirectory(prefix="vigie-recording-") as folder:
            path = Path(folder) / "piece.mp4"
            try:
                cut = video_reader(self._folder)(camera, start, end, path)
            except NoAnswer as error:
                return 503, "text/plain", str(error).encode()
            if cut is None:
                return 404, "text/plain", b"nothing is recorded there\n"
            return 200, "video/mp4", path.read_bytes()


def _end_of(segment: "Segment", following: float) -> float:
    """When a segment, which may still grow, was written last; `following` is the next one's start.

    Files that were copied, or written while the clock was set back, have times of their own.
    """
    longest = min(following, segment.start + LONGEST_SEGMENT)
    try:
        written = segment.path.stat().st_mtime
    except OSError:
        return segment.start
    if written < segment.start:
        return following if following == longest else segment.start
    return min(written, longest)
