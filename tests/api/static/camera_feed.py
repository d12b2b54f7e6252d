"""What the showcase's cameras see: somebody who walks through, in pictures and in detections."""

import base64
import math
import threading
import time

import cv2
import numpy as np

from operators.events import Detection
from tests.api.running import Topics

EVERY = 0.8
WIDE, TALL = 640, 360
PERSON = (0.09, 0.42)
"""Width and height of whoever walks, as fractions of the picture."""


class CameraFeed:
    """Writes pictures of cameras until it is closed, and a detection each few seconds."""

    def __init__(self, topics: Topics, events: str, cameras: dict[str, str]) -> None:
        """`cameras` are names with their areas; `events` is the topic of what is seen."""
        self._topics, self._events, self._cameras = topics, events, cameras
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cameras of the showcase")
        self._thread.start()

    def close(self) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        while not self._ending.wait(EVERY):
            number += 1
            for phase, (name, area) in enumerate(self._cameras.items()):
                now = time.time()
                box = _walker(number / 12 + phase * 2)
                picture = base64.b64encode(_picture(box, phase)).decode()
                frame = {"kind": "frame", "subject": name, "time": now, "jpeg": picture}
                self._topics.pushed(f"camera_{name}", [frame], subject=name)
                if number % 3 == 1:
                    seen = Detection(
                        id=f"live/{name}/{number}",
                        time=now,
                        subject=name,
                        class_="person",
                        score=0.91,
                        box=box,
                        phase="entered",
                        labels={"area": area, "camera": name},
                    )
                    self._topics.events(seen, topic=self._events)


def _walker(turn: float) -> tuple[float, float, float, float]:
    return round(0.45 + 0.3 * math.sin(turn / 6), 3), 0.38, *PERSON


def _picture(box: tuple[float, float, float, float], shade: int) -> bytes:
    """A yard with a wall and a door, and somebody in it."""
    picture = np.full((TALL, WIDE, 3), 66 + 10 * shade, np.uint8)
    picture[: TALL * 2 // 5] = (96, 88, 80)
    cv2.rectangle(picture, (430, 60), (520, 190), (52, 60, 74), -1)
    left, top, wide, tall = (
        int(part * size) for part, size in zip(box, (WIDE, TALL) * 2, strict=True)
    )
    cv2.ellipse(
        picture, (left + wide // 2, top + tall), (wide // 2, 8), 0, 0, 360, (40, 40, 40), -1
    )
    cv2.circle(picture, (left + wide // 2, top + tall // 8), tall // 8, (140, 165, 205), -1)
    cv2.rectangle(
        picture, (left + wide // 5, top + tall // 4), (left + wide * 4 // 5, top + tall), (90, 60, 40), -1
    )  # fmt: skip
    return bytes(cv2.imencode(".jpg", picture)[1])
