"""The capture process on real RTSP and a real broker: pictures with their times and boxes."""

import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from connectors.camera.last_looks import LastLooks
from connectors.camera.record.packet_ring import segments
from infra.embedded.broker import Broker
from infra.embedded.rtsp import Mount, Rtsp
from tests.flows.vision.capturing import capturing
from tests.waiting import wait_until

pytestmark = pytest.mark.service
Own = Callable[[Any], Any]

GATE = {"min_area": 0.002, "hold": 1.0}


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_pictures_come_with_their_times_boxes_and_labels(
    tmp: Path, own: Own, broker: Broker, unique: str, transport: str
) -> None:
    server = own(Rtsp(tmp / "rtsp"))
    rows = [{"name": "gate", "host": server.address, "area": "yard"}]
    with capturing(
        broker.address,
        unique,
        tmp / "run",
        "rtsp://{host}/camera",
        rows,
        gate=GATE,
        transport=transport,
    ) as run:
        frames = run.wait_frames("gate", 15)
        states = run.states("gate")
    heads = [head for head, _ in frames]
    assert {(head.width, head.height) for head in heads} == {(640, 360)}
    assert heads[0].labels == {"area": "yard"}
    gaps = np.diff([head.time for head in heads])
    assert np.all(gaps > 0) and np.median(gaps) > 0.18, "no more than five a second"
    assert any(len(head.motion) for head in heads), "the ball moves"
    with av.open(io.BytesIO(frames[0][1])) as picture:
        assert next(picture.decode(video=0)).width == 640
    assert states["camera_online"] == 1 and states["camera_refused"] == 0


def test_a_video_file_is_a_camera_that_repeats_itself(
    tmp: Path, broker: Broker, unique: str
) -> None:
    video = tmp / "short.mp4"
    with av.open(str(video), "w") as output:
        stream: Any = output.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(12):
            picture = np.full((48, 64, 3), 40 + 10 * number, np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        output.mux(stream.encode())
    rows = [{"name": "file", "path": str(video)}]
    with capturing(broker.address, unique, tmp / "run", "{path}", rows) as run:
        frames = run.wait_frames("file", 13)  # more than it has: it goes on after its end
        online = [r for r in run.readings("file") if r.metric == "camera_online"]
    times = [head.time for head, _ in frames]
    assert np.all(np.diff(times) >= 0.001)
    assert [reading.value for reading in online] == [1.0]


def test_its_end_is_the_flows_end_and_the_ring_is_whole(
    tmp: Path, own: Own, broker: Broker, unique: str
) -> None:
    server = own(Rtsp(tmp / "rtsp", [Mount("/camera", key_interval=15)]))
    rows = [{"name": "gate", "host": server.address}]
    with capturing(broker.address, unique, tmp / "run", "rtsp://{host}/camera", rows) as run:
        run.wait_frames("gate", 15)
        assert run.stop() == 0
        assert run.states("gate")["camera_online"] == 0
        frames = run.frames("gate")
    wait_until(lambda: "TEARDOWN" in server.lines(), what="the end of the session")
    kept = segments(run.ring / "gate", frames[0][0].time, frames[-1][0].time)
    assert kept and kept[0].start == pytest.approx(frames[0][0].time, abs=5)
    pictures = 0
    for segment in kept:
        with av.open(str(segment.path)) as stream:
            decoded = list(stream.decode(video=0))
        assert decoded[0].key_frame and decoded[0].pts == 0
        pictures += len(decoded)
    assert pictures >= len(frames), "the ring has the stream's own rate, on a busy machine less"


def test_who_takes_pictures_again_says_in_which_time_nobody_looked(
    tmp: Path, broker: Broker, unique: str
) -> None:
    rows = [{"name": "gate", "page": "yard"}, {"name": "new"}]
    looks = LastLooks(tmp / "looks-video.json", lambda: time.monotonic() - 100)
    looks.looked("gate", time.time() - 100)
    with capturing(broker.address, unique, tmp, "simulate:walk", rows) as run:
        wait_until(
            lambda: all("camera_unwatched" in run.states(row["name"]) for row in rows),
            what="both to be told",
        )
        told = {row["name"]: run.readings(row["name"]) for row in rows}
    gate, new = (
        next(one for one in readings if one.metric == "camera_unwatched")
        for readings in told.values()
    )
    assert gate.value is not None and gate.value >= 100
    assert gate.labels == {"page": "yard"}
    assert "no process took its pictures" in str(gate.text)
    assert new.value == 0
