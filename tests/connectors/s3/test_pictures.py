"""Pictures that detections refer to, and what is drawn on them."""

import hashlib
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.base import NoAnswer
from connectors.s3.components import Snapshot
from infra.embedded.objects import Objects
from operators.events import Event
from tests.bucket import Bucket, connection_to
from tests.connectors.recorder import Recorder
from tests.connectors.s3.evidence_parts import (
    HEIGHT,
    WIDTH,
    T,
    Told,
    context,
    detection,
    jpeg,
    pixels_of,
)
from tests.waiting import wait_until

KEY = "frames/evt_{time:%Y%m%d_%H%M%S}_{camera}.jpg"
NAME = "frames/evt_20261118_110640_hall"


def put(
    objects: Objects,
    recorder: Recorder,
    bucket: str,
    events: list[Event],
    told: Told,
    settings: dict[str, Any] | None = None,
    **more: Any,
) -> Bucket:
    sink = Snapshot.model_validate({"bucket": bucket, "key": KEY, **(settings or {})}).open(
        context(recorder, objects, None, tell=told, **more)
    )
    sink.write(events)
    sink.flush()
    sink.close()
    return Bucket(connection_to(objects), bucket)


def test_the_picture_of_a_detection_is_fetched_by_its_reference_and_told_beside_the_event(
    objects: Objects, recorder: Recorder, unique: str
) -> None:
    told, asked = Told(), []

    def picture(reference: str, frame: str | None) -> bytes:
        asked.append((reference, frame))
        return jpeg()

    bucket = put(objects, recorder, unique, [detection(7)], told, picture=picture)
    assert asked == [("frames.hall/0/7", "f7")]
    assert bucket.names() == [f"{NAME}.jpg"]
    assert bucket.content(f"{NAME}.jpg") == jpeg()
    [said] = told.events
    assert (said.id, said.time, said.subject, said.type) == (
        "d7/evidence/evidence", T, "hall", "evidence",
    )  # fmt: skip
    assert len(said.data.pop("signature")) == 64
    assert said.data == {
        "event": "d7", "kind": "snapshot", "camera": "hall", "state": "stored", "bucket": unique,
        "key": f"{NAME}.jpg", "type": "image/jpeg", "bytes": len(jpeg()),
        "sha256": hashlib.sha256(jpeg()).hexdigest(),
    }  # fmt: skip


def test_a_picture_that_is_gone_is_counted_and_told_and_is_no_dead_letter(
    objects: Objects, recorder: Recorder, unique: str
) -> None:
    told = Told()
    answers = {"frames.hall/0/2": jpeg()}
    events: list[Event] = [detection(1), detection(2)]
    bucket = put(
        objects, recorder, unique, events, told,
        picture=lambda reference, frame: answers.get(reference),
    )  # fmt: skip
    assert bucket.names() == [f"{NAME}_2.jpg"]
    assert recorder.counts == {"picture_gone": 1, "evidence_lost": 1}
    assert not recorder.letters
    assert told.of("d1")["state"] == "lost"
    assert "no longer in its topic" in told.of("d1")["reason"]
    assert told.of("d2")["state"] == "stored"


def test_while_the_broker_does_not_answer_the_picture_waits(
    objects: Objects, recorder: Recorder, unique: str
) -> None:
    told, times = Told(), []

    def picture(reference: str, frame: str | None) -> bytes:
        times.append(reference)
        if len(times) < 3:
            raise NoAnswer("no broker")
        return jpeg()

    bucket = put(objects, recorder, unique, [detection(1)], told, picture=picture)
    assert bucket.names() == [f"{NAME}.jpg"]
    assert ("evidence", False, "no broker") in recorder.reports


