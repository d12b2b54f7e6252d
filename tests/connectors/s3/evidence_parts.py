"""What the tests of evidence share: detections, pictures of them, and what a sink told."""

import threading
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from connectors.base import ConnectorContext
from connectors.s3.connection import ObjectStoreConnection
from infra.embedded.objects import Objects
from operators.events import Detection, Occurrence
from tests.bucket import connection_to
from tests.connectors.recorder import Recorder

T = 1_795_000_000.25
WIDTH, HEIGHT = 320, 240


def detection(n: int, time: float = T, **more: Any) -> Detection:
    """A person in the middle of a picture of the camera `hall`."""
    settings: dict[str, Any] = {
        "subject": "hall",
        "class_": "person",
        "score": 0.875,
        "box": (0.25, 0.5, 0.25, 0.25),
        "frame": f"f{n}",
        "picture": f"frames.hall/0/{n}",
        **more,
    }
    return Detection(id=f"d{n}", time=time, **settings)


def jpeg(level: int = 90) -> bytes:
    """A picture of one gray."""
    pixels = np.full((HEIGHT, WIDTH, 3), level, np.uint8)
    return bytes(cv2.imencode(".jpg", pixels)[1].tobytes())


def pixels_of(data: bytes) -> Any:
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert found is not None
    return found


class Told:
    """What sinks said of evidence, by the id of its event."""

    def __init__(self) -> None:
        self.events: list[Occurrence] = []
        self._lock = threading.Lock()

    def __call__(self, events: list[Occurrence]) -> None:
        with self._lock:
            self.events += events

    def of(self, id: str) -> dict[str, Any]:
        """What was said last."""
        said = [one.data for one in self.events if one.data["event"] == id]
        return said[-1] if said else {}


def context(
    recorder: Recorder, objects: Objects | ObjectStoreConnection, folder: Path | None, **more: Any
) -> ConnectorContext:
    connection = connection_to(objects) if isinstance(objects, Objects) else objects
    return recorder.context("evidence", connection, folder, **more)
