"""The ring of packets on disk: what it keeps, what it forgets, and that all of it can be played."""

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from connectors.base import NoAnswer
from connectors.camera.record.clip import cut_clip
from connectors.camera.record.packet_ring import PacketRing, camera_folder, segments
from connectors.camera.record.private_polygons import read_polygons
from tests.chaos.small_disk import SmallDisk, missing
from tests.connectors.camera.recorded import encoded

pytestmark = pytest.mark.slow

START = 1_800_000_000.0
RATE = 10


def write_video(path: Path, seconds: float, key_every: int = 20, b_frames: int = 0) -> Path:
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        stream.options = {"g": str(key_every), "keyint_min": str(key_every), "sc_threshold": "0"}
        stream.options |= {"bf": str(b_frames), "crf": "20"}
        random = np.random.default_rng(1)
        for _ in range(round(seconds * RATE)):
            picture = random.integers(0, 255, (96, 128, 3), np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        output.mux(stream.encode())
    return path


def packets(video: Path, start: float = START) -> Iterator[tuple[Any, Any, float]]:
    with av.open(str(video)) as source:
        stream = source.streams.video[0]
        for packet in source.demux(stream):
            if packet.pts is not None:
                yield packet, stream, start + float(packet.pts * packet.time_base)


def fill(ring: PacketRing, video: Path, start: float = START) -> None:
    for packet, stream, time in packets(video, start):
        ring.write(packet, stream, time)
    ring.end_segment()


def decoded(path: Path) -> list[av.VideoFrame]:
    with av.open(str(path)) as stream:
        return list(stream.decode(video=0))


def test_each_segment_begins_with_a_key_frame_at_zero_and_none_is_lost(tmp_path: Path) -> None:
    ring = PacketRing(tmp_path / "gate", 60, 64 << 20)
    fill(ring, write_video(tmp_path / "video.mp4", 9))
    found = segments(tmp_path / "gate", START, START + 100)
    assert [segment.start for segment in found] == [START + second for second in (0, 2, 4, 6, 8)]
    pictures = [decoded(segment.path) for segment in found]
    assert sum(len(frames) for frames in pictures) == 90
    for frames in pictures:
        assert frames[0].key_frame and frames[0].pts == 0
        times = [float((frame.pts or 0) * frame.time_base) for frame in frames]
        assert np.allclose(np.diff(times), 0.1, atol=0.001)


@pytest.mark.parametrize("jump", [-26.5 * 3600, -1.5, 2**33 / 90_000, 7.0])
def test_where_a_streams_own_times_jump_another_segment_begins(tmp_path: Path, jump: float) -> None:
    ring = PacketRing(tmp_path / "gate", 60, 64 << 20)
    video = write_video(tmp_path / "video.mp4", 9)
    for packet, stream, time in packets(video):
        if time >= START + 3:
            shift = round(jump / stream.time_base)
            packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
        ring.write(packet, stream, time)
    ring.end_segment()
    found = segments(tmp_path / "gate", START, START + 100)
    assert [segment.start - START for segment in found] == [0, 2, 4, 6, 8]
    kept = [[float(f.pts * f.time_base) for f in decoded(s.path) if f.pts] for s in found]
    if abs(jump) > 2:
        assert [len(times) for times in kept] == [19, 9, 19, 19, 9]
        assert all(np.allclose(np.diff(times), 0.1, atol=0.001) for times in kept)


def test_who_keeps_days_has_fewer_and_longer_files(tmp_path: Path) -> None:
    ring = PacketRing(tmp_path / "gate", 7 * 86_400, 1 << 30)
    fill(ring, write_video(tmp_path / "video.mp4", 45))
    found = segments(tmp_path / "gate", START, START + 100)
    assert [segment.start - START for segment in found] == [0, 20, 40]
    assert sum(len(decoded(segment.path)) for segment in found) == 450


def test_pictures_that_are_sent_in_another_order_keep_theirs(tmp_path: Path) -> None:
    ring = PacketRing(tmp_path / "gate", 60, 64 << 20)
    fill(ring, write_video(tmp_path / "video.mp4", 6, b_frames=2))
    for segment in segments(tmp_path / "gate", START, START + 100):
        times = [float((frame.pts or 0) * frame.time_base) for frame in decoded(segment.path)]
        assert np.all(np.diff(times) > 0.05)


def test_the_segments_of_a_span_are_those_that_hold_some_of_it(tmp_path: Path) -> None:
    ring = PacketRing(tmp_path / "gate", 60, 64 << 20)
    fill(ring, write_video(tmp_path / "video.mp4", 9))
    found = segments(tmp_path / "gate", START + 3, START + 4.5)
    assert [segment.start - START for segment in found] == [2, 4]
    assert segments(tmp_path / "nowhere", 0, START) == []


def test_the_oldest_are_forgotten_after_their_time(tmp_path: Path) -> None:
    ring = PacketRing(tmp_path / "gate", 5, 64 << 20)
    fill(ring, write_video(tmp_path / "video.mp4", 20))
    starts = [segment.start - START for segment in segments(tmp_path / "gate", START, START + 100)]
    assert starts == [12, 14, 16, 18], "the last five seconds are whole"


def test_the_oldest_are_forgotten_when_there_are_too_many_bytes(tmp_path: Path) -> None:
    folder, limit = tmp_path / "gate", 700_000
    ring = PacketRing(folder, 600, limit)
    video = write_video(tmp_path / "video.mp4", 20)
    for packet, stream, time in packets(video):
        ring.write(packet, stream, time)
        assert sum(path.stat().st_size for path in folder.iterdir()) < 1.2 * limit
    assert video.stat().st_size > 2 * limit
    assert segments(folder, START + 18, START + 20)


def test_one_group_of_pictures_that_is_too_large_does_not_fill_the_disk(tmp_path: Path) -> None:
    folder, limit = tmp_path / "gate", 500_000
    ring = PacketRing(folder, 600, limit)
    for packet, stream, time in packets(write_video(tmp_path / "video.mp4", 20, key_every=100)):
        ring.write(packet, stream, time)
        assert sum(path.stat().st_size for path in folder.iterdir()) < 1.2 * limit


def test_what_an_earlier_process_left_counts_and_is_found(tmp_path: Path) -> None:
    video = write_video(tmp_path / "video.mp4", 5)
    fill(PacketRing(tmp_path / "gate", 20, 64 << 20), video)
    fill(PacketRing(tmp_path / "gate", 20, 64 << 20), video, START + 10)
    found = [segment.start - START for segment in segments(tmp_path / "gate", START, START + 99)]
    assert found == [0, 2, 4, 10, 12, 14]
    fill(PacketRing(tmp_path / "gate", 20, 64 << 20), video, START + 60)
    found = [segment.start - START for segment in segments(tmp_path / "gate", START, START + 99)]
    assert found == [14, 60, 62, 64], "one from before the span covers its beginning"


def test_a_killed_process_leaves_all_but_the_last_packet(tmp_path: Path) -> None:
    video = write_video(tmp_path / "video.mp4", 5)
    program = f"""
        import os, signal
        from pathlib import Path
        from connectors.camera.record.packet_ring import PacketRing
        from tests.connectors.camera.record.test_packet_ring import packets
        ring = PacketRing(Path({str(tmp_path / "gate")!r}), 60, 64 << 20)
        for packet, stream, time in packets(Path({str(video)!r})):
            ring.write(packet, stream, time)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], env=environment)
    assert done.returncode == -9
    found = segments(tmp_path / "gate", START, START + 100)
    assert sum(len(decoded(segment.path)) for segment in found) >= 49


def test_a_disk_that_takes_nothing_costs_packets_and_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = PacketRing(tmp_path / "gate", 60, 64 << 20)
    video = write_video(tmp_path / "video.mp4", 5)
    (tmp_path / "gate").rmdir()
    fill(ring, video)
    assert ring.failures == 3, "one attempt a key frame"
    (tmp_path / "gate").mkdir()
    fill(ring, video, START + 10)
    assert segments(tmp_path / "gate", START, START + 99)


@pytest.mark.parametrize(
    ("camera", "name"),
    [("gate", "gate"), ("a/b", "a%2Fb"), ("..", "%2E%2E"), ("Hof Süd", "Hof%20S%C3%BCd")],
)
def test_a_camera_of_any_name_has_a_folder_of_its_own(camera: str, name: str) -> None:
    assert camera_folder(Path("ring"), camera) == Path("ring") / name


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_where_pictures_change_their_size_another_segment_begins_though_nothing_is_decoded(
    tmp_path: Path, codec: str
) -> None:
    both = tmp_path / ("both.h264" if codec == "libx264" else "both.hevc")
    for size in ((192, 144), (320, 240), (192, 144)):
        _, made = encoded(20, size=size, codec=codec, bframes=0)
        with both.open("ab") as file:
            file.writelines(bytes(packet) for packet in made)
    ring = PacketRing(tmp_path / "gate", 7 * 86_400, 64 << 20)
    with av.open(str(both)) as source:
        video = source.streams.video[0]
        for number, packet in enumerate(source.demux(video)):
            if packet.size:
                packet.pts = packet.dts = round(number / RATE / packet.time_base)
                ring.write(packet, video, START + number / RATE)
    ring.end_segment()
    found = segments(tmp_path / "gate", START, START + 100)
    sizes = [{frame.width for frame in decoded(segment.path)} for segment in found]
    assert sizes == [{192}, {320}, {192}]


@pytest.mark.skipif(missing() is not None, reason="only root may mount a small disk")
def test_a_disk_that_fills_up_keeps_room_for_the_flow_and_none_at_all_is_told(
    tmp_path: Path,
) -> None:
    disk, folder = SmallDisk(tmp_path / "disk"), tmp_path / "disk" / "gate"
    video = write_video(tmp_path / "video.mp4", 30, key_every=5)
    size = video.stat().st_size
    try:
        ring = PacketRing(folder, 600, 1 << 30)
        (tmp_path / "disk" / "other").write_bytes(bytes((14 << 20) - 2 * size))
        for number in range(4):
            fill(ring, video, START + 30 * number)
        kept = segments(folder, START, START + 1000)
        assert kept[0].start > START + 20, "the oldest went"
        assert kept[-1].start >= START + 117
        assert ring.problem is None
        assert shutil.disk_usage(folder).free > 300 << 10
        disk.fill()
        other = PacketRing(tmp_path / "disk" / "yard", 600, 1 << 30)
        fill(other, video, START)
        assert "is full; make room" in str(other.problem)
        disk.make_room()
        shutil.rmtree(folder)
        fill(other, video, START + 40)
        assert other.problem is None
    finally:
        disk.unmount()


@pytest.mark.skipif(missing() is not None, reason="only root may mount a small disk")
def test_while_a_full_disk_takes_no_word_of_what_is_private_there_are_no_clips(
    tmp_path: Path,
) -> None:
    disk, folder = SmallDisk(tmp_path / "disk"), tmp_path / "disk" / "gate"
    video = write_video(tmp_path / "video.mp4", 30, key_every=5)
    clip = tmp_path / "clip.mp4"
    left, right = [[(0.0, 0.0), (0.5, 0.0), (0.5, 1.0)]], [[(0.5, 0.0), (1.0, 0.0), (1.0, 1.0)]]
    try:
        fill(PacketRing(folder, 600, 1 << 30, left), video, START)
        assert cut_clip(folder, START, START + 2, clip)
        disk.fill()
        ring = PacketRing(folder, 600, 1 << 30, right)
        with pytest.raises(NoAnswer, match="private"):
            cut_clip(folder, START, START + 2, clip)
        disk.make_room()
        fill(ring, video, START + 40)
        assert ring.problem is None
        assert read_polygons(folder) == right
    finally:
        disk.unmount()