def test_the_box_is_drawn_on_a_copy_and_a_thumbnail_is_a_third_object(
    objects: Objects, recorder: Recorder, unique: str
) -> None:
    told = Told()
    bucket = put(
        objects, recorder, unique, [detection(1)], told, {"drawn": True, "thumbnail": 80},
        picture=lambda reference, frame: jpeg(),
    )  # fmt: skip
    assert bucket.names() == [f"{NAME}.jpg", f"{NAME}_drawn.jpg", f"{NAME}_thumbnail.jpg"]
    assert bucket.content(f"{NAME}.jpg") == jpeg()
    drawn = pixels_of(bucket.content(f"{NAME}_drawn.jpg")).astype(int)
    assert drawn.shape == (HEIGHT, WIDTH, 3)
    blue, _, red = drawn[HEIGHT // 2, WIDTH * 3 // 8]  # on the upper edge of the box
    assert red > blue + 80
    inside, outside = drawn[HEIGHT * 5 // 8, WIDTH * 3 // 8], drawn[5, 5]
    assert max(abs(inside - 90)) < 12 and max(abs(outside - 90)) < 12
    assert pixels_of(bucket.content(f"{NAME}_thumbnail.jpg")).shape == (60, 80, 3)
    assert told.of("d1")["drawn"] == f"{NAME}_drawn.jpg"
    assert told.of("d1")["thumbnail"] == f"{NAME}_thumbnail.jpg"


def test_what_nobody_may_see_is_covered_on_every_stored_picture_of_its_camera_only(
    objects: Objects, recorder: Recorder, unique: str
) -> None:
    corner = [(0.0, 0.0), (0.5, 0.0), (0.5, 0.4), (0.0, 0.4)]
    events: list[Event] = [detection(1), detection(2, subject="yard")]
    bucket = put(
        objects, recorder, unique, events, Told(), {"drawn": True, "thumbnail": 80},
        picture=lambda reference, frame: jpeg(), masks={"hall": [corner]},
    )  # fmt: skip
    assert len(bucket.names()) == 6
    for name in bucket.names():
        pixels = pixels_of(bucket.content(name)).astype(int)
        height, width = pixels.shape[:2]
        covered, free = pixels[height // 10, width // 10], pixels[height // 10, width * 9 // 10]
        assert (max(covered) < 20) == ("hall" in name), name
        assert min(free) > 60, name


def test_a_picture_that_cannot_be_read_is_not_stored_where_a_part_of_it_must_be_covered(
    objects: Objects, recorder: Recorder, unique: str, tmp: Path
) -> None:
    bucket = Bucket(connection_to(objects), unique)
    bucket.client.make_bucket(unique)
    put(
        objects, recorder, unique, [detection(1)], Told(),
        picture=lambda reference, frame: jpeg()[:40], masks={"hall": [[(0, 0), (1, 0), (1, 1)]]},
    )  # fmt: skip
    assert bucket.names() == []
    assert [letter.reason for letter in recorder.letters] == ["not_a_picture"]


@pytest.mark.slow
def test_while_the_store_is_down_pictures_wait_and_the_flow_does_not(
    recorder: Recorder, unique: str, tmp: Path, own: Any
) -> None:
    objects = own(Objects(tmp / "objects"))
    told = Told()
    make = Snapshot.model_validate({"bucket": unique, "key": KEY})
    where = context(
        recorder, objects, tmp / "files", tell=told, picture=lambda reference, frame: jpeg()
    )
    sink = make.open(where)
    objects.kill()
    sink.write([detection(n) for n in range(20)])
    sink.flush()
    wait_until(lambda: "evidence" in recorder.health.down, what="word that the store is down")
    sink.close()
    sink = make.open(where)  # as after a kill: what waits is on disk
    sink.write([detection(n) for n in range(10, 30)])  # ten of them come again
    sink.flush()
    objects.start().wait_ready()
    bucket = Bucket(connection_to(objects), unique)
    wait_until(lambda: len(told.events) == 30, what="all pictures")
    sink.close()
    assert len(bucket.names()) == 30
    assert recorder.counts == {"repeated": 10}


def test_what_does_not_fit_into_the_spool_is_lost_counted_and_told(
    recorder: Recorder, unique: str, tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.s3.components.MOST_WAITING", 5)
    nowhere = connection_to_nothing()
    told = Told()
    sink = Snapshot.model_validate({"bucket": unique, "key": KEY}).open(
        context(recorder, nowhere, tmp, tell=told)
    )
    sink.write([detection(n) for n in range(8)])
    sink.flush()
    wait_until(lambda: len(told.events) == 3, what="word of what is lost")
    sink.close()
    assert {one.data["event"] for one in told.events} == {"d5", "d6", "d7"}
    assert told.of("d5")["reason"] == "too many objects wait for the object store"
    assert recorder.counts["evidence_lost"] == 3


def connection_to_nothing() -> Any:
    from connectors.s3.connection import ObjectStoreConnection

    return ObjectStoreConnection.model_validate(
        {"url": "http://127.0.0.1:9", "access_key": "a", "secret_key": "b", "timeout": 1}
    )


def test_of_an_object_the_best_picture_is_stored_once_it_is_gone_under_its_first_event(
    objects: Objects, recorder: Recorder, unique: str
) -> None:
    told, asked = Told(), []

    def picture(reference: str, frame: str | None) -> bytes:
        asked.append(reference)
        return jpeg()

    boxes = [(0.0, 0.2, 0.1, 0.2), (0.4, 0.2, 0.2, 0.6), (0.7, 0.2, 0.3, 0.6), (0.8, 0.2, 0.1, 0.2)]
    phases = ["new", "update", "update", "end"]
    events: list[Event] = [
        detection(n, T + n, box=box, phase=phase, track="t")
        for n, (box, phase) in enumerate(zip(boxes, phases, strict=True))
    ]
    now = time.time() - T
    for event in events:
        event.time += now
    put(objects, recorder, unique, [*events, events[1]], told, {"best": "600s"}, picture=picture)
    assert asked == ["frames.hall/0/1"]
    assert [one.data["event"] for one in told.events] == ["d0"]
    assert told.of("d0")["start"] == events[1].time


@pytest.mark.parametrize("ahead", [0.0, 3600.0])  # the clock was set back by an hour
def test_the_picture_of_an_object_that_stays_is_stored_after_a_while(
    objects: Objects, recorder: Recorder, unique: str, ahead: float
) -> None:
    told = Told()
    first = detection(0, phase="entered", track="t", in_zone="hall")
    if ahead:
        first = msgspec.structs.replace(first, time=time.time() + ahead)
    events: list[Event] = [first]
    put(objects, recorder, unique, events, told, {"best": "5s"}, picture=lambda *_: jpeg())
    assert told.of("d0")["state"] == "stored"
