"""A ring of a camera's packets on disk: MPEG-TS segments that each begin with a key frame.

A segment is the file `START.ts` in the camera's folder, `START` being the event time of its first
packet in milliseconds since 1970; times in it begin at 0. What is written is in the file at once,
so that the end of the process costs no more than the packet under way.
"""

import contextlib
import logging
import math
from collections import deque
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import av
from av.error import FFmpegError

from connectors.camera.motion import Polygon
from connectors.camera.record.private_polygons import write_polygons
from connectors.runtime.private_files import private_folder, room

log = logging.getLogger("vigie")

SHORTEST, SHORTEST_OF_LONG = 2.0, 20.0
"""Seconds after which the next key frame begins a segment; where more than `LONG` are kept."""
LONG = 1800.0
CODECS = ("h264", "hevc")
JUMP = 2.0
"""Seconds between a stream's own times and those of its pictures from which on its times jumped."""
LONGEST_HEAD = 1024
"""Bytes of a key frame among which its parameters stand."""
_TICKS = 90_000


class Segment(NamedTuple):
    """A file of the ring and the event time of its first packet, in epoch seconds."""

    path: Path
    start: float


def camera_folder(ring: Path, camera: str) -> Path:
    """The folder of a camera, whose name may hold any letter."""
    name = quote(camera, safe="").replace("~", "%7E")
    return ring / (name if name.strip(".") else name.replace(".", "%2E"))


def segments(folder: Path, start: float, end: float) -> list[Segment]:
    """The segments of a camera's folder that may hold pictures of [start, end], oldest first.

    The last one may still grow.
    """
    found = _all(folder)
    following = [*(segment.start for segment in found[1:]), math.inf]
    return [
        segment
        for segment, until in zip(found, following, strict=False)
        if segment.start <= end and until > start
    ]


def _all(folder: Path) -> list[Segment]:
    try:
        names = [path for path in folder.iterdir() if path.suffix == ".ts"]
    except FileNotFoundError:
        return []
    return sorted(
        (Segment(path, int(path.stem) / 1000) for path in names if path.stem.isdigit()),
        key=lambda segment: segment.start,
    )


