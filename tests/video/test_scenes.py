"""Drawn scenes whose labels are known, from a real RTSP server to what the shipped model finds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from connectors.detector.worker_messages import Box
from connectors.kafka.connection import TopicConnection
from infra.demo import street_scenes as scenes
from infra.embedded.broker import Broker
from infra.embedded.rtsp import Mount, Rtsp
from operators.events import Frame
from tests.connectors.detector.matching import Score, compare
from tests.flows.vision.capturing import capturing
from tests.flows.vision.detecting import Process
from tests.waiting import wait_until

pytestmark = [pytest.mark.service, pytest.mark.slow]

SEEDS = (101, 103, 104, 107)
RATE = 15
WIDTH, HEIGHT = 640, 360
CONFIDENCE = 0.5
ENOUGH = 15
"""Pictures of each camera, three seconds of it."""

Small = np.ndarray[Any, np.dtype[np.float32]]


class Scene:
    """A video of five seconds, which the server repeats, and who is where on each picture."""

    def __init__(self, seed: int, path: Path) -> None:
        self.path = path
        self._labels: list[list[scenes.Label]] = []
        self._small: list[Small] = []
        with av.open(str(path), "w", format="mp4") as file:
            stream = file.add_stream("libx264", rate=RATE)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            stream.codec_context.thread_count = 1
            stream.options = {"preset": "veryfast", "bf": "0", "g": str(RATE)}
            for picture, labels in scenes.video(seed, pictures=5 * RATE):
                self._labels.append(labels)
                self._small.append(small(picture))
                file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
            file.mux(stream.encode())

    def labels(self, jpeg: bytes) -> list[scenes.Label]:
        """Who is where on a picture that came out of the stream."""
        shown = small(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR))
        off = [float(np.abs(shown - one).mean()) for one in self._small]
        return self._labels[int(np.argmin(off))]


def small(picture: Any) -> Small:
    return np.asarray(cv2.resize(picture, (160, 90), interpolation=cv2.INTER_AREA), np.float32)


def test_persons_and_cars_are_found_on_what_an_rtsp_server_sends(
    tmp: Path, own: Callable[[Any], Any], broker: Broker, unique: str
) -> None:
    made = {f"cam{seed}": Scene(seed, tmp / f"{seed}.mp4") for seed in SEEDS}
    mounts = [Mount(f"/{name}", scene.path) for name, scene in made.items()]
    server = own(Rtsp(tmp / "rtsp", mounts))
    url, rows = f"rtsp://{server.address}/{{name}}", [{"name": name} for name in made]
    connection = TopicConnection(brokers=[broker.address], idempotence=False, partitions=1)
    wanted = {"flow": unique, "model": "demo8n", "classes": ["person", "car"]}
    with (
        capturing(broker.address, unique, tmp / "run", url, rows) as run,
        Process(connection, "video", tmp / "look", confidence=CONFIDENCE, **wanted),
    ):

        def found() -> dict[str, list[Frame]]:
            told = [one for one in run.events() if isinstance(one, Frame) and one.seen is not None]
            return {name: [one for one in told if one.subject == name] for name in made}

        wait_until(
            lambda: all(len(some) >= ENOUGH for some in found().values()), what="what was found"
        )
        answers = found()
        ids = {one.id for frames in answers.values() for one in frames}
        wait_until(lambda: ids <= {head.id for head, _ in run.frames()}, what="their pictures")
        jpegs = {head.id: jpeg for head, jpeg in run.frames()}
    total = Score(0, 0, 0)
    for name, frames in answers.items():
        for frame in frames:
            sure = [
                Box(one.class_, one.score, *one.box)
                for one in frame.seen or []
                if one.score >= CONFIDENCE
            ]
            total += compare(sure, made[name].labels(jpegs[frame.id]), WIDTH, HEIGHT)
    assert total.right > 2 * ENOUGH, total
    assert total.precision >= 0.9, total
    assert total.recall >= 0.8, total
