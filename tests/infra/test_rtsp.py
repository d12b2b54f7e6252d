"""The embedded RTSP server, watched with the library that the product uses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import av
import numpy as np
import pytest

from infra.embedded.elementary_stream import elementary_stream
from infra.embedded.rtsp import Mount, Rtsp
from tests.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.service

OPTIONS = {"rtsp_transport": "tcp"}
TIMEOUT = (PATIENCE, PATIENCE)


def write_video(path: Path, pictures: int, codec: str = "libx264", b_frames: int = 2) -> Path:
    """Pictures of 64x48, 10 a second, each brighter than the one before."""
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.options = {"bf": str(b_frames)}
        for number in range(pictures):
            picture = np.full((48, 64, 3), 40 + 10 * number, np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        output.mux(stream.encode())
    return path


def times(url: str, count: int) -> list[float]:
    with av.open(url, options=OPTIONS, timeout=TIMEOUT) as stream:
        found: list[float] = []
        for packet in stream.demux(video=0):
            if packet.pts is not None and packet.time_base is not None:
                found.append(float(packet.pts * packet.time_base))
            if len(found) == count:
                break
        return found


def test_a_pattern_comes_at_its_rate(rtsp: Rtsp) -> None:
    found = times(rtsp.url(), 20)
    assert np.median(np.diff(found)) == pytest.approx(1 / 15, abs=0.001)


def test_a_file_is_repeated_without_a_break_in_time(tmp: Path, own: Callable[[Rtsp], Rtsp]) -> None:
    video = write_video(tmp / "short.mp4", 8)
    server = own(Rtsp(tmp / "rtsp", [Mount("/file", video)]))
    found = times(server.url("/file"), 20)
    assert np.allclose(np.diff(found), 0.1, atol=0.001)


def test_any_video_is_served_as_h264(tmp: Path, own: Callable[[Rtsp], Rtsp]) -> None:
    video = write_video(tmp / "other.avi", 12, "mpeg4")
    server = own(Rtsp(tmp / "rtsp", [Mount("/file", video)]))
    with av.open(server.url("/file"), options=OPTIONS, timeout=TIMEOUT) as stream:
        assert stream.streams.video[0].codec_context.name == "h264"
        assert stream.streams.video[0].width == 64


def test_an_h264_file_is_not_encoded_again(tmp: Path) -> None:
    video = write_video(tmp / "plain.mp4", 5, b_frames=0)
    stream, rate = elementary_stream(video, tmp, 5)
    with av.open(str(video)) as source:
        size = sum(packet.size for packet in source.demux(video=0))
    assert rate == (10, 1)
    assert stream.stat().st_size <= size + 100, "the same packets and their parameters"


@pytest.mark.parametrize("digest", [True, False])
def test_only_who_knows_the_password_may_watch(
    tmp: Path, own: Callable[[Rtsp], Rtsp], digest: bool
) -> None:
    password = "p@s/s#w:rd%41"
    server = own(Rtsp(tmp / "rtsp", user="cam", password=password, digest=digest))
    address = server.url().removeprefix("rtsp://")
    for who in ("", "cam:wrong@"):
        with pytest.raises(av.error.HTTPUnauthorizedError):
            times(f"rtsp://{who}{address}", 1)
    assert times(f"rtsp://cam:{quote(password, safe='')}@{address}", 3)


def test_other_codecs_and_sound_can_be_had(tmp: Path, own: Callable[[Rtsp], Rtsp]) -> None:
    server = own(Rtsp(tmp / "rtsp", [Mount("/h265", codec="h265", audio=True)]))
    with av.open(server.url("/h265"), options=OPTIONS, timeout=TIMEOUT) as stream:
        assert {part.codec_context.name for part in stream.streams} == {"hevc", "pcm_alaw"}


def test_its_log_tells_the_end_of_a_session(tmp: Path, own: Callable[[Rtsp], Rtsp]) -> None:
    server = own(Rtsp(tmp / "rtsp"))
    times(server.url(), 2)
    wait_until(lambda: "TEARDOWN" in server.lines(), what="the end of the session")
