"""Where the threads of cameras put what they have."""

from collections.abc import Sequence
from typing import Protocol

from connectors.camera.motion import Box
from operators.events import Event, Frame


class Output(Protocol):
    """Thread-safe; no call waits."""

    def picture(self, frame: Frame, boxes: Sequence[Box], jpeg: bytes) -> None:
        """A picture that passed, as JPEG."""

    def event(self, event: Event) -> None:
        """A reading, an occurrence, or a frame without its picture."""

    def count(self, word: str, n: int) -> None:
        """Add to a counter."""
