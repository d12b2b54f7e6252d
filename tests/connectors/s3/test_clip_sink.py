"""The sink for clips: when they are cut, where they go, and what is said when they cannot."""

import hashlib
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from connectors.s3.components import Clip
from connectors.s3.connection import ObjectStoreConnection
from flows.vision.video_reader import video_reader
from infra.embedded.objects import Objects
from operators.events import Detection, Event, Occurrence, encode_lines
from tests.bucket import Bucket, connection_to
from tests.connectors.camera.recorded import brightness, gray, record
from tests.connectors.recorder import Recorder
from tests.connectors.s3.evidence_parts import Told, context
from tests.waiting import wait_until

KEY = "videos/evt_{time:%Y%m%d_%H%M%S}_{camera}.mp4"
PAST = 1_795_000_000.0


def agreement(n: int, at: float, camera: str | None = "dock") -> Occurrence:
    data = {"signs": ["pir", "person"], "since": at - 1} | ({"camera": camera} if camera else {})
    return Occurrence(id=f"a{n}", time=at, subject="yard", type="correlation", data=data)


def clip(bucket: str, **more: Any) -> Clip:
    return Clip.model_validate(
        {"bucket": bucket, "key": KEY, "before": "2s", "after": "3s", **more}
    )


def ring(files: Path, camera: str = "dock") -> Path:
    return files / "ring" / "cameras" / camera


