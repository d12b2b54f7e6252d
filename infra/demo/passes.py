"""A video of people and cars that pass one after the other, and where they are on each picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from infra.demo.street_scenes import CAR, PERSON, Label, Thing, background, draw

WIDTH, HEIGHT = 640, 360


@dataclass(frozen=True)
class Pass:
    """One object that crosses the picture from side to side.

    It comes in at `begins` and takes `takes` seconds, `stands` of which it stands still in the
    middle. Its feet are at `low`, a fraction of the height, and it is `tall`, another.
    """

    kind: int
    begins: float
    takes: float = 8.0
    low: float = 0.85
    tall: float = 0.45
    leftwards: bool = False
    stands: float = 0.0

    def way(self, part: float) -> float:
        """The part of its way that it has gone after a part of its time."""
        walks = 1 - self.stands / self.takes
        gone = min(part, walks / 2) + max(0.0, part - (1 - walks / 2))
        return gone / walks


def passes(count: int, every: float, kinds: Sequence[int] = (PERSON, CAR)) -> list[Pass]:
    """So many passes, of these kinds in turn, one each `every` seconds."""
    return [
        Pass(kinds[number % len(kinds)], 3.0 + number * every, leftwards=bool(number // 2 % 2))
        for number in range(count)
    ]


def write_video(
    path: Path, some: Sequence[Pass], seconds: float, fps: int = 10, seed: int = 7
) -> list[list[Label]]:
    """Write the passes as H.264 without B-frames, a key frame a second.

    Returns the labels of each picture, with boxes in pixels. The same seed gives the same video.
    """
    dice = np.random.default_rng(seed)
    street = background(dice, WIDTH, HEIGHT)
    looks = [_thing(one, seed + number) for number, one in enumerate(some)]
    labels = []
    with av.open(str(path), "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.thread_count = 1  # several make several slices of a picture
        stream.options = {"preset": "veryfast", "bf": "0", "g": str(fps)}
        for number in range(round(seconds * fps)):
            now = number / fps
            present = []
            for one, thing in zip(some, looks, strict=True):
                part = (now - one.begins) / one.takes
                if 0 <= part <= 1:
                    thing.x = _across(one.way(part), thing, one.leftwards)
                    present.append(thing)
            picture, seen = draw(dice, street, present, number * 15 / fps, noise=3)
            labels.append(seen)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        file.mux(stream.encode())
    return labels


def _thing(one: Pass, seed: int) -> Thing:
    thing = Thing(np.random.default_rng(seed), WIDTH, HEIGHT, one.kind, one.tall * HEIGHT)
    thing.y = one.low * HEIGHT
    thing.speed = -abs(thing.speed) if one.leftwards else abs(thing.speed)
    return thing


def _across(part: float, thing: Thing, leftwards: bool) -> float:
    half = thing.tall * thing.aspect / 2
    way = WIDTH + 2 * half
    return WIDTH + half - part * way if leftwards else part * way - half
