"""Clips are cut from the packets of a camera as they are."""

import itertools
from pathlib import Path

import av
import pytest

from connectors.base import NoAnswer
from connectors.camera.record.clip import cut_clip
from connectors.camera.record.packet_ring import PacketRing
from connectors.camera.record.private_polygons import write_polygons
from tests.connectors.camera.recorded import LEVELS, RATE, brightness, gray, record

T = 1_795_000_000.0


def number_of(level: int) -> int:
    return min(range(LEVELS), key=lambda n: abs(gray(n) - level))


@pytest.mark.parametrize("bframes", [0, 2])
@pytest.mark.parametrize("gops", [1, 3])
def test_a_clip_begins_at_the_last_key_frame_before_and_holds_every_picture_up_to_its_end(
    tmp: Path, gops: int, bframes: int
) -> None:
    record(tmp / "ring", T, 200, gops=gops, bframes=bframes)
    cut = cut_clip(tmp / "ring", T + 5.3, T + 9.95, tmp / "clip.mp4")
    assert cut is not None
    assert (cut.start, cut.codec) == (T + 5.0, "h264")
    assert cut.end == pytest.approx(T + 10, abs=0.5)
    pictures = brightness(tmp / "clip.mp4")
    assert len(pictures) >= 49
    for number, (time, level) in enumerate(pictures[:49]):
        assert time == pytest.approx(number / RATE, abs=0.011)
        assert number_of(level) == (50 + number) % LEVELS


def test_the_index_stands_in_front_and_the_file_says_when_it_was_recorded(tmp: Path) -> None:
    record(tmp / "ring", T + 0.5, 60)
    assert cut_clip(tmp / "ring", T + 1.5, T + 4, tmp / "clip.mp4") is not None
    data = (tmp / "clip.mp4").read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")
    with av.open(str(tmp / "clip.mp4")) as clip:
        assert clip.metadata["creation_time"].startswith("2026-11-18T11:06:41")
        assert [stream.type for stream in clip.streams] == ["video"]


def test_where_the_ring_begins_later_the_clip_begins_with_its_first_key_frame(tmp: Path) -> None:
    first, *_ = record(tmp / "ring", T, 100, gops=2)
    first.unlink()
    cut = cut_clip(tmp / "ring", T, T + 4, tmp / "clip.mp4")
    assert cut is not None
    assert cut.start == T + 2
    assert number_of(brightness(tmp / "clip.mp4")[0][1]) == 20


def test_a_ring_without_that_time_gives_no_clip_and_no_file(tmp: Path) -> None:
    record(tmp / "ring", T, 30)
    assert cut_clip(tmp / "none", T, T + 4, tmp / "clip.mp4") is None
    assert cut_clip(tmp / "ring", T - 60, T - 50, tmp / "clip.mp4") is None
    assert cut_clip(tmp / "ring", T + 3600, T + 3610, tmp / "clip.mp4") is None
    assert not (tmp / "clip.mp4").exists()


