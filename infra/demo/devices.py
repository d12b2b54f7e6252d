"""A thread that plays devices second by second until it is told to stop."""

import threading
import time
from collections.abc import Callable


class Devices(threading.Thread):
    """Calls `tick(seconds since start)` every `every` seconds, until `stop`.

    `check` raises the error that ended it early.
    """

    def __init__(self, name: str, tick: Callable[[float], None], every: float = 1.0) -> None:
        super().__init__(name=name, daemon=True)
        self._tick = tick
        self._every = every
        self._stopping = threading.Event()
        self._error: Exception | None = None

    def run(self) -> None:
        """Call `tick` until stopped; the body of the thread."""
        begin = time.monotonic()
        number = 0
        try:
            while not self._stopping.wait(
                max(0.0, begin + number * self._every - time.monotonic())
            ):
                self._tick(number * self._every)
                number += 1
        except Exception as error:  # shown by check(), in the thread that can end the demo
            self._error = error

    def stop(self) -> None:
        """End after the tick under way, and wait for that."""
        self._stopping.set()
        self.join()

    def check(self) -> None:
        """Raise `RuntimeError` if the devices stopped by themselves."""
        if self._error is not None:
            raise RuntimeError(f"{self.name} stopped: {self._error!r}") from self._error
