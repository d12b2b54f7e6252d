"""The sink for pictures, against a real store."""

import base64
from pathlib import Path
from typing import Any

import pytest

from connectors.s3.components import Snapshot
from infra.embedded import objects as embedded
from operators.events import Event, Frame, Message, Occurrence
from tests.bucket import Bucket, connection_to
from tests.connectors.recorder import Recorder, reading
from tests.waiting import wait_until

T = 1_795_000_000.25
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256))
PNG = b"\x89PNG\r\n\x1a\n" + bytes(50)
KEY = "frames/evt_{time:%Y%m%d_%H%M%S}_{camera}.jpg"


def seen(n: int, **data: Any) -> Occurrence:
    return Occurrence(
        id=f"o{n}", time=T + n, subject="yard", type="person_seen", data={"camera": "yard", **data}
    )


def put(
    objects: embedded.Objects,
    recorder: Recorder,
    bucket: str,
    events: list[Event],
    folder: Path | None = None,
    **settings: Any,
) -> Bucket:
    connection = connection_to(objects)
    sink = Snapshot.model_validate({"bucket": bucket, "key": KEY, **settings}).open(
        recorder.context("pictures", connection, folder)
    )
    sink.write(events)
    sink.flush()
    if folder is not None:
        wait_until(lambda: not sink._spool.jobs, what="the spool to be empty")  # type: ignore[attr-defined]
    sink.close()
    return Bucket(connection_to(objects), bucket)


def test_the_picture_of_a_frame_a_message_and_a_field_is_stored_under_the_key_of_its_event(
    objects: embedded.Objects, recorder: Recorder, unique: str
) -> None:
    text = base64.b64encode(JPEG).decode()
    bucket = put(
        objects, recorder, unique,
        [
            Frame(id="f", time=T, subject="hall", width=8, height=8, jpeg=JPEG),
            Message(id="m", time=T, topic="frigate/door/person/snapshot", payload=JPEG,
            labels={"camera": "door"}),
            seen(1, picture=text),
            seen(2, picture=f"data:image/jpeg;base64,{text[:60]}\n{text[60:]}"),
            seen(3, picture=base64.b64encode(PNG).decode()),
        ],
    )  # fmt: skip
    assert bucket.names() == [
        "frames/evt_20261118_110640_door.jpg",
        "frames/evt_20261118_110640_hall.jpg",
        "frames/evt_20261118_110641_yard.jpg",
        "frames/evt_20261118_110642_yard.jpg",
        "frames/evt_20261118_110643_yard.jpg",
    ]
    assert [bucket.content(name) for name in bucket.names()] == [JPEG] * 4 + [PNG]
    assert [bucket.type(name) for name in bucket.names()] == ["image/jpeg"] * 4 + ["image/png"]
    assert not recorder.letters


def test_another_field_may_hold_the_picture(
    objects: embedded.Objects, recorder: Recorder, unique: str
) -> None:
    event = seen(1, after={"thumbnail": base64.b64encode(JPEG).decode()})
    bucket = put(objects, recorder, unique, [event], picture="after.thumbnail")
    assert bucket.content("frames/evt_20261118_110641_yard.jpg") == JPEG


def test_events_without_a_picture_are_counted_and_what_is_none_goes_to_dead_letters(
    objects: embedded.Objects, recorder: Recorder, unique: str
) -> None:
    events: list[Event] = [
        reading(1),
        seen(1),
        Message(id="m", time=T, topic="t"),
        seen(2, picture="no base64!"),
        seen(3, picture=base64.b64encode(b"plain text").decode()),
        seen(4, picture=17),
        Frame(id="f", time=T, subject="hall", width=8, height=8, jpeg=JPEG),
    ]
    bucket = put(objects, recorder, unique, events)
    assert bucket.names() == ["frames/evt_20261118_110640_hall.jpg"]
    assert recorder.counts == {"without_picture": 3}
    assert [(letter.id, letter.reason) for letter in recorder.letters] == [
        ("o2/pictures", "not_a_picture"), ("o3/pictures", "not_a_picture"), ("o4/pictures",
        "not_a_picture"),
    ]  # fmt: skip
    assert "expected a JPEG, PNG or WebP picture" in recorder.letters[0].detail


def test_a_picture_that_comes_again_replaces_itself_and_one_without_a_camera_is_set_aside(
    objects: embedded.Objects, recorder: Recorder, unique: str
) -> None:
    text = base64.b64encode(JPEG).decode()
    nobody = Occurrence(id="n", time=T, subject="yard", type="t", data={"picture": text})
    for _ in range(2):
        bucket = put(objects, recorder, unique, [seen(1, picture=text), nobody])
    assert bucket.names() == ["frames/evt_20261118_110641_yard.jpg"]
    assert {(letter.id, letter.reason) for letter in recorder.letters} == {
        ("n/pictures", "bad_key")
    }


def frames(first: bytes = b"\xff\xd8\xff") -> list[Event]:
    return [
        Frame(
            id=f"f{n}",
            time=T + n / 1000,
            subject="hall",
            width=8,
            height=8,
            jpeg=first + bytes([n]),
        )
        for n in range(3)
    ]


@pytest.mark.parametrize("first", [b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP"])
def test_later_pictures_of_a_key_without_a_time_win(
    objects: embedded.Objects, recorder: Recorder, unique: str, first: bytes
) -> None:
    bucket = put(objects, recorder, unique, frames(first), key="latest/{camera}.jpg")
    assert bucket.names() == ["latest/hall.jpg"]
    assert bucket.content("latest/hall.jpg") == first + bytes([2])


def test_events_of_one_camera_and_second_have_a_key_each_also_after_a_restart(
    objects: embedded.Objects, recorder: Recorder, unique: str, tmp: Path
) -> None:
    names = [f"frames/evt_20261118_110640_hall{suffix}.jpg" for suffix in ("", "_2", "_3")]
    for some in (frames()[:2], frames()[1:], [*frames()[::-1]]):
        bucket = put(objects, recorder, unique, some, folder=tmp)
    wait_until(lambda: bucket.names() == names, what="all pictures")
    assert [bucket.content(name)[-1] for name in names] == [0, 1, 2]
