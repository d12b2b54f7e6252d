"""Live pictures: small JPEGs of the cameras that somebody watches, and of no others."""

import base64
import itertools
import logging
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from connectors.base import ConnectorError, Health
from connectors.kafka.admin import ensure_topic
from connectors.kafka.client_faults import ClientFaults
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from connectors.kafka.push_record import PushRecord
from flows.vision.watched_cameras import Watched, WatchedCamerasReader

WIDTH = 640
QUALITY = 70
MOVING_EVERY = 0.2
QUIET_EVERY = 0.5
MOST_UNDER_WAY = 16
"""Pictures that the broker has not confirmed; beyond that only the newest of each camera waits."""
KEPT = {
    "retention.ms": "60000",
    "retention.bytes": str(64 << 20),
    "segment.ms": "60000",
    "segment.bytes": str(16 << 20),
}
NAME = "live pictures"
_log = logging.getLogger("vigie")


class _Shot(NamedTuple):
    image: Any
    time: float
    page: str | None


class LivePictures:
    """Sends pictures to the channels `camera_NAME` while somebody follows them.

    Ask `due` before a picture is converted: it is False for a camera that nobody watches, and for
    more than five pictures a second, two where nothing moves. Nothing here waits for the broker: a
    picture that cannot be sent gives way to a newer one. Thread-safe.
    """

    def __init__(
        self,
        broker: TopicConnection,
        flow: str,
        watched: Watched | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`watched` is given by who follows it himself."""
        self.watched = Watched() if watched is None else watched
        self._reader = WatchedCamerasReader(broker, self.watched) if watched is None else None
        self._broker = broker
        self._flow = flow
        self._clock = clock
        self._shown: dict[str, float] = {}
        self._waiting: dict[str, _Shot] = {}
        self._under_way = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._producer: Producer | None = None
        self._start = uuid.uuid4().hex[:12]
        self._number = itertools.count()
        self._thread = threading.Thread(target=self._run, name=NAME, daemon=True)

    def start(self) -> None:
        """Start to follow who watches, and to send."""
        if self._reader is not None:
            self._reader.start()
        self._thread.start()

    def stop(self) -> None:
        """Stop; what waits is not sent."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._reader is not None:
            self._reader.stop()
        if self._thread.is_alive():
            self._thread.join(5)
        if self._producer is not None:
            self._producer.close()

    def due(self, camera: str, moving: bool = True) -> bool:
        """Whether a picture of the camera is wanted now."""
        if camera not in self.watched:
            self._shown.pop(camera, None)
            return False
        every = MOVING_EVERY if moving else QUIET_EVERY
        return self._clock() - self._shown.get(camera, -every) >= every * 0.95

    def show(self, camera: str, image: Any, time: float, page: str | None = None) -> None:
        """Send a picture: an array of height × width × BGR, taken at `time` (epoch seconds).

        `page` is the camera's. The array must not be changed afterwards.
        """
        self._shown[camera] = self._clock()
        with self._changed:
            self._waiting[camera] = _Shot(image, time, page)
            self._changed.notify_all()

    # ------------------------------------------------------------------------
    # in a thread of its own
    def _run(self) -> None:
        self._producer = Producer(self._broker, Health(), NAME, partitions=1, strict=False)
        faults, made = ClientFaults(), False
        while True:
            with self._changed:
                self._changed.wait_for(self._ready)
                if self._stopping:
                    return
                waiting, self._waiting = self._waiting, {}
                self._under_way += len(waiting)
            if not made:
                made = self._make_topic(faults)
            for camera, shot in waiting.items():
                self._send(self._producer, camera, shot)

    def _ready(self) -> bool:
        return self._stopping or (bool(self._waiting) and self._under_way < MOST_UNDER_WAY)

    def _send(self, producer: Producer, camera: str, shot: _Shot) -> None:
        try:
            producer.send(
                self._broker.topic_names.live_pictures,
                camera,
                self._line(camera, shot),
                self._arrived,
                pack=False,
            )
        except ConnectorError as error:
            _log.debug("no live picture of %s: %s", camera, error)
            self._arrived()

    def _line(self, camera: str, shot: _Shot) -> bytes:
        record = PushRecord(
            channel=f"camera_{camera}",
            sink="live",
            flow=self._flow,
            id=f"{self._start}/{next(self._number)}",
            time=shot.time,
            subject=camera,
            data={
                "kind": "frame",
                "subject": camera,
                "time": shot.time,
                "jpeg": base64.b64encode(small_jpeg(shot.image)).decode(),
            },
            shaped=True,
            first="nothing",
            page=msgspec.UNSET if shot.page is None else shot.page,
        )
        return msgspec.json.encode(record) + b"\n"

    def _arrived(self) -> None:
        with self._changed:
            self._under_way -= 1
            self._changed.notify_all()

    def _make_topic(self, faults: ClientFaults) -> bool:
        try:
            ensure_topic(self._broker, self._broker.topic_names.live_pictures, 1, configs=KEPT)
        except Exception as error:
            if not faults.tolerates(NAME, error):
                raise
            _log.debug("the topic of live pictures cannot be made: %s", error)
            return False
        return True


def small_jpeg(image: Any) -> bytes:
    """A picture as a JPEG that is at most `WIDTH` pixels wide."""
    import cv2

    height, width = image.shape[:2]
    if width > WIDTH:
        size = (WIDTH, max(1, round(height * WIDTH / width)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    good, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    assert good, "a picture is height × width × BGR"
    return bytes(encoded.tobytes())
