"""Cameras that have single pictures only are asked for one whenever it is due."""

import threading
from itertools import islice
from urllib.parse import quote

import pytest

from connectors.camera.streams.snapshots import Snapshots
from connectors.camera.streams.stream import (
    AvStream,
    Refused,
    SinglePicture,
    StreamError,
    Unreadable,
)
from tests.connectors.camera.snapshot_server import SnapshotCamera, snapshots
from tests.flows.vision.mjpeg_server import mjpeg
from tests.http_digest import Guard

PASSWORD = 'p@s/s <"\\&>:%41'


def seen(address: str, count: int = 3, fps: float = 50) -> list[tuple[int, int]]:
    camera = Snapshots(address, fps, threading.Event())
    try:
        found = list(islice(camera.pictures(), count))
    finally:
        camera.close()
    return [(picture.frame.width, picture.frame.height) for picture in found]


def as_user(camera: SnapshotCamera, password: str = PASSWORD) -> str:
    return camera.url(f"admin:{quote(password, safe='')}@")


@pytest.mark.parametrize("path", ["/snap.jpg", "/cgi-bin/snapshot.cgi?ch=1"])
def test_an_answer_that_is_one_picture_is_known_for_what_it_is(path: str) -> None:
    with snapshots() as camera, pytest.raises(SinglePicture):
        AvStream(camera.url(path=path), "http")


@pytest.mark.parametrize(("kept", "connections"), [(True, 1), (False, 3)])
def test_one_connection_is_used_for_all_where_the_camera_keeps_it(
    kept: bool, connections: int
) -> None:
    with snapshots(kept=kept) as camera:
        assert seen(camera.url()) == [(320, 240)] * 3
        assert (camera.asked, camera.connections) == (3, connections)


@pytest.mark.parametrize("scheme", ["MD5", "SHA-256", "RFC 2069", "Basic"])
def test_a_camera_that_asks_for_a_user_is_told_once_and_again_when_its_nonce_is_used_up(
    scheme: str,
) -> None:
    with snapshots(Guard("admin", PASSWORD, scheme, lasts=3)) as camera:
        assert len(seen(as_user(camera), 7)) == 7
        assert camera.guard is not None
        assert camera.guard.refused == (1 if scheme == "Basic" else 3)
        with pytest.raises(Refused) as caught:
            seen(as_user(camera, "wr0ng"))
        assert "wr0ng" not in str(caught.value)
        with pytest.raises(Refused):
            seen(camera.url())


def test_half_pictures_and_a_camera_that_is_busy_are_left_out_and_at_last_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("connectors.camera.streams.snapshots.DAMAGED_FOR", 0.1)
    for wrong in ("half", "busy"):
        with snapshots() as camera:
            stream = Snapshots(camera.url(), 100, threading.Event())
            pictures = stream.pictures()
            next(pictures)
            camera.wrong = wrong
            with pytest.raises(StreamError, match="no picture that can be decoded"):
                next(pictures)
            assert stream.facts.damaged > 0
            stream.close()


def test_a_picture_that_claims_more_than_any_camera_has_is_never_decoded() -> None:
    with snapshots() as camera:
        camera.wrong = "huge"
        with pytest.raises(Unreadable, match="pictures of 60000x60000, and at most 64 million"):
            seen(camera.url())


def test_what_is_no_single_picture_is_said() -> None:
    with mjpeg() as address, pytest.raises(Unreadable, match="sends a stream"):
        seen(address)
    with pytest.raises(StreamError, match=r"\*\*\*@127.0.0.1:9/x cannot be read: Connection ref"):
        seen("http://u:secret@127.0.0.1:9/x")
