"""Rest of an idle worker until something arrives or is due."""

import threading
import time

LONGEST_REST = 0.05
"""Seconds that an idle worker rests at most: what no thread announces, it has to look for."""
SHORT_REST = 0.01
"""Seconds that it rests while something waits of which nobody tells when it may go on."""


class Wakeup:
    """Lets the worker rest while no partition has anything; a reader's thread ends the rest.

    The worker rests once all partitions, one after the other, had nothing: while one of them is
    busy, it only asks the others in passing.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._parts = 0
        self._turn = 0
        self._is_waiting = False
        self._due: dict[str, float] = {}

    def join(self) -> None:
        """Count one more partition."""
        self._parts += 1

    def arrived(self) -> None:
        """End the rest; for any thread."""
        self._event.set()

    def due(self, shard: str, at: float | None) -> None:
        """Note when the engine has to wake a shard next (epoch seconds of the host)."""
        if at is None:
            self._due.pop(shard, None)
        else:
            self._due[shard] = at

    def busy(self) -> None:
        """Note that a partition had something."""
        self._turn = 0

    def idle(self, is_waiting: bool = False) -> None:
        """Note that a partition had nothing; rest if it was the last of them.

        `is_waiting` says that it holds back something that has come.
        """
        self._is_waiting = self._is_waiting or is_waiting
        self._turn = (self._turn + 1) % self._parts
        if self._turn:
            return
        rest, self._is_waiting = self.rest(time.time(), self._is_waiting), False
        if self._event.wait(rest):
            self._event.clear()

    def rest(self, now: float, is_waiting: bool) -> float:
        """Seconds to rest unless something arrives."""
        longest = SHORT_REST if is_waiting else LONGEST_REST
        if not self._due:
            return longest
        left = min(self._due.values()) - now
        return min(longest, left if left > 0 else SHORT_REST)
