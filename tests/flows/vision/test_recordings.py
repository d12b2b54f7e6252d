"""What cameras recorded, as the api asks a flow for it."""

import io
import json
import time
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import av
import pytest

from connectors.runtime import tickets
from connectors.runtime.tickets import signed
from flows.vision.recordings import Answer, Recordings
from tests.connectors.camera.recorded import record

PAST = 1_795_000_000.0
SECRET = "of the store"


def ask(recordings: Recordings, target: str) -> Answer:
    parts = urlsplit(target)
    return recordings.answer(parts.path, dict(parse_qsl(parts.query)))


def query(start: float, end: float, camera: str = "dock") -> dict[str, str]:
    return {"camera": camera, "from": repr(start), "to": repr(end)}


@pytest.fixture
def recordings(tmp: Path) -> Recordings:
    record(tmp / "ring" / "video" / "dock", PAST, 100, gops=2)
    record(tmp / "ring" / "video" / "dock", PAST + 600, 100, gops=2)
    return Recordings(tmp, SECRET)


def test_the_spans_in_which_something_was_recorded_are_told(recordings: Recordings) -> None:
    target = signed("/recordings", query(PAST - 60, PAST + 3600), SECRET)
    status, _, content = ask(recordings, target)
    first, second = json.loads(content)
    assert status == 200
    assert first == [PAST, pytest.approx(PAST + 9, abs=3)]
    assert second[0] == PAST + 600
    nobody = ask(recordings, signed("/recordings", query(PAST, PAST + 60, "gate"), SECRET))
    assert json.loads(nobody[2]) == []


def test_a_piece_is_video_from_the_asked_time_on(recordings: Recordings) -> None:
    status, type_, content = ask(
        recordings, signed("/recording", query(PAST + 603, PAST + 606), SECRET)
    )
    assert (status, type_) == (200, "video/mp4")
    with av.open(io.BytesIO(content)) as video:
        assert 25 <= sum(1 for _ in video.decode(video=0)) <= 55
    assert ask(recordings, signed("/recording", query(PAST + 100, PAST + 110), SECRET))[0] == 404


def test_nobody_gets_anything_without_the_secret_with_another_query_or_too_late(
    recordings: Recordings, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = signed("/recording", query(PAST + 3, PAST + 6), SECRET)
    assert ask(recordings, good)[0] == 200
    for bad in (
        signed("/recording", query(PAST + 3, PAST + 6), "another"),
        good.replace("dock", "gate"),
        good.replace("/recording", "/recordings"),
        good.partition("&signature")[0],
        "/recording",
    ):
        assert ask(recordings, bad)[0] == 403
    assert Recordings(Path(), "").answer("/recording", {})[0] == 403
    monkeypatch.setattr(tickets, "LASTS", -int(time.time()))
    assert ask(recordings, signed("/recording", query(PAST + 3, PAST + 6), SECRET))[0] == 403
