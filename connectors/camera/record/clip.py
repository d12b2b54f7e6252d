"""Clips: pieces of what a camera recorded, put into MP4 files as its packets are."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
from av.error import FFmpegError

from connectors.base import NoAnswer, VideoCut
from connectors.camera.record.covered_clip import cover_clip
from connectors.camera.record.packet_ring import Segment, segments
from connectors.camera.record.private_polygons import read_polygons
from connectors.runtime.private_files import sync

TICKS = 90_000
"""Units of time in a second, in MPEG-TS (ISO/IEC 13818-1, 2.4.3.7) and in our clips."""
BROKEN = (FFmpegError, OSError, ValueError)


class Packet(NamedTuple):
    """A packet of video and its time, in epoch seconds and in ticks since its segment began."""

    time: float
    ticks: int
    decode_ticks: int
    segment: Segment
    packet: Any


def cut_clip(folder: Path, start: float, end: float, path: Path) -> VideoCut | None:
    """Write what the ring in `folder` holds from `start` to `end` to an MP4 file.

    What nobody may see of the camera is black on it; only then its pictures are coded again. It
    begins with the last key frame before `start`, or the first after it where the ring begins
    later; its index stands before the pictures, so that a browser plays it while it loads. Where
    the camera changed its picture's size or coding meanwhile, it is the longer part. None, and no
    file, where the ring has no key frame in that time. Raises `NoAnswer` where the file cannot be
    written.
    """
    private = read_polygons(folder)
    chosen = _alike(segments(folder, start, end), end)
    packets = _from_key_frame(_packets(chosen, end), start)
    first = next(packets, None)
    if first is None:
        return None
    try:
        cut = _write(first, packets, path)
        if private:
            cut = cut._replace(codec=cover_clip(path, private))
        sync(path)
    except (FFmpegError, OSError) as error:  # what reading meets is caught where it reads
        path.unlink(missing_ok=True)
        raise NoAnswer(f"the clip {path} cannot be written: {error}") from error
    return cut


def _write(first: Packet, rest: Iterator[Packet], path: Path) -> VideoCut:
    with (
        av.open(str(first.segment.path), format="mpegts") as sample,
        av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as clip,
    ):
        template = sample.streams.video[0]
        codec = str(template.codec_context.name)
        began = datetime.fromtimestamp(first.time, UTC)
        clip.metadata["creation_time"] = began.isoformat().replace("+00:00", "Z")
        stream = clip.add_stream_from_template(template)
        if codec == "hevc":
            stream.codec_context.codec_tag = "hvc1"
        stream.time_base = Fraction(1, TICKS)
        last, decoded = first.time, -TICKS * 3600
        for one in (first, *rest):
            shift = round((one.segment.start - first.segment.start) * TICKS) - first.ticks
            packet = one.packet
            decoded = max(one.decode_ticks + shift, decoded + 1)
            packet.time_base = Fraction(1, TICKS)
            packet.dts = decoded
            packet.pts = max(one.ticks + shift, decoded)
            packet.stream = stream
            clip.mux(packet)
            last = max(last, one.time)
    return VideoCut(first.time, last, codec)


def _from_key_frame(packets: Iterator[Packet], start: float) -> Iterator[Packet]:
    """Packets from the last key frame before `start` on, or from the first one after it."""
    held: list[Packet] = []
    for one in packets:
        if one.packet.is_keyframe and one.time <= start:
            held = [one]
        elif one.time <= start:
            if held:
                held.append(one)
        elif held or one.packet.is_keyframe:
            yield from (*held, one)
            yield from packets
            return


def _packets(chosen: Sequence[Segment], end: float) -> Iterator[Packet]:
    """The packets of video of segments up to `end`; a damaged file ends where the damage begins."""
    for segment in chosen:
        with suppress(*BROKEN), av.open(str(segment.path), format="mpegts") as file:
            stream = file.streams.video[0]
            scale = (stream.time_base or Fraction(1, TICKS)) * TICKS
            first: int | None = None
            for packet in file.demux(stream):
                if packet.pts is None or packet.dts is None or packet.size == 0:
                    continue
                first = packet.pts if first is None else first
                ticks = round((packet.pts - first) * scale)
                decode_ticks = round((packet.dts - first) * scale)
                if segment.start + decode_ticks / TICKS > end:
                    return
                time = segment.start + ticks / TICKS
                yield Packet(time, ticks, decode_ticks, segment, packet)


def _alike(found: Sequence[Segment], end: float) -> list[Segment]:
    """Of segments the longest row whose pictures have the same coding and size."""
    rows: list[tuple[object, list[Segment]]] = []
    for segment in found:
        form = _form(segment)
        if form is None:
            continue
        if not rows or rows[-1][0] != form:
            rows.append((form, []))
        rows[-1][1].append(segment)
    starts = [row[0].start for _, row in rows]
    spans = [after - start for start, after in zip(starts, [*starts[1:], end], strict=False)]
    return rows[spans.index(max(spans))][1] if rows else []


def _form(segment: Segment) -> object:
    """Coding and size of a segment's pictures; None for one that cannot be read."""
    with suppress(*BROKEN, IndexError), av.open(str(segment.path), format="mpegts") as file:
        context = file.streams.video[0].codec_context
        if context.width:
            return context.name, context.width, context.height
    return None
