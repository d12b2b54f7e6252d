"""Fewer pictures than a camera sends: evenly, by their times."""

from typing import Any


class RatePicker:
    """Takes `fps` pictures a second of a stream with more of them."""

    def __init__(self, fps: float) -> None:
        self._period = 1 / fps
        self._due: float | None = None

    def takes(self, time: float) -> bool:
        """Whether to take the picture of this time; a tenth of a period early is not too early."""
        due = self._due
        if due is not None and due - 2 * self._period < time < due - self._period / 10:
            return False
        on_time = due is not None and time - due < self._period and due - time < self._period
        self._due = (due if on_time and due is not None else time) + self._period
        return True


def is_fps(value: Any) -> bool:
    """Whether a cell holds pictures a second that a camera can be looked at with."""
    try:
        return not isinstance(value, bool) and 0 < float(value) <= 60
    except (TypeError, ValueError):
        return False
