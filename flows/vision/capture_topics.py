"""What cameras tell, put into topics: pictures into the frames topic, all else into the intake."""

import contextlib
from collections.abc import Sequence

from connectors.base import ConnectorError, Health, Stopped
from connectors.camera.jpeg import Image
from connectors.camera.state import STATES
from connectors.kafka.producer import Producer
from flows.vision.camera_states import CameraStates
from flows.vision.frames_outbox import Counter, FramesOutbox, Waiting
from flows.vision.frames_topic import Box, PictureHead
from flows.vision.live_pictures import LivePictures
from operators.events import Event, Frame, Reading


class CaptureTopics:
    """What the cameras of one source tell; thread-safe.

    While the broker is down, frames without pictures are left out: they are old by the time it is
    back. Readings wait.
    """

    def __init__(
        self,
        outbox: FramesOutbox,
        producer: Producer,
        topic: str,
        health: Health,
        name: str,
        counter: Counter,
        live: LivePictures,
        states: CameraStates,
    ) -> None:
        self._live = live
        self._states = states
        self._outbox = outbox
        self._producer = producer
        self._topic = topic
        self._health = health
        self._name = name
        self._counter = counter

    def picture(self, frame: Frame, boxes: Sequence[Box], jpeg: bytes) -> None:
        """Queue a picture for the frames topic."""
        head = PictureHead(
            frame.id, frame.time, frame.subject, frame.width, frame.height, boxes, frame.labels
        )
        self._outbox.put(Waiting(head, jpeg))
        self._counter.count("frames", 1)

    def shows(self, camera: str, moving: bool) -> bool:
        """Whether somebody watches the camera and it is time for another picture."""
        return self._live.due(camera, moving)

    def show(self, frame: Frame, picture: Image) -> None:
        """Send a small picture to those who watch."""
        self._live.show(frame.subject, picture, frame.time, frame.labels.get("page"))

    def event(self, event: Event) -> None:
        """Queue an event for the flow."""
        if isinstance(event, Reading) and event.metric in STATES:
            self._states.told(event)
        if isinstance(event, Frame) and not event.over and self._name in self._health.down:
            self._counter.count("frames_skipped", 1)
            self._counter.count(f"frames_skipped {event.subject}", 1)
            return
        with contextlib.suppress(Stopped, ConnectorError):
            self._producer.send_events(self._topic, [event])

    def gone(self, camera: str) -> None:
        """Forget the state of a camera."""
        self._states.gone(camera)

    def count(self, word: str, n: int) -> None:
        """Add to a counter."""
        self._counter.count(word, n)
