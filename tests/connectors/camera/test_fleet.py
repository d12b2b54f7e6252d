"""The cameras of a source follow the secrets that their addresses name."""

import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from connectors.camera.camera import Camera
from connectors.camera.components import Rtsp as Source
from connectors.camera.fleet import Fleet
from connectors.camera.last_looks import LastLooks
from infra.embedded.rtsp import Rtsp
from operators.events import Event, Frame, Reading
from tests.waiting import wait_until

pytestmark = pytest.mark.service


class Readings:
    """An output that keeps what cameras say of themselves."""

    def __init__(self) -> None:
        self.all: list[Reading] = []
        self.last: list[str] = []
        self._lock = threading.Lock()

    def picture(self, frame: Any, boxes: Any, jpeg: bytes) -> None: ...

    def show(self, frame: Any, picture: Any) -> None: ...

    def gone(self, camera: str) -> None: ...

    def count(self, word: str, n: int) -> None: ...

    def shows(self, camera: str, moving: bool) -> bool:
        return False

    def event(self, event: Event) -> None:
        with self._lock:
            if isinstance(event, Reading):
                self.all.append(event)
            elif isinstance(event, Frame) and event.over:
                self.last.append(event.subject)

    def said(self, camera: str, metric: str) -> list[float | None]:
        with self._lock:
            return [one.value for one in self.all if one.subject == camera and one.metric == metric]


def test_a_password_that_is_mended_in_its_file_is_tried_at_once(
    tmp: Path, own: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = tmp / "secrets"
    secrets.mkdir()
    monkeypatch.setattr("connectors.config.variables.SECRETS", secrets)
    monkeypatch.delenv("RTSP_PASSWORD", raising=False)
    secret, output = secrets / "RTSP_PASSWORD", Readings()
    server = own(Rtsp(tmp / "rtsp", user="cam", password="right"))
    source = Source.model_validate(
        {"each": "cameras", "url": "rtsp://cam:${RTSP_PASSWORD}@{host}/camera"}
    )
    names = ["RTSP_PASSWORD"]
    fleet = Fleet(source, None, None, output, 900_000, True, {}, names, LastLooks())
    try:
        fleet.set_rows([{"name": "gate", "host": server.address}])
        wait_until(lambda: output.said("gate", "camera_online"), what="word that it lacks one")
        secret.write_text("wrong\n")
        fleet.refresh()
        wait_until(lambda: 1.0 in output.said("gate", "camera_refused"), what="the refusal")
        fleet.refresh()
        secret.unlink()
        fleet.refresh()
        secret.write_text("right\n")
        fleet.refresh()
        wait_until(lambda: 1.0 in output.said("gate", "camera_online"), what="pictures")
        online = output.said("gate", "camera_online").count(1.0)
        fleet.refresh()
        secret.unlink()
        fleet.refresh()
        assert output.said("gate", "camera_online").count(1.0) == online
        assert output.said("gate", "camera_online")[-1] == 1.0, "it goes on as it is"
    finally:
        fleet.close()


def test_times_of_a_changed_camera_go_on_though_the_clock_was_set_back_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frames: list[Frame] = []
    behind = 0.0

    class Frames(Readings):
        def picture(self, frame: Any, boxes: Any, jpeg: bytes) -> None:
            frames.append(frame)

    camera = partial(Camera, wall=lambda: time.time() - behind)
    monkeypatch.setattr("connectors.camera.fleet.Camera", camera)
    source = Source.model_validate({"each": "cameras", "url": "simulate:{scene}", "record": "0s"})
    fleet = Fleet(source, None, None, Frames(), 1 << 20, True, {}, [], LastLooks())
    try:
        fleet.set_rows([{"name": "gate", "scene": "walk"}])
        wait_until(lambda: len(frames) > 2, what="pictures")
        behind = 3600.0
        fleet.set_rows([{"name": "gate", "scene": "still", "area": "yard"}])
        wait_until(lambda: sum("area" in one.labels for one in frames) > 2, what="more pictures")
    finally:
        fleet.close()
    times = [one.time for one in frames]
    assert times == sorted(times)
    assert times[-1] - times[0] < 600, "and do not leap"


def test_a_camera_that_was_removed_while_nothing_ran_ends_at_the_next_start_once(
    tmp: Path,
) -> None:
    file = tmp / "looks.json"
    LastLooks(file).looked("yard", time.time())
    source = Source.model_validate({"each": "cameras", "url": "rtsp://{host}/camera"})
    said = []
    for _ in range(2):
        output = Readings()
        fleet = Fleet(source, None, None, output, 900_000, True, {}, [], LastLooks(file))
        fleet.set_rows([])
        fleet.close()
        said.append(output.last)
    assert said == [["yard"], []]
