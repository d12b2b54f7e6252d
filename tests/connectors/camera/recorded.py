"""A ring of packets as a camera leaves it: real H.264, whose pictures tell their number."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

RATE = 10
TICKS = 90_000
WIDTH, HEIGHT = 192, 144
LEVELS = 50


def gray(number: int) -> int:
    """The brightness of a picture; the same again after `LEVELS` pictures."""
    return 30 + 4 * (number % LEVELS)


def encoded(
    pictures: int,
    *,
    gop: int = 10,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    codec: str = "libx264",
    bframes: int = 2,
) -> tuple[Any, list[Any]]:
    """A stream to copy from, and its packets."""
    memory = av.open("/dev/null", "w", format="mpegts")
    stream = memory.add_stream(codec, rate=RATE)
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    options = {"preset": "ultrafast", "bf": str(bframes), "sc_threshold": "0"}
    if codec == "libx265":
        options = {"preset": "ultrafast", "x265-params": f"keyint={gop}:log-level=none"}
    stream.options = options
    stream.gop_size = gop
    packets = []
    for number in range(pictures):
        pixels = np.full((size[1], size[0], 3), gray(number), np.uint8)
        frame = av.VideoFrame.from_ndarray(pixels, format="bgr24")
        frame.pts, frame.time_base = number, Fraction(1, RATE)
        packets += stream.encode(frame)
    return stream, [*packets, *stream.encode()]


def record(folder: Path, began: float, pictures: int, *, gops: int = 2, **how: Any) -> list[Path]:
    """Write a ring that begins at `began` (epoch seconds): segments of `gops` groups each."""
    folder.mkdir(parents=True, exist_ok=True)
    stream, packets = encoded(pictures, **how)
    made: list[Path] = []
    file: Any = None
    out: Any = None
    keys = 0
    first = 0
    for packet in packets:
        if packet.dts is None:
            continue
        if packet.is_keyframe:
            if keys % gops == 0:
                if file is not None:
                    file.close()
                first = packet.pts
                start = began + float(first * packet.time_base)
                made.append(folder / f"{round(start * 1000)}.ts")
                file = av.open(str(made[-1]), "w", format="mpegts")
                out = file.add_stream_from_template(stream)
            keys += 1
        unit = packet.time_base
        pts, dts = packet.pts - first, packet.dts - first
        packet.stream = out
        packet.time_base = Fraction(1, TICKS)
        packet.pts, packet.dts = round(pts * unit * TICKS), round(dts * unit * TICKS)
        file.mux(packet)
    file.close()
    return made


def brightness(path: Path) -> list[tuple[float, int]]:
    """Time since its beginning and brightness of each picture of a clip, decoded."""
    with av.open(str(path)) as clip:
        return [
            (float(frame.time or 0.0), round(float(frame.to_ndarray(format="gray").mean())))
            for frame in clip.decode(video=0)
        ]
