"""Sessions of a real RTSP server that has room for one viewer."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.camera.streams.stream import AvStream, Busy
from infra.embedded.rtsp import Rtsp
from tests.waiting import wait_until

pytestmark = pytest.mark.service


def test_a_camera_without_room_says_so_and_a_viewer_who_leaves_makes_room(
    tmp: Path, own: Callable[[Any], Any]
) -> None:
    server = own(Rtsp(tmp / "rtsp", sessions=1))
    first = AvStream(server.url(), "rtsp")
    assert next(first.pictures()).frame.width == 640
    with pytest.raises(Busy, match="takes no other viewer at present; a camera keeps the session"):
        AvStream(server.url(), "rtsp")
    first.close()

    def opens() -> AvStream | None:
        with contextlib.suppress(Busy):  # the server has not read the first one's leave yet
            return AvStream(server.url(), "rtsp")
        return None

    second = wait_until(opens, what="room for another viewer")
    assert next(second.pictures()).frame.width == 640
    second.close()
