"""Tells in which time nobody looked at the pictures of a camera, though some were taken."""

import contextlib
import threading
from collections.abc import Callable, Mapping

from connectors.base import ConnectorError, Stopped
from connectors.camera.state import unwatched_reading
from connectors.runtime import steady_clock
from flows.vision.frames_topic import PictureHead
from operators.events import Reading
from operators.vision.missed import MissedPictures, Span


class Unwatched:
    """Makes readings of what is missed and looked at; thread-safe.

    `tell` may wait for the broker; `missed` and `away` never call it.
    """

    def __init__(self, why: str, tell: Callable[[Reading], object]) -> None:
        """`why` is the reason for which pictures are missed."""
        self._why = why
        self._tell = tell
        self._lock = threading.Lock()
        self._pictures = MissedPictures()
        self._labels: dict[str, Mapping[str, str]] = {}

    def missed(self, head: PictureHead) -> None:
        """Nobody will look at a picture."""
        with self._lock:
            self._labels[head.camera] = head.labels
            self._pictures.missed(head.camera, head.time)

    def away(self, head: PictureHead, span: Span) -> None:
        """Nobody looked in a time before this picture."""
        with self._lock:
            self._labels[head.camera] = head.labels
            self._pictures.missed(head.camera, span.begin)
            self._pictures.missed(head.camera, span.end)

    def looked(self, head: PictureHead) -> None:
        """A picture was looked at."""
        with self._lock:
            span = self._pictures.looked(head.camera, head.time)
        if span is not None:
            self._say(head.camera, span.end - span.begin, span.end)

    def tick(self) -> None:
        """Tell what goes on, and what is over. To be called every ten seconds or so."""
        with self._lock:
            spans, over = self._pictures.tick()
        for camera, span in spans.items():
            self._say(camera, span.end - span.begin, span.end)
        for camera in over:
            self._say(camera, 0.0, steady_clock.now())

    def _say(self, camera: str, seconds: float, until: float) -> None:
        with contextlib.suppress(Stopped, ConnectorError):  # the process ends for it anyway
            labels = self._labels.get(camera)
            self._tell(unwatched_reading(camera, seconds, until, self._why, labels))