def test_a_clip_of_the_event_s_camera_is_stored_and_told_with_its_true_start(
    objects: Objects, recorder: Recorder, unique: str, tmp: Path
) -> None:
    record(ring(tmp), PAST, 200, gops=2)
    told = Told()
    sink = clip(unique).open(context(recorder, objects, tmp, tell=told, video=video_reader(tmp)))
    sink.write([agreement(1, PAST + 7.5)])
    sink.flush()
    wait_until(lambda: told.events, what="the clip")
    sink.close()
    bucket = Bucket(connection_to(objects), unique)
    [name] = bucket.names()
    assert name == "videos/evt_20261118_110647_dock.mp4"
    assert bucket.type(name) == "video/mp4"
    content = bucket.content(name)
    said = told.of("a1")
    assert said["state"] == "stored" and said["codec"] == "h264"
    assert said["start"] == PAST + 5
    assert said["end"] == pytest.approx(PAST + 10.5, abs=0.5)
    assert (said["bytes"], said["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    (tmp / "got.mp4").write_bytes(content)
    pictures = brightness(tmp / "got.mp4")
    assert abs(pictures[25][1] - gray(75)) < 4  # the picture of the event itself
    assert list(tmp.glob("clips.*/*")) == []


def test_a_clip_waits_for_its_end_while_the_flow_goes_on(
    objects: Objects, recorder: Recorder, unique: str, tmp: Path
) -> None:
    now = time.time()
    record(ring(tmp), now - 10, 98, gops=2)
    told = Told()
    sink = clip(unique, after="1s").open(
        context(recorder, objects, tmp, tell=told, video=video_reader(tmp))
    )
    sink.write([agreement(1, now)])
    sink.flush()
    assert told.events == []
    record(ring(tmp), now, 30, gops=2)
    wait_until(lambda: told.events, what="the clip")
    assert time.time() >= now + 1
    assert told.of("a1")["end"] >= now + 1
    sink.close()


def test_a_clip_is_cut_in_time_though_the_clock_was_set_back_by_an_hour(
    objects: Objects, recorder: Recorder, unique: str, tmp: Path
) -> None:
    ahead = time.time() + 3600  # cameras go on from where they were, and what they keep is short
    record(ring(tmp), ahead - 10, 120, gops=2)
    told = Told()
    sink = clip(unique, after="1s").open(
        context(recorder, objects, tmp, tell=told, video=video_reader(tmp))
    )
    sink.write([agreement(1, ahead), agreement(2, ahead - 1, "gate")])
    sink.flush()
    wait_until(lambda: len(told.events) == 2, what="both clips")
    sink.close()
    assert (told.of("a1")["state"], told.of("a2")["state"]) == ("stored", "lost")
    assert told.of("a1")["end"] >= ahead + 0.8


def test_without_packets_of_that_time_the_clip_is_lost_and_that_is_told(
    objects: Objects, recorder: Recorder, unique: str, tmp: Path
) -> None:
    record(ring(tmp, "gate"), PAST, 50)
    told = Told()
    sink = clip(unique).open(context(recorder, objects, tmp, tell=told, video=video_reader(tmp)))
    sink.write([agreement(1, PAST + 7, "dock"), agreement(2, PAST + 3600, "gate")])
    sink.write([agreement(3, PAST + 7, None)])
    sink.flush()
    wait_until(lambda: len(told.events) == 2, what="word of both")
    sink.close()
    assert told.of("a1")["state"] == told.of("a2")["state"] == "lost"
    assert "nothing is recorded" in told.of("a1")["reason"]
    assert recorder.counts["evidence_lost"] == 2
    assert [(letter.id, letter.reason) for letter in recorder.letters] == [
        ("a3/evidence", "bad_key")
    ]


def test_a_clip_that_is_cut_waits_for_the_store_even_if_the_record_is_overwritten(
    recorder: Recorder, unique: str, tmp: Path, own: Any
) -> None:
    objects = own(Objects(tmp / "objects"))
    record(ring(tmp), PAST, 100)
    told = Told()
    where = context(recorder, objects, tmp, tell=told, video=video_reader(tmp))
    objects.kill()
    sink = clip(unique).open(where)
    sink.write([agreement(1, PAST + 3)])
    sink.flush()
    wait_until(lambda: list(tmp.glob("clips.*/*.mp4")), what="the clip on disk")
    wait_until(lambda: "evidence" in recorder.health.down, what="word that the store is down")
    sink.close()
    for path in ring(tmp).iterdir():
        path.unlink()
    sink = clip(unique).open(where)
    objects.start().wait_ready()
    wait_until(lambda: told.events, what="the clip")
    sink.close()
    assert told.of("a1")["state"] == "stored"
    assert Bucket(connection_to(objects), unique).names() == ["videos/evt_20261118_110643_dock.mp4"]


def test_in_the_last_run_of_a_flow_no_clip_is_left_for_the_next(
    objects: Objects, recorder: Recorder, unique: str, tmp: Path
) -> None:
    record(ring(tmp), PAST, 100)
    told = Told()
    where = context(recorder, objects, tmp, tell=told, video=video_reader(tmp), is_last=True)
    sink = clip(unique).open(where)
    sink.write([agreement(1, PAST + 3)])
    sink.flush()
    assert told.of("a1")["state"] == "stored"
    sink.close()


def test_clips_wait_in_bounded_bytes_and_what_does_not_fit_is_told(
    recorder: Recorder, unique: str, tmp: Path
) -> None:
    record(ring(tmp), PAST, 100, size=(640, 480))
    told = Told()
    nowhere = ObjectStoreConnection.model_validate(
        {"url": "http://127.0.0.1:9", "access_key": "a", "secret_key": "b", "timeout": 1}
    )
    sink = clip(unique).open(context(recorder, nowhere, tmp, tell=told, video=video_reader(tmp)))
    sink._bounds = sink._bounds._replace(bytes=60_000)  # type: ignore[attr-defined]
    events: list[Event] = [agreement(n, PAST + 3 + n / 10) for n in range(20)]
    sink.write(events)
    sink.flush()
    wait_until(lambda: told.events and not sink._uncut(), what="all clips")  # type: ignore[attr-defined]
    held = sum(path.stat().st_size for path in tmp.glob("clips.*/*.mp4"))
    wait_until(
        lambda: len(told.events) + len(list(tmp.glob("clips.*/*.mp4"))) == 20, what="word of all"
    )
    sink.close()
    assert held <= 60_000
    assert {one.data["reason"] for one in told.events} == {
        "too many bytes wait for the object store"
    }


KILLED = """
import sys, threading
from pathlib import Path
from connectors.base import ConnectorContext
from connectors.s3.components import Clip
from connectors.s3.connection import ObjectStoreConnection
from flows.vision.video_reader import video_reader
from operators.events import decode_lines
folder, url, key, secret, bucket = sys.argv[1:]
folder = Path(folder)
connection = ObjectStoreConnection(url=url, access_key=key, secret_key=secret)
def tell(events):
    with open(folder / "told", "a") as file:
        for event in events:
            file.write(event.data["event"] + " " + event.data["state"] + "\\n")
sink = Clip(
    bucket=bucket, key="videos/evt_{time:%Y%m%d_%H%M%S}_{camera}.mp4", before="1s", after="1s"
).open(ConnectorContext(
    flow="test", name="clips", connection=connection, folder=folder, tell=tell,
    video=video_reader(folder)))
print("open", flush=True)
for line in sys.stdin.buffer:
    sink.write(decode_lines(line))
    sink.flush()
    print("safe", flush=True)
threading.Event().wait()
"""


@pytest.mark.slow
def test_kill_9_loses_no_clip_and_doubles_none(objects: Objects, unique: str, tmp: Path) -> None:
    record(ring(tmp), PAST, 400, gops=2)
    events = [agreement(n, PAST + 2 + n * 1.3) for n in range(25)]
    arguments = [str(tmp), objects.url, objects.access_key, objects.secret_key, unique]
    bucket = Bucket(connection_to(objects), unique)
    told = tmp / "told"

    def known() -> set[str]:
        return set(told.read_text().splitlines()) if told.exists() else set()

    for number in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdin and process.stdout
        try:
            assert process.stdout.readline() == b"open\n"
            for event in events[number * 5 : number * 5 + 5]:
                process.stdin.write(encode_lines([event]))
                process.stdin.flush()
                assert process.stdout.readline() == b"safe\n"
            if number == 5:
                wait_until(lambda: len(known()) == 25, what="all clips")
        finally:
            process.kill()
            process.communicate()
    assert known() == {f"a{n} stored" for n in range(25)}
    assert len(bucket.names()) == 25


def test_a_clip_has_at_most_two_minutes() -> None:
    with pytest.raises(ValueError, match="at most 2min"):
        clip("bucket", before="60s", after="61s")


def stay(n: int, at: float, phase: str) -> Detection:
    return Detection(
        id=f"s{n}", time=at, subject="dock", class_="person", score=0.9, box=(0.1, 0.1, 0.2, 0.4),
        track="t", in_zone="hall", phase=phase,
    )  # fmt: skip


@pytest.mark.parametrize(("most", "end"), [("60s", 12.0), ("4s", 7.0)])
def test_the_clip_of_an_object_goes_on_until_it_is_gone_or_as_long_as_it_may(
    objects: Objects, recorder: Recorder, unique: str, tmp: Path, most: str, end: float
) -> None:
    record(ring(tmp), PAST, 200, gops=2)
    told = Told()
    where = context(recorder, objects, tmp, tell=told, video=video_reader(tmp))
    sink = clip(unique, after="2s", most=most).open(where)
    sink.write([stay(1, PAST + 3, "entered"), stay(2, PAST + 10, "left")])
    sink.write([stay(3, PAST + 11, "left")])  # of a stay that nobody saw begin
    sink.flush()
    wait_until(lambda: told.events, what="the clip")
    sink.close()
    assert [one.data["event"] for one in told.events] == ["s1"]
    assert told.of("s1")["end"] == pytest.approx(PAST + end, abs=0.5)
    assert recorder.counts["continues_nothing"] == 1


def test_the_clip_of_an_object_that_stays_waits_and_is_cut_by_the_next_run(
    objects: Objects, recorder: Recorder, unique: str, tmp: Path
) -> None:
    now = time.time()
    record(ring(tmp), now - 10, 100, gops=2)
    told = Told()
    where = context(recorder, objects, tmp, tell=told, video=video_reader(tmp))
    sink = clip(unique, after="0s", before="3s", most="60s")
    first = sink.open(where)
    first.write([stay(1, now - 5, "entered")])
    first.flush()
    first.close()
    assert told.events == []
    second = sink.open(where)
    second.write([stay(2, now - 2, "left")])
    second.flush()
    wait_until(lambda: told.events, what="the clip")
    second.close()
    assert told.of("s1")["end"] == pytest.approx(now - 2, abs=0.5)
