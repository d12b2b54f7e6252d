"""Pictures from folders, made-up scenes and USB, without any camera."""

import struct
import threading
import zlib
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from connectors.camera.advice import advice
from connectors.camera.jpeg import LARGEST, encode_jpeg, small_gray
from connectors.camera.streams.local_streams import Folder, Simulated, Usb
from connectors.camera.streams.scenes import SCENES
from connectors.camera.streams.stream import AvStream, StreamError, StreamFacts
from connectors.camera.streams.whole_picture import whole_picture


def test_a_folder_shows_its_pictures_by_name_and_leaves_out_what_is_none(tmp_path: Path) -> None:
    for number, name in enumerate(("c.png", "a.jpg", "b.jpg")):
        cv2.imwrite(str(tmp_path / name), np.full((20, 30, 3), 50 * number, np.uint8))
    (tmp_path / "aa.jpg").write_bytes(b"\xff\xd8 half")
    (tmp_path / "notes.txt").write_text("no picture")
    folder = Folder(tmp_path, 50, threading.Event())
    levels = [
        round(picture.frame.to_ndarray(format="gray").mean()) for picture in folder.pictures()
    ]
    assert levels == [50, 100, 0]
    assert folder.facts.damaged == 1


def test_a_picture_that_is_half_written_or_too_large_is_left_out_and_the_others_are_shown(
    tmp_path: Path,
) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (90, 160, 3), np.uint8)
    whole = cv2.imencode(".jpg", noise)[1].tobytes()
    (tmp_path / "a.jpg").write_bytes(whole[: len(whole) // 2])
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    pieces = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    (tmp_path / "b.png").write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
            for name, data in pieces
        )
    )
    (tmp_path / "c.jpg").mkdir()
    (tmp_path / "d.jpg").write_bytes(whole + b"what a phone puts behind\xff\xd8")
    folder = Folder(tmp_path, 50, threading.Event())
    assert [picture.frame.width for picture in folder.pictures()] == [160]
    assert folder.facts.damaged == 3


@pytest.mark.parametrize("progressive", [0, 1])
def test_every_part_of_a_jpeg_is_told_from_the_whole(progressive: int) -> None:
    noise = np.random.default_rng(2).integers(0, 255, (24, 40, 3), np.uint8)
    options = [cv2.IMWRITE_JPEG_PROGRESSIVE, progressive, cv2.IMWRITE_JPEG_RST_INTERVAL, 2]
    jpeg = cv2.imencode(".jpg", noise, options)[1].tobytes()
    thumbnail = cv2.imencode(".jpg", noise[:8, :8])[1].tobytes()
    exif = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    jpeg = jpeg[:2] + exif + jpeg[2:]
    assert whole_picture(jpeg)
    assert whole_picture(jpeg + b"more")
    assert not [end for end in range(2, len(jpeg)) if whole_picture(jpeg[:end])]


def test_a_folder_without_pictures_says_so(tmp_path: Path) -> None:
    with pytest.raises(StreamError, match="holds no pictures"):
        Folder(tmp_path, 5, threading.Event())
    with pytest.raises(StreamError, match="is no folder"):
        Folder(tmp_path / "nowhere", 5, threading.Event())


@pytest.mark.parametrize("name", SCENES)
def test_a_made_up_scene_is_the_same_at_every_run(name: str) -> None:
    def begin() -> list[bytes]:
        scene = Simulated(f"simulate:{name}", 60, threading.Event())
        return [p.frame.to_ndarray(format="gray").tobytes() for p in islice(scene.pictures(), 3)]

    assert begin() == begin()


def test_an_unknown_scene_names_those_there_are() -> None:
    with pytest.raises(StreamError, match="there are walk, street, still"):
        Simulated("simulate:beach", 5, threading.Event())


def test_a_usb_camera_that_is_not_there_is_named() -> None:
    with pytest.raises(StreamError, match="/dev/video77"):
        Usb(77)


def test_a_file_that_is_no_video_is_said(tmp_path: Path) -> None:
    (tmp_path / "video.mp4").write_bytes(b"no video" * 100)
    with pytest.raises(StreamError, match="is no stream that can be opened"):
        AvStream(str(tmp_path / "video.mp4"), "file")


@pytest.mark.parametrize("format", ["yuv420p", "yuvj422p", "nv12", "bgr24", "yuv420p10le", "gray"])
def test_the_gray_of_a_picture_is_its_brightness_in_every_format(format: str) -> None:
    picture = np.zeros((360, 642, 3), np.uint8)
    picture[:, 321:] = 200
    frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format=format)
    gray = small_gray(frame)
    assert gray.shape == (180, 320)
    assert gray[:, :150].mean() < 20 and gray[:, 170:].mean() > 170


def test_a_very_large_picture_is_passed_on_smaller_and_within_the_limit() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (2160, 3840, 3), np.uint8)
    frame = av.VideoFrame.from_ndarray(noise, format="bgr24")
    encoded = encode_jpeg(frame, 900_000)
    assert encoded is not None
    data, width, height = encoded
    assert (width, height) == (LARGEST, 1080) and len(data) <= 900_000
    assert encode_jpeg(frame, 1000) is None


def test_a_good_stream_needs_no_advice() -> None:
    facts = StreamFacts(codec="h264", audio=["aac"], key_interval=2.0, shape=1920 / 1080)
    for looked in (0.0, 640 / 360, 640 / 352):
        assert not list(advice(facts, looked))


def test_streams_of_two_shapes_are_told_with_the_remedy() -> None:
    ((about, text),) = advice(StreamFacts(codec="h264", shape=1920 / 1080), 640 / 480)
    assert about == "shape"
    assert "1.33 times as wide as high, those that are recorded 1.78 times" in text
