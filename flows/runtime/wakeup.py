"""Rest of an idle worker until something arrives."""

import threading

IDLE_WAIT = 0.01
"""Seconds that an idle worker rests at most."""


class Wakeup:
    """Lets the worker rest while no partition has anything; a reader's thread ends the rest.

    The worker rests once all partitions, one after the other, had nothing: while one of them is
    busy, it only asks the others in passing.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._parts = 0
        self._turn = 0

    def join(self) -> None:
        """Count one more partition."""
        self._parts += 1

    def arrived(self) -> None:
        """End the rest; for any thread."""
        self._event.set()

    def busy(self) -> None:
        """Note that a partition had something."""
        self._turn = 0

    def idle(self) -> None:
        """Note that a partition had nothing; rest if it was the last of them."""
        self._turn = (self._turn + 1) % self._parts
        if self._turn == 0 and self._event.wait(IDLE_WAIT):
            self._event.clear()
