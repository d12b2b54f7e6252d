"""The present state of each camera, as the process that takes pictures tells its flow."""

import threading
from collections.abc import Callable
from typing import Any

from connectors.camera.state import ONLINE
from operators.events import Reading


class CameraStates:
    """Gathers what cameras tell of themselves, and tells each change of it whole. Thread-safe.

    Of each camera: `online`, `since` when (epoch seconds), `why` it is not, what else is wrong in
    `troubles`, by metric with its text, and the `page` that it belongs to.
    """

    def __init__(self, tell: Callable[[str, dict[str, Any] | None], None]) -> None:
        """`tell` gets the camera and its state; None where it is gone."""
        self._tell = tell
        self._lock = threading.Lock()
        self._known: dict[str, dict[str, Any]] = {}

    def told(self, reading: Reading) -> None:
        """Take a reading whose metric is one of `STATES`."""
        is_on = bool(reading.value)
        with self._lock:
            state = self._known.setdefault(reading.subject, {"online": False, "troubles": {}})
            if reading.metric == ONLINE:
                if state["online"] is not is_on or "since" not in state:
                    state["since"] = reading.time
                state["online"] = is_on
                state["why"] = None if is_on else reading.text
                state["page"] = reading.labels.get("page")
            else:
                others = {k: v for k, v in state["troubles"].items() if k != reading.metric}
                here = {reading.metric: reading.text} if is_on else {}
                state["troubles"] = {**others, **here}
            told = dict(state)
        self._tell(reading.subject, told)

    def gone(self, camera: str) -> None:
        """Forget a camera."""
        with self._lock:
            known = self._known.pop(camera, None)
        if known is not None:
            self._tell(camera, None)
