"""What cameras recorded, as the api asks a flow for it."""

import io
import json
import os
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
    for start in (PAST, PAST + 600):
        for path in record(tmp / "ring" / "video" / "dock", start, 100, gops=2):
            written = int(path.stem) / 1000 + 2
            os.utime(path, (written, written))
    return Recordings(tmp, SECRET)


def test_the_spans_in_which_something_was_recorded_are_told(recordings: Recordings) -> None:
    target = signed("/recordings", query(PAST - 60, PAST + 3600), SECRET)
    status, _, content = ask(recordings, target)
    first, second = json.loads(content)
    assert status == 200
    assert first == [PAST, pytest.approx(PAST + 10, abs=0.1)]
    assert second == [PAST + 600, pytest.approx(PAST + 610, abs=0.1)]
    nobody = ask(recordings, signed("/recordings", query(PAST, PAST + 60, "gate"), SECRET))
    assert json.loads(nobody[2]) == []


@pytest.mark.parametrize(
    ("gap", "written", "spans"),
    [
        (8.0, 0.0, [(0, 10), (18, 28)]),  # the camera was away for a moment
        (0.5, 0.0, [(0, 20.5)]),
        (0.5, -3600.0, [(0, 18.5)]),  # the clock was set back meanwhile
        (300.0, 86_400.0, [(0, 68), (310, 376)]),  # copied: nobody knows when the first part ended
    ],
)
def test_gaps_are_told_to_the_second_wherever_the_times_of_files_can_be_believed(
    tmp: Path, gap: float, written: float, spans: list[tuple[float, float]]
) -> None:
    for start in (PAST, PAST + 10 + gap):
        for path in record(tmp / "ring" / "video" / "dock", start, 100, gops=2):
            at = int(path.stem) / 1000 + 2 + written
            os.utime(path, (at, at))
    target = signed("/recordings", query(PAST, PAST + 3600), SECRET)
    told = json.loads(ask(Recordings(tmp, SECRET), target)[2])
    assert told == [[pytest.approx(PAST + edge, abs=2) for edge in span] for span in spans]


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
