"""Pictures that come from this machine: folders, video files at their pace, USB, made-up scenes."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from connectors.camera.streams.scenes import SCENES, Scene
from connectors.camera.streams.stream import AvStream, Picture, StreamError, StreamFacts
from connectors.camera.streams.whole_picture import too_large, whole_picture

PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


class Paced:
    """A video file as a camera would show it: at its own rate."""

    def __init__(self, stream: AvStream, stopping: threading.Event) -> None:
        self.facts = stream.facts
        self._stream = stream
        self._stopping = stopping

    def pictures(self) -> Iterator[Picture]:
        """The pictures, each when it is due."""
        began = time.monotonic()
        first: float | None = None
        for picture in self._stream.pictures():
            if picture.pts is not None:
                first = picture.pts if first is None else first
                due = began + picture.pts - first
                if self._stopping.wait(max(0.0, due - time.monotonic())):
                    return
            yield picture

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


class Folder:
    """The pictures of a folder in the order of their names, `fps` a second."""

    def __init__(self, folder: Path, fps: float, stopping: threading.Event) -> None:
        """Raises `StreamError` where no pictures are."""
        self.facts = StreamFacts(codec="pictures")
        self._fps = fps
        self._stopping = stopping
        if not folder.is_dir():
            raise StreamError(f"{folder} is no folder")
        self._files = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
        if not self._files:
            raise StreamError(f"{folder} holds no pictures: expected {', '.join(PICTURES)}")

    def pictures(self) -> Iterator[Picture]:
        """Every picture once; damaged ones are counted and left out."""
        began = time.monotonic()
        for number, path in enumerate(self._files):
            if self._stopping.wait(max(0.0, began + number / self._fps - time.monotonic())):
                return
            image = _read(path)
            if image is None:
                self.facts.damaged += 1
                continue
            yield Picture(av.VideoFrame.from_ndarray(image, format="bgr24"), None)

    def close(self) -> None:
        """Nothing to close."""


def _read(path: Path) -> NDArray[np.uint8] | None:
    """A picture; None for a file that is none, is only half written, or shows too much."""
    try:
        data = path.read_bytes()
        if not data or not whole_picture(data) or too_large(data):
            return None
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error):  # OpenCV raises for more than 2^30 pixels
        return None
    return None if image is None else np.asarray(image, np.uint8)


class Usb:
    """A camera at this machine, `/dev/videoN`."""

    def __init__(self, number: int) -> None:
        """Raises `StreamError` where there is none."""
        self.facts = StreamFacts(codec="usb")
        self._device = cv2.VideoCapture(number, cv2.CAP_V4L2)
        if not self._device.isOpened():
            raise StreamError(f"there is no camera /dev/video{number}, or another program has it")

    def pictures(self) -> Iterator[Picture]:
        """The pictures until the camera is gone."""
        while True:
            done, image = self._device.read()
            if not done:
                raise StreamError("the camera gives no more pictures; is it still plugged in?")
            yield Picture(
                av.VideoFrame.from_ndarray(np.asarray(image, np.uint8), format="bgr24"), None
            )

    def close(self) -> None:
        """Let go of the device."""
        self._device.release()


class Simulated:
    """A scene without any camera, `fps` pictures a second."""

    def __init__(self, address: str, fps: float, stopping: threading.Event) -> None:
        """Raises `StreamError` for a scene that does not exist."""
        name = address.partition(":")[2].strip("/") or "walk"
        if name not in SCENES:
            raise StreamError(f"no scene is called {name!r}; there are {', '.join(SCENES)}")
        self.facts = StreamFacts(codec="simulated")
        self._scene: Scene = SCENES[name]
        self._fps = fps
        self._stopping = stopping

    def pictures(self) -> Iterator[Picture]:
        """The scene without end."""
        began = time.monotonic()
        number = 0
        while not self._stopping.wait(max(0.0, began + number / self._fps - time.monotonic())):
            at = number / self._fps
            yield Picture(av.VideoFrame.from_ndarray(self._scene(at), format="bgr24"), at)
            number += 1

    def close(self) -> None:
        """Nothing to close."""