def test_a_segment_that_a_kill_cut_short_gives_what_it_has(tmp: Path) -> None:
    made = record(tmp / "ring", T, 100, gops=3)
    data = made[-1].read_bytes()
    made[-1].write_bytes(data[: len(data) // 2 + 77])
    made[0].write_bytes(b"")
    cut = cut_clip(tmp / "ring", T + 1, T + 20, tmp / "clip.mp4")
    assert cut is not None
    assert cut.start == T + 3
    assert T + 9 <= cut.end < T + 9.9
    assert len(brightness(tmp / "clip.mp4")) >= 60


def test_where_the_camera_changed_its_size_the_longer_part_is_the_clip(tmp: Path) -> None:
    record(tmp / "ring", T, 20)
    record(tmp / "ring", T + 2, 60, size=(320, 240))
    cut = cut_clip(tmp / "ring", T + 1, T + 8, tmp / "clip.mp4")
    assert cut is not None
    assert cut.start == T + 2
    with av.open(str(tmp / "clip.mp4")) as clip:
        assert clip.streams.video[0].width == 320


def test_a_gap_in_the_record_stays_a_gap_in_the_clip(tmp: Path) -> None:
    record(tmp / "ring", T, 20)
    record(tmp / "ring", T + 5, 20)
    cut = cut_clip(tmp / "ring", T, T + 7, tmp / "clip.mp4")
    assert cut is not None
    times = [time for time, _ in brightness(tmp / "clip.mp4")]
    assert max(later - sooner for sooner, later in itertools.pairwise(times)) > 2.9


def test_h265_is_kept_under_the_name_that_players_know(tmp: Path) -> None:
    record(tmp / "ring", T, 40, codec="libx265")
    cut = cut_clip(tmp / "ring", T, T + 3, tmp / "clip.mp4")
    assert cut is not None
    assert cut.codec == "hevc"
    assert b"hvc1" in (tmp / "clip.mp4").read_bytes()[:4096]


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_what_nobody_may_see_is_black_on_every_picture_of_a_clip(tmp: Path, codec: str) -> None:
    record(tmp / "ring", T, 60, codec=codec)
    assert cut_clip(tmp / "ring", T + 1.2, T + 5, tmp / "open.mp4") is not None
    write_polygons(tmp / "ring", [[(0, 0), (0.5, 0), (0.5, 1), (0, 1)]])
    cut = cut_clip(tmp / "ring", T + 1.2, T + 5, tmp / "clip.mp4")
    assert cut is not None
    assert cut.codec == "h264"
    with av.open(str(tmp / "clip.mp4")) as clip, av.open(str(tmp / "open.mp4")) as whole:
        assert clip.metadata["creation_time"] == whole.metadata["creation_time"]
        pictures = list(clip.decode(video=0))
        uncovered = list(whole.decode(video=0))
    assert [round(p.time or 0, 3) for p in pictures] == [round(p.time or 0, 3) for p in uncovered]
    for picture, as_it_was in zip(pictures, uncovered, strict=True):
        seen = picture.to_ndarray(format="gray")
        middle = seen.shape[1] // 2
        assert seen[:, : middle - 2].max() < 24  # black is 16 in what a camera sends
        assert seen[:, middle + 8 :].mean() == pytest.approx(
            as_it_was.to_ndarray(format="gray").mean(), abs=5
        )
    write_polygons(tmp / "ring", [])
    assert cut_clip(tmp / "ring", T + 1.2, T + 5, tmp / "clip.mp4") is not None
    assert (tmp / "clip.mp4").read_bytes() == (tmp / "open.mp4").read_bytes()


def test_where_it_is_not_known_what_is_private_there_is_no_clip(tmp: Path) -> None:
    record(tmp / "ring", T, 30)
    (tmp / "ring" / "private.json").write_text('[[[0.1, "left"]]]')
    with pytest.raises(NoAnswer, match=r"private polygons of a camera in .*private\.json"):
        cut_clip(tmp / "ring", T, T + 2, tmp / "clip.mp4")
    assert not (tmp / "clip.mp4").exists()


def test_a_clip_is_cut_from_what_the_ring_of_a_camera_writes(tmp: Path) -> None:
    [sent] = record(tmp / "sent", T, 120, gops=1000)
    ring = PacketRing(tmp / "ring", 3600, 1 << 30)
    with av.open(str(sent)) as camera:
        video = camera.streams.video[0]
        first = None
        for packet in camera.demux(video):
            if packet.pts is not None and packet.time_base is not None:
                first = packet.pts if first is None else first
                ring.write(packet, video, T + float((packet.pts - first) * packet.time_base))
    cut = cut_clip(tmp / "ring", T + 5.3, T + 9.95, tmp / "clip.mp4")  # the last segment is open
    ring.end_segment()
    assert cut is not None
    assert cut.start == T + 5
    pictures = brightness(tmp / "clip.mp4")
    assert len(pictures) >= 49
    for number, (time, level) in enumerate(pictures[:49]):
        assert time == pytest.approx(number / RATE, abs=0.02)
        assert number_of(level) == (50 + number) % LEVELS
