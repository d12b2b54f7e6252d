"""Where the threads of cameras put what they have."""

from collections.abc import Sequence
from typing import Protocol

from connectors.camera.jpeg import Image
from connectors.camera.motion import Box
from operators.events import Event, Frame


class Output(Protocol):
    """Thread-safe; no call waits."""

    def picture(self, frame: Frame, boxes: Sequence[Box], jpeg: bytes) -> None:
        """A picture that passed, as JPEG."""

    def shows(self, camera: str, moving: bool) -> bool:
        """Whether somebody watches the camera and it is time for another picture."""

    def show(self, frame: Frame, picture: Image) -> None:
        """A small picture for those who watch."""

    def event(self, event: Event) -> None:
        """A reading, an occurrence, or a frame without its picture."""

    def gone(self, camera: str) -> None:
        """A camera that is not wanted any more has ended."""

    def count(self, word: str, n: int) -> None:
        """Add to a counter."""
