"""A full disk under evidence that waits: some is lost, which is told, and the sink goes on."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.s3.components import Clip, Snapshot
from flows.vision.video_reader import video_reader
from infra.embedded.objects import Objects
from tests.bucket import Bucket, connection_to
from tests.chaos.small_disk import SmallDisk, missing
from tests.connectors.camera.recorded import record
from tests.connectors.recorder import Recorder
from tests.connectors.s3.evidence_parts import T, Told, context, detection, jpeg
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(missing() is not None, reason="only root may mount a small disk")

KEY = "evt_{time:%Y%m%d_%H%M%S}_{camera}"
SPOOL = "evidence spool"
LONG = {"long": "x" * 8_000}
"""More than the rest of a block that a file has already."""


@pytest.fixture
def disk(tmp: Path) -> Iterator[SmallDisk]:
    disk = SmallDisk(tmp / "disk")
    yield disk
    disk.unmount()


def test_pictures_that_a_full_disk_does_not_take_are_told_as_lost_and_later_ones_are_stored(
    objects: Objects, recorder: Recorder, unique: str, tmp: Path, disk: SmallDisk
) -> None:
    now, told, folder = time.time(), Told(), tmp / "disk" / "files"
    sink = Snapshot.model_validate({"bucket": unique, "key": f"{KEY}.jpg", "best": "10min"})
    settings = {"tell": told, "picture": lambda reference, frame: jpeg()}
    writer = sink.open(context(recorder, objects, folder, **settings))
    before = detection(0, now, track="1", phase="new")
    writer.write([before])
    writer.flush()
    disk.fill()
    writer.write([detection(n, now + n, track=str(n), phase="new", labels=LONG) for n in (1, 2)])
    writer.flush()
    assert {told.of(f"d{n}")["reason"] for n in (1, 2)} == {
        "the disk on which evidence waits is full"
    }
    assert recorder.counts["evidence_lost"] == 2
    assert any(
        name == SPOOL and not up and "make room there" in detail
        for name, up, detail in recorder.reports
    )
    disk.make_room()
    wait_until(lambda: SPOOL not in recorder.health.down, what="the spool to be well again")
    writer.write([detection(9, now + 9, track="9", phase="new")])
    writer.flush()
    writer.close()
    again = sink.open(context(recorder, objects, folder, **settings))
    ends = [
        detection(20, now + 20, track="1", phase="end"),
        detection(21, now + 21, track="9", phase="end"),
    ]
    again.write([*ends, detection(1, now + 1, track="1", phase="new")])
    again.flush()
    wait_until(lambda: len(told.events) == 4, what="the evidence of before and after")
    again.close()
    assert told.of("d0")["state"] == told.of("d9")["state"] == "stored"
    assert told.of("d1")["state"] == "lost"
    assert len(Bucket(connection_to(objects), unique).names()) == 2


def test_a_clip_waits_for_room_on_the_disk_as_long_as_its_video_is_there(
    objects: Objects, recorder: Recorder, unique: str, tmp: Path, disk: SmallDisk
) -> None:
    now, told, folder = time.time(), Told(), tmp / "disk" / "files"
    record(folder / "ring" / "cameras" / "hall", now - 10, 150, gops=2)
    sink = Clip.model_validate(
        {"bucket": unique, "key": f"{KEY}.mp4", "before": "2s", "after": "2s"}
    ).open(context(recorder, objects, folder, tell=told, video=video_reader(folder)))
    sink.write([detection(1, now)])
    sink.flush()
    disk.fill()
    sink.write([detection(2, now, labels=LONG)])
    sink.flush()
    assert told.of("d2")["state"] == "lost"  # after a crash nothing would say that it is to be cut
    wait_until(lambda: "evidence cutting" in recorder.health.down, what="word of it")
    assert not told.of("d1")
    disk.make_room()
    wait_until(lambda: told.of("d1"), what="the clip")
    sink.close()
    assert told.of("d1")["state"] == "stored"
    assert not recorder.health.down


def test_a_store_that_is_down_fills_no_disk(
    objects: Objects, recorder: Recorder, unique: str, tmp: Path, disk: SmallDisk
) -> None:
    told, folder = Told(), tmp / "disk" / "files"
    away = connection_to(objects).model_copy(update={"url": "http://127.0.0.1:9"})
    sink = Snapshot.model_validate({"bucket": unique, "key": f"{KEY}.jpg"}).open(
        context(recorder, away, folder, tell=told, picture=lambda reference, frame: jpeg())
    )
    many = 80
    for n in range(many):  # 80 × 250 kB are more than the disk has
        sink.write([detection(n, T + n, labels={"long": "x" * 250_000})])
        sink.flush()
    wait_until(lambda: recorder.counts["evidence_lost"] >= 15, what="word of what is lost")
    sink.close()
    waiting = folder / "snapshot.evidence.waiting.log"
    assert waiting.stat().st_size > 12 << 20
    assert {one.data["reason"] for one in told.events} == {
        "the disk on which evidence waits is full"
    }
    assert SPOOL not in recorder.health.down, "the reserve is left"
