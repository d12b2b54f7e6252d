"""Cameras that come, change, stop and go while the capture process runs; a broker that is away."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from kafka import KafkaProducer

from connectors.kafka.admin import ensure_topic
from connectors.kafka.connection import TopicConnection
from flows.vision.video_reader import video_reader
from infra.embedded.broker import Broker
from infra.embedded.rtsp import Mount, Rtsp
from tests.flows.vision.capturing import capturing
from tests.waiting import wait_until

pytestmark = pytest.mark.service
Own = Callable[[Any], Any]


class Table:
    """A topic of cameras, written as the api does."""

    def __init__(self, broker: str, topic: str) -> None:
        self.topic = topic
        ensure_topic(TopicConnection(brokers=[broker]), topic, 1, compact=True)
        self._producer = KafkaProducer(bootstrap_servers=broker, enable_idempotence=False)

    def put(self, key: str, url: str, running: bool = True, **more: Any) -> None:
        row = {"id": key, "name": key, "url": url, "running": running, "camera": 1} | more
        self._producer.send(self.topic, json.dumps(row).encode(), key.encode()).get(30)

    def remove(self, name: str) -> None:
        value = json.dumps({"id": name, "deleted": True}).encode()
        self._producer.send(self.topic, value, name.encode()).get(30)

    def close(self) -> None:
        self._producer.close()


def test_cameras_are_added_changed_stopped_and_removed_live(
    tmp: Path, own: Own, broker: Broker, unique: str
) -> None:
    small, large = Mount("/small", width=320, height=180), Mount("/large")
    server = own(Rtsp(tmp / "rtsp", [small, large]))
    table = Table(broker.address, f"{unique}.cameras")
    table.put("gate", server.url("/small"), area="yard", fps=2)
    with capturing(
        broker.address, unique, tmp / "run", "{url}", [], table_topic=table.topic
    ) as run:
        first = run.wait_frames("gate", 4)
        assert first[0][0].labels == {"area": "yard"}
        assert first[3][0].time - first[1][0].time > 0.5, "no more than two a second"

        table.put("dock", server.url("/large"))
        run.wait_frames("dock", 2)

        table.put("gate", server.url("/large"), area="hall")
        wait_until(
            lambda: run.frames("gate")[-1][0].labels == {"area": "hall"}, what="the changed row"
        )
        assert run.frames("gate")[-1][0].width == 640

        table.put("dock", server.url("/large"), running=False)
        run.wait_for("dock", "camera_online", 0.0)
        wait_until(lambda: [frame.over for frame in run.quiet("dock")][-1:] == [True], what="over")
        table.put("dock", server.url("/large"))
        run.wait_for("dock", "camera_online", 1.0)

        table.remove("gate")
        run.wait_for("gate", "camera_online", 0.0)
        frames = len(run.frames("gate"))
        run.wait_frames("dock", len(run.frames("dock")) + 5)
        assert len(run.frames("gate")) == frames
    table.close()


def test_what_is_drawn_as_private_is_black_on_every_picture_from_then_on(
    tmp: Path, own: Own, broker: Broker, unique: str
) -> None:
    server = own(Rtsp(tmp / "rtsp", [Mount("/gate", width=320, height=180)]))
    table = Table(broker.address, f"{unique}.cameras")
    right = {"points": [[0.5, 0], [1, 0], [1, 1], [0.5, 1]], "privacy": True}
    table.put("gate", server.url("/gate"))
    with capturing(
        broker.address, unique, tmp / "run", "{url}", [], table_topic=table.topic
    ) as run:
        run.wait_frames("gate", 1)
        wait_until(lambda: brightest(run.frames("gate")[-1][1]) > 100, what="a bright half")
        table.put("gate", server.url("/gate"), zones={"window": right})
        wait_until(lambda: brightest(run.frames("gate")[-1][1]) < 40, what="a black half")
        run.wait_frames("gate", len(run.frames("gate")) + 10)
        assert all(brightest(jpeg) < 40 for _, jpeg in run.frames("gate")[-10:])
    table.close()


def test_what_a_definition_calls_private_is_black_on_pictures_and_on_clips(
    tmp: Path, own: Own, broker: Broker, unique: str
) -> None:
    server = own(Rtsp(tmp / "rtsp", [Mount("/gate", width=320, height=180)]))
    private = {"gate": [[[0.5, 0], [1, 0], [1, 1], [0.5, 1]]]}
    rows = [{"name": "gate", "url": server.url("/gate")}]
    with capturing(
        broker.address, unique, tmp / "run", "{url}", rows, private=private, record={"keep": "60s"}
    ) as run:
        frames = run.wait_frames("gate", 15)
        assert all(brightest(jpeg) < 40 for _, jpeg in frames)
        cut = video_reader(run.folder)("gate", 0, frames[-1][0].time, tmp / "clip.mp4")
    assert cut is not None
    with av.open(str(tmp / "clip.mp4")) as clip:
        pictures = [picture.to_ndarray(format="gray") for picture in clip.decode(video=0)]
    assert pictures
    assert all(picture[:, 168:].max() < 40 for picture in pictures)


def brightest(jpeg: bytes) -> int:
    """How bright the brightest place of the right half of a picture is."""
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    return int(picture[:, picture.shape[1] // 2 + 8 :].max())


def test_what_does_not_move_is_told_once_a_second_without_a_picture(
    tmp: Path, broker: Broker, unique: str
) -> None:
    rows = [{"name": "still", "area": "yard"}]
    gate = {"min_area": 0.01, "hold": 1.0}
    with capturing(broker.address, unique, tmp / "run", "simulate:still", rows, gate=gate) as run:
        wait_until(lambda: len(run.quiet("still")) >= 5, what="five quiet frames")
        quiet, pictures = run.quiet("still"), run.frames("still")
    assert len(pictures) == 1, "the first picture is looked at"
    assert all(not frame.moving and frame.labels == {"area": "yard"} for frame in quiet)
    assert (quiet[-1].time - quiet[0].time) / (len(quiet) - 1) > 0.5


def test_where_something_was_found_pictures_go_on_though_nothing_moves(
    tmp: Path, broker: Broker, unique: str
) -> None:
    gate = {"min_area": 0.01, "hold": 1.0}
    rows = [{"name": "still"}]
    with capturing(broker.address, unique, tmp / "run", "simulate:still", rows, gate=gate) as run:
        run.wait_frames("still", 1)
        run.say(seen="still")
        run.wait_frames("still", 4)


def test_of_two_cameras_of_one_name_the_first_runs_and_the_second_is_said(
    tmp: Path, broker: Broker, unique: str
) -> None:
    rows = [{"name": "yard", "scene": "walk"}, {"name": "yard", "scene": "still"}, {"scene": "x"}]
    with capturing(broker.address, unique, tmp / "run", "simulate:{scene}", rows) as run:
        run.wait_frames("yard", 5)
        assert run.counts()["bad_rows"] == 2
        assert "two cameras are called 'yard'" in run.log


def test_of_two_rows_of_one_name_the_second_runs_once_the_first_is_gone(
    tmp: Path, broker: Broker, unique: str
) -> None:
    table = Table(broker.address, f"{unique}.cameras")
    table.put("c1", "simulate:walk", name="yard", area="first")
    table.put("c2", "simulate:walk", name="yard", area="second")
    with capturing(
        broker.address, unique, tmp / "run", "{url}", [], table_topic=table.topic
    ) as run:
        run.wait_frames("yard", 5)
        wait_until(lambda: run.counts()["bad_rows"] == 1, what="the second to be said")
        assert {head.labels["area"] for head, _ in run.frames("yard")} == {"first"}
        table.put("c2", "simulate:still", name="door", area="second")
        run.wait_frames("door", 3)
        table.put("c2", "simulate:walk", name="yard", area="second")
        wait_until(lambda: run.counts()["bad_rows"] == 2, what="the second to be said again")
        table.remove("c1")
        wait_until(
            lambda: "second" in {head.labels["area"] for head, _ in run.frames("yard")},
            what="the second one's pictures",
        )
        table.close()


@pytest.mark.slow
def test_while_the_broker_hangs_the_newest_pictures_are_kept_and_the_others_counted(
    tmp: Path, own: Own, unique: str
) -> None:
    broker = own(Broker(tmp / "broker"))
    rows = [{"name": f"c{number}"} for number in range(3)]
    with capturing(broker.address, unique, tmp / "run", "simulate:street", rows, fps=25) as run:
        run.wait_frames("c0", 10)
        assert broker.pid is not None
        os.kill(broker.pid, signal.SIGSTOP)
        try:
            wait_until(lambda: run.counts()["frames_skipped"] > 200, what="skipped pictures")
            resident = _resident(run.process.pid)
        finally:
            os.kill(broker.pid, signal.SIGCONT)
        assert resident < 400 << 20
        before = len(run.frames("c1"))
        run.wait_frames("c1", before + 20)
        counts = run.counts()
        assert counts["frames_skipped"] == sum(
            counts[f"frames_skipped {row['name']}"] for row in rows
        )


def _resident(pid: int) -> int:
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
