"""What happens to cameras, and to the others meanwhile: real servers that are killed and stopped."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from connectors.camera.record.packet_ring import segments
from flows.vision.video_reader import video_reader
from infra.embedded.broker import Broker
from infra.embedded.rtsp import Mount, Rtsp
from operators.events import Occurrence
from tests.chaos.small_disk import SmallDisk, missing
from tests.connectors.camera.snapshot_server import snapshots
from tests.flows.vision.capturing import Capture, capturing
from tests.flows.vision.mjpeg_server import mjpeg
from tests.http_digest import Guard
from tests.waiting import wait_until

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.system]
Own = Callable[[Any], Any]

PASSWORD = "p@s/s#w:rd%41"


def more(run: Capture, camera: str) -> None:
    """Wait until pictures of a camera come at its rate, whatever befalls another one."""
    count = len(run.frames(camera))
    frames = run.wait_frames(camera, count + 10)[count:]
    assert np.median(np.diff([head.time for head, _ in frames])) < 0.3, "five a second are wanted"


@pytest.fixture
def two(tmp: Path, own: Own) -> tuple[Rtsp, Rtsp]:
    return own(Rtsp(tmp / "one")), own(Rtsp(tmp / "other"))


def rows(two: tuple[Rtsp, Rtsp]) -> list[dict[str, str]]:
    return [{"name": "gate", "host": two[0].address}, {"name": "dock", "host": two[1].address}]


def test_a_killed_camera_is_told_and_comes_back_by_itself(
    tmp: Path, two: tuple[Rtsp, Rtsp], broker: Broker, unique: str
) -> None:
    with capturing(broker.address, unique, tmp / "run", "rtsp://{host}/camera", rows(two)) as run:
        run.wait_frames("gate", 10)
        run.wait_frames("dock", 10)
        two[0].kill()
        told = run.wait_for("gate", "camera_online", 0.0)
        assert told.text and two[0].address in told.text
        wait_until(
            lambda: "Connection refused" in (run.cameras()["gate"]["why"] or ""),
            what="the newest reason",
        )
        more(run, "dock")
        before = len(run.frames("gate"))
        two[0].start().wait_ready()
        run.wait_for("gate", "camera_online", 1.0)
        run.wait_frames("gate", before + 10)
        times = [head.time for head, _ in run.frames("gate")]
        assert np.all(np.diff(times) > 0)
        assert run.states("dock")["camera_online"] == 1


def test_a_frozen_camera_is_told_although_its_connection_stands_and_the_other_goes_on(
    tmp: Path, two: tuple[Rtsp, Rtsp], broker: Broker, unique: str
) -> None:
    with capturing(broker.address, unique, tmp / "run", "rtsp://{host}/camera", rows(two)) as run:
        run.wait_frames("gate", 10)
        run.wait_frames("dock", 10)
        assert two[0].pid is not None
        os.kill(two[0].pid, signal.SIGSTOP)
        try:
            run.wait_for("gate", "camera_online", 0.0)
            more(run, "dock")
        finally:
            os.kill(two[0].pid, signal.SIGCONT)
        run.wait_for("gate", "camera_online", 1.0)


def test_a_wrong_password_is_refused_once_and_shown_nowhere(
    tmp: Path, own: Own, broker: Broker, unique: str
) -> None:
    server = own(Rtsp(tmp / "rtsp", user="cam", password=PASSWORD))
    cameras = [{"name": "gate", "host": server.address}]
    url, wrong = "rtsp://cam:${RTSP_PASSWORD}@{host}/camera", PASSWORD + "x"
    with capturing(
        broker.address, unique, tmp / "run", url, cameras, {"RTSP_PASSWORD": wrong}
    ) as run:
        refused = run.wait_for("gate", "camera_refused", 1.0)
        assert run.states("gate")["camera_online"] == 0
        run.stop()
        shown = run.log + repr(run.messages) + repr(run.events())
    assert refused.text and "refuses the user and password" in refused.text
    for secret in (wrong, "p%40s", "s#w"):
        assert secret not in shown
    assert not run._frames


def test_the_right_password_may_hold_any_letter(
    tmp: Path, own: Own, broker: Broker, unique: str
) -> None:
    server = own(Rtsp(tmp / "rtsp", user="cam", password=PASSWORD))
    cameras = [{"name": "gate", "host": server.address}]
    url = "rtsp://cam:${RTSP_PASSWORD}@{host}/camera"
    with capturing(
        broker.address, unique, tmp / "run", url, cameras, {"RTSP_PASSWORD": PASSWORD}
    ) as run:
        run.wait_frames("gate", 3)
        run.stop()
        assert "p%40s" not in run.log + repr(run.messages) + repr(run.events())


def test_a_wrong_address_is_said_and_costs_the_others_nothing(
    tmp: Path, own: Own, broker: Broker, unique: str
) -> None:
    server = own(Rtsp(tmp / "rtsp"))
    cameras = [
        {"name": "gate", "url": server.url()},
        {"name": "path", "url": server.url("/nothing")},
        {"name": "port", "url": "rtsp://127.0.0.1:9/camera"},
        {"name": "kind", "url": "ftp://127.0.0.1/camera"},
        {"name": "file", "url": "/nowhere/video.mp4"},
        {"name": "host", "url": "rtsp://no-camera.invalid/s"},
        {"name": "secret", "url": "rtsp://${RTSP_NOT_SET}@127.0.0.1/camera"},
    ]
    with capturing(broker.address, unique, tmp / "run", "{url}", cameras) as run:
        texts = {
            name: run.wait_for(name, "camera_online", 0.0).text or ""
            for name in ("path", "port", "kind", "file", "host", "secret")
        }
        wait_until(lambda: len(run.cameras()) == len(cameras), what="the state of each camera")
        states = run.cameras()
        more(run, "gate")
    assert "does not have this stream" in texts["path"]
    assert "Connection refused" in texts["port"]
    assert "no machine is known by the name no-camera.invalid" in texts["host"]
    assert {name for name, state in states.items() if state["online"]} == {"gate"}
    assert states["path"]["why"] == texts["path"]
    assert "is no camera's address" in texts["kind"]
    assert "No such file" in texts["file"]
    assert "needs RTSP_NOT_SET" in texts["secret"]


def test_half_pictures_of_mjpeg_are_counted_and_left_out(
    tmp: Path, broker: Broker, unique: str
) -> None:
    with (
        mjpeg() as url,
        mjpeg("half the length") as wrong,
        capturing(
            broker.address,
            unique,
            tmp / "run",
            "{url}",
            [{"name": "old", "url": url}, {"name": "odd", "url": wrong}],
            fps=10,
        ) as run,
    ):
        run.wait_frames("odd", 3)
        frames = run.wait_frames("old", 20)
        wait_until(lambda: run.counts()["frames_damaged"] >= 5, what="damaged pictures")
        assert run.states("old")["camera_online"] == 1
        cut = video_reader(run.folder)("old", 0, frames[-1][0].time, tmp / "clip.mp4")
    assert {(head.width, head.height) for head, _ in frames} == {(320, 240)}
    assert cut is not None
    assert (cut.start, cut.codec) == (pytest.approx(frames[0][0].time, abs=0.01), "h264")
    with av.open(str(tmp / "clip.mp4")) as clip:
        kept = [round(cut.start + (picture.time or 0), 2) for picture in clip.decode(video=0)]
    assert {round(head.time, 2) for head, _ in frames[:-1]} <= {
        near for at in kept for near in (at, round(at - 0.01, 2), round(at + 0.01, 2))
    }


def test_a_camera_that_has_single_pictures_only_is_looked_at_and_recorded_as_any_other(
    tmp: Path, broker: Broker, unique: str
) -> None:
    guard = Guard("cam", PASSWORD, "MD5")
    with (
        snapshots(guard) as camera,
        capturing(
            broker.address,
            unique,
            tmp / "run",
            "http://cam:${RTSP_PASSWORD}@{host}/cgi-bin/snapshot.cgi?ch=1",
            [{"name": "old", "host": camera.host}],
            {"RTSP_PASSWORD": PASSWORD},
            fps=10,
        ) as run,
    ):
        frames = run.wait_frames("old", 20)
        assert run.states("old")["camera_online"] == 1
        cut = video_reader(run.folder)("old", 0, frames[-1][0].time, tmp / "clip.mp4")
        guard.password = "another one"
        guard.nonces.clear()
        run.wait_for("old", "camera_refused", 1.0)
        run.stop()
        assert "p%40s" not in run.log + repr(run.messages) + repr(run.events())
    assert cut is not None and cut.start == pytest.approx(frames[0][0].time, abs=0.01)
    spent = frames[-1][0].time - frames[0][0].time
    assert len(frames) - 1 <= spent * 10 + 1, "no more than are wanted"


def test_another_size_in_mid_stream_is_another_segment_and_no_break(
    tmp: Path, own: Own, broker: Broker, unique: str
) -> None:
    both = tmp / "both.h264"
    with both.open("wb") as file:
        for width, height in ((320, 240), (640, 360)):
            file.write(_pictures(tmp, width, height))
    server = own(Rtsp(tmp / "rtsp", [Mount("/camera", both, fps=10)]))
    cameras = [{"name": "gate", "url": server.url()}]
    with capturing(broker.address, unique, tmp / "run", "{url}", cameras) as run:
        wait_until(
            lambda: len({head.width for head, _ in run.frames("gate")}) == 2,
            what="pictures of both sizes",
        )
        run.wait_frames("gate", 40)
        online = [r.value for r in run.readings("gate") if r.metric == "camera_online"]
        assert online == [1.0]
        run.stop()
        kept = segments(run.ring / "gate", 0, 1e12)
    for segment in kept:
        with av.open(str(segment.path)) as stream:
            assert len({frame.width for frame in stream.decode(video=0)}) == 1


def test_a_camera_that_comes_back_with_another_codec_is_recorded_in_segments_of_one_codec(
    tmp: Path, own: Own, broker: Broker, unique: str
) -> None:
    by_day = own(Rtsp(tmp / "day", [Mount("/camera")]))
    cameras = [{"name": "gate", "url": by_day.url()}]
    record = {"keep": "1h"}  # segments of 20 s, unless the connection ends
    with capturing(broker.address, unique, tmp / "run", "{url}", cameras, record=record) as run:
        before = len(run.wait_frames("gate", 20))
        by_day.kill()
        mount = Mount("/camera", codec="h265", width=320, height=180)
        own(Rtsp(tmp / "night", [mount], port=by_day.port))
        run.wait_frames("gate", before + 20)
        assert run.stop() == 0
        kept = segments(run.ring / "gate", 0, 1e12)
    codecs = []
    for segment in kept:
        with av.open(str(segment.path)) as stream:
            codec = stream.streams.video[0].codec_context.name
            assert {frame.width for frame in stream.decode(video=0)} == (
                {640} if codec == "h264" else {320}
            )
        codecs.append(codec)
    assert codecs == ["h264", "hevc"]


def test_a_very_large_stream_costs_the_small_ones_nothing(
    tmp: Path, own: Own, broker: Broker, unique: str
) -> None:
    large = tmp / "large.h264"
    large.write_bytes(_pictures(tmp, 3840, 2160))
    server = own(Rtsp(tmp / "rtsp", [Mount("/small"), Mount("/large", large, fps=5)]))
    cameras = [{"name": name, "url": server.url(f"/{name}")} for name in ("small", "large")]
    with capturing(broker.address, unique, tmp / "run", "{url}", cameras, fps=2) as run:
        run.wait_frames("small", 1)
        run.wait_frames("large", 10)
        assert {(head.width, head.height) for head, _ in run.frames("large")} == {(1920, 1080)}
        assert len(run.frames("small")) > 5, "it is asked for as many, and opened first"
        run.wait_frames("small", 10)
        assert np.median(np.diff([head.time for head, _ in run.frames("small")])) > 0.4


def _pictures(folder: Path, width: int, height: int) -> bytes:
    path = folder / f"{width}.h264"
    with av.open(str(path), "w", format="h264") as output:
        stream: Any = output.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.thread_count = 1
        stream.options = {"bf": "0", "g": "30"}
        for number in range(30):
            picture = np.full((height, width, 3), 60 + number * 3, np.uint8)
            picture[20:100, number * 5 : number * 5 + 60] = 230
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        output.mux(stream.encode())
    return path.read_bytes()


def test_a_killed_capture_leaves_a_ring_that_can_be_played(
    tmp: Path, own: Own, broker: Broker, unique: str
) -> None:
    server = own(Rtsp(tmp / "rtsp"))
    cameras = [{"name": "gate", "url": server.url()}]
    with capturing(broker.address, unique, tmp / "run", "{url}", cameras) as run:
        frames = run.wait_frames("gate", 20)
        run.process.kill()
        run.process.wait()
        newest = max(head.time for head, _ in frames)
        kept = segments(run.ring / "gate", 0, 1e12)
    ends = []
    for segment in kept:
        with av.open(str(segment.path)) as stream:
            last = list(stream.decode(video=0))[-1]
        assert last.pts is not None and last.time_base is not None
        ends.append(segment.start + float(last.pts * last.time_base))
    assert ends[-1] > newest - 1.0


@pytest.mark.parametrize("is_apart", [False, True])
def test_streams_that_browsers_do_not_like_are_told_with_the_remedy(
    tmp: Path, own: Own, broker: Broker, unique: str, is_apart: bool
) -> None:
    main = Mount("/main", codec="h265", audio=True, key_interval=150)
    server = own(Rtsp(tmp / "rtsp", [main, Mount("/sub", height=480, key_interval=150)]))
    cameras = [{"name": "gate", "host": server.address}]
    url = f"rtsp://{{host}}/{'sub' if is_apart else 'main'}"
    most = 4 if is_apart else 3

    def advised(run: Capture) -> dict[str, str]:
        return {
            event.data["about"]: event.data["text"]
            for event in run.events()
            if isinstance(event, Occurrence) and event.type == "camera_advice"
        }

    with capturing(
        broker.address, unique, tmp / "run", url, cameras, record_url="rtsp://{host}/main"
    ) as run:
        wait_until(lambda: len(advised(run)) == most, what="all advice")
        texts = advised(run)
        count = sum(isinstance(event, Occurrence) for event in run.events())
    assert "recorded to H.264" in texts["codec"]
    assert "I-frame" in texts["key_interval"]
    assert "G.711" in texts["audio"]
    assert ("shape" in texts) is is_apart
    assert count == most, "once a connection, and only of the stream that is recorded"


def test_a_record_stream_that_cannot_be_kept_is_said_with_the_remedy(
    tmp: Path, broker: Broker, unique: str
) -> None:
    with mjpeg() as stream, snapshots() as stills:
        cameras = [{"name": "gate", "host": stream}, {"name": "dock", "host": stills.url()}]
        url = "simulate:walk"
        with capturing(
            broker.address, unique, tmp / "run", url, cameras, record_url="{host}"
        ) as run:
            texts = [run.wait_for(name, "camera_unrecorded", 1.0).text for name in ("gate", "dock")]
            more(run, "gate")
    assert "sends mjpeg, which cannot be kept" in str(texts[0])
    assert "single pictures" in str(texts[1])
    assert all("leave record_url out" in str(text) for text in texts)


@pytest.mark.skipif(missing() is not None, reason="only root may mount a small disk")
def test_a_full_disk_is_told_costs_no_picture_and_is_recorded_on_once_there_is_room(
    tmp: Path, own: Own, broker: Broker, unique: str
) -> None:
    server = own(Rtsp(tmp / "rtsp"))
    cameras = [{"name": "gate", "url": server.url()}]
    disk = SmallDisk(tmp / "disk")
    try:
        with capturing(broker.address, unique, tmp / "disk" / "run", "{url}", cameras) as run:
            run.wait_frames("gate", 5)
            disk.fill()
            told = run.wait_for("gate", "camera_unrecorded", 1.0)
            more(run, "gate")
            assert run.states("gate")["camera_online"] == 1
            disk.make_room()
            run.wait_for("gate", "camera_unrecorded", 0.0)
    finally:
        disk.unmount()
    assert "is full; make room" in str(told.text) or "No space left" in str(told.text)


def test_the_record_stream_is_another_one_that_is_not_decoded(
    tmp: Path, own: Own, broker: Broker, unique: str
) -> None:
    mounts = [Mount("/small", width=320, height=180), Mount("/large", width=1280, height=720)]
    server = own(Rtsp(tmp / "rtsp", mounts))
    cameras = [{"name": "gate", "host": server.address}]
    with capturing(
        broker.address, unique, tmp / "run", "rtsp://{host}/small", cameras,
        record_url="rtsp://{host}/large",
    ) as run:  # fmt: skip
        frames = run.wait_frames("gate", 20)
        run.stop()
        kept = segments(run.ring / "gate", 0, 1e12)
    assert {head.width for head, _ in frames} == {320}
    with av.open(str(kept[0].path)) as stream:
        assert next(stream.decode(video=0)).width == 1280
    assert kept[0].start == pytest.approx(frames[0][0].time, abs=30)