class PacketRing:
    """Keeps the newest packets of one camera: at most `seconds` of them and `most_bytes`.

    What an earlier process left counts as well. It is less where the disk has no more room than
    others need. `problem` says why nothing is kept at present. Not thread-safe.
    """

    def __init__(
        self,
        folder: Path,
        seconds: float,
        most_bytes: int,
        private: Sequence[Polygon] = (),
    ) -> None:
        """`private` is what nobody may see of the camera."""
        self._folder = folder
        self._private = private
        self._is_ready = False
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._shortest = SHORTEST if seconds <= LONG else SHORTEST_OF_LONG
        self._kept: deque[tuple[Segment, int]] = deque(
            (segment, segment.path.stat().st_size) for segment in _all(folder)
        )
        self._bytes = sum(size for _, size in self._kept)
        self._output: Any = None
        self._stream: Any = None
        self._segment: Segment | None = None
        self._first = 0
        self._written = 0
        self._last_dts = 0
        self._parameters = b""
        self._is_short = False
        self.failures = 0
        self.problem: str | None = None
        with contextlib.suppress(OSError):  # it is tried again, and told, when packets come
            self._prepare()

    def write(self, packet: "av.Packet[Any]", source: av.VideoStream, time: float) -> None:
        """Add a packet, of which `time` is the event time; it belongs to the ring from then on.

        Packets before the first key frame are left out, and so are those between a jump of the
        stream's own times and the next key frame. A disk that takes none costs packets, and
        is counted in `failures`.
        """
        if packet.pts is None or packet.time_base is None:
            return
        ticks = round(packet.pts * packet.time_base * _TICKS)
        if self._segment is not None and self._output is not None:
            off = (ticks - self._first) / _TICKS - (time - self._segment.start)
            if abs(off) > JUMP:
                self.end_segment()
        if packet.is_keyframe and self._has_other_pictures(packet, source):
            self.end_segment()
        if packet.is_keyframe and (
            self._segment is None or time - self._segment.start >= self._shortest
        ):
            self.end_segment()
            self._begin(source, time, ticks)
        if self._output is None:
            return
        size = packet.size
        decoded_at = packet.pts if packet.dts is None else packet.dts
        behind = max(0, round((packet.pts - decoded_at) * packet.time_base * _TICKS))
        packet.stream = self._stream
        packet.time_base = Fraction(1, _TICKS)
        packet.dts = max(ticks - self._first - behind, self._last_dts + 1)
        packet.pts = max(ticks - self._first, packet.dts)
        self._last_dts = packet.dts
        try:
            self._output.mux(packet)
        except (FFmpegError, OSError) as error:
            self._failed(_said(self._folder, error))
            return
        self._written += size
        if self._written + self._bytes > self._most_bytes:
            self._drop_oldest()

    def end_segment(self) -> None:
        """Close the present segment; the next one begins at the next key frame."""
        output, self._output = self._output, None
        if output is None or self._segment is None:
            return
        with contextlib.suppress(FFmpegError, OSError):
            output.close()
        with contextlib.suppress(OSError):
            size = self._segment.path.stat().st_size
            self._kept.append((self._segment, size))
            self._bytes += size
        self._segment = None

    def _prepare(self) -> None:
        """Make the folder, and say in it what nobody may see. Raises `OSError`."""
        if not self._is_ready:
            write_polygons(private_folder(self._folder), self._private)
            self._is_ready = True

    def _has_other_pictures(self, packet: "av.Packet[Any]", source: av.VideoStream) -> bool:
        """Whether a key frame says that pictures are of another size or kind from it on."""
        found = parameters(bytes(memoryview(packet)[:LONGEST_HEAD]), source.codec_context.name)
        before, self._parameters = self._parameters, found or self._parameters
        return bool(before and found and found != before)

    def _has_room(self) -> bool:
        """Whether the disk has room for others beside us; forgets the oldest for it."""
        free, wanted = room(self._folder)
        is_short = free < wanted
        if is_short and not self._is_short:
            log.warning(
                "%s: the disk has %d MB left, so the oldest that was recorded is forgotten early",
                self._folder,
                free >> 20,
            )
        self._is_short = is_short
        while free < wanted and self._kept:
            free += self._kept[0][1]
            self._drop_oldest()
        return free >= wanted

    def _begin(self, source: av.VideoStream, time: float, ticks: int) -> None:
        start = round(time * 1000)
        while len(self._kept) > 1 and self._kept[1][0].start <= time - self._seconds:
            self._drop_oldest()
        # the wall clock of an earlier process was ahead: its pictures are of no time that comes
        while self._kept and self._kept[-1][0].start >= time:
            self._remove(*self._kept.pop())
        path = self._folder / f"{start}.ts"
        try:
            self._prepare()
            if not self._has_room():
                self._failed(f"the disk of {self._folder} is full; make room there")
                return
        except OSError as error:
            self._failed(f"{self._folder}: {error.strerror}")
            return
        options = {"flush_packets": "1", "mpegts_copyts": "1"}
        try:
            self._output = av.open(str(path), "w", format="mpegts", options=options)
            self._stream = self._output.add_stream_from_template(source)
        except (FFmpegError, OSError, ValueError) as error:
            self._failed(_said(self._folder, error))
            return
        self.problem = None
        self._segment = Segment(path, start / 1000)
        self._first, self._written, self._last_dts = ticks, 0, -1

    def _drop_oldest(self) -> None:
        if self._kept:
            self._remove(*self._kept.popleft())
        elif self._segment is not None:  # one alone is too large: its stream has few key frames
            path = self._segment.path
            self.end_segment()
            self._bytes -= self._kept.pop()[1] if self._kept else 0
            path.unlink(missing_ok=True)

    def _remove(self, segment: Segment, size: int) -> None:
        self._bytes -= size
        with contextlib.suppress(OSError):
            segment.path.unlink(missing_ok=True)

    def _failed(self, problem: str) -> None:
        self.failures += 1
        self.end_segment()
        if self.problem is None:
            log.warning("nothing is recorded: %s", problem)
        self.problem = problem


def parameters(head: bytes, codec: str) -> bytes:
    """The sequence parameter set at the head of a key frame; empty where there is none.

    Units of Annex B of ITU-T H.264 (type 7) and H.265 (type 33).
    """
    for unit in head.split(b"\0\0\1"):
        first = unit[0] if unit else 0
        if first & 0x1F == 7 if codec == "h264" else first >> 1 & 0x3F == 33:
            return unit.rstrip(b"\0")
    return b""


def _said(folder: Path, error: Exception) -> str:
    return f"{folder}: {getattr(error, 'strerror', None) or type(error).__name__}"
