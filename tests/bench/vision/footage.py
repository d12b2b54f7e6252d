"""Videos of a street as cameras send it: by codec, size and rate, with one person who walks by."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from infra.demo.street_scenes import PERSON, Thing, background, draw

NOISE = 3.0


@dataclass(frozen=True)
class Kind:
    """What a camera sends: `bits` a second are usual for its size."""

    codec: str
    width: int
    height: int
    bits: int = 0

    def __str__(self) -> str:
        return f"{NAMES[self.codec]} {self.width}×{self.height}"


NAMES = {"libx264": "H.264", "libx265": "H.265", "mjpeg": "MJPEG"}
ENDINGS = {"libx264": ".mp4", "libx265": ".mp4", "mjpeg": ".avi"}
SIZES = ((640, 360, 800_000), (1280, 720, 2_000_000), (1920, 1080, 4_000_000))
KINDS = tuple(Kind(codec, *size) for codec in NAMES for size in SIZES)
HD = Kind("libx264", 1280, 720, 2_000_000)


def write(folder: Path, kind: Kind, pictures: int, fps: int = 15, quiet: bool = False) -> Path:
    """Write a video; on a `quiet` one nothing moves but the sensor's noise."""
    dice = np.random.default_rng(5)
    street = background(dice, kind.width, kind.height)
    thing = Thing(dice, kind.width, kind.height, PERSON, 0.4 * kind.height)
    thing.y = 0.9 * kind.height
    path = folder / f"{kind.codec}-{kind.width}-{fps}{ENDINGS[kind.codec]}"
    with av.open(str(path), "w") as file:
        stream = file.add_stream(kind.codec, rate=fps)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = kind.width, kind.height
        stream.pix_fmt = "yuvj420p" if kind.codec == "mjpeg" else "yuv420p"
        stream.codec_context.time_base = Fraction(1, fps)
        stream.codec_context.thread_count = 1  # several make several slices of a picture
        if kind.codec == "mjpeg":
            stream.options = {"qmin": "5", "qmax": "5"}
        else:
            stream.bit_rate = kind.bits
            stream.options = {"preset": "veryfast", "bf": "0", "g": str(2 * fps)}
        if kind.codec == "libx265":
            stream.options |= {"x265-params": "log-level=none:bframes=0"}
        for number in range(pictures):
            thing.x = kind.width * number / pictures
            shown = draw(dice, street, [] if quiet else [thing], number * 15 / fps, noise=NOISE)[0]
            file.mux(stream.encode(av.VideoFrame.from_ndarray(shown, format="bgr24")))
        file.mux(stream.encode())
    return path
