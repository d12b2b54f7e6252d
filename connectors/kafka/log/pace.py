"""How fast records come, and what a broker gathers of them where that is very fast."""

import math

GATHER_MS = 5
"""How long the broker gathers what comes, where it would have to be asked more often than that."""
GATHER_BYTES = 64 << 10
"""What is not waited for any longer."""
TIMES_BEFORE = 3
"""Answers in a row that show how fast records come."""


class Pace:
    """Whether records come faster than it is worth asking for them."""

    def __init__(self) -> None:
        self.is_fast = False
        self._last = -math.inf
        self._other_times = 0

    def answered(self, now: float, some: bool) -> bool:
        """Note an answer; whether it changes.

        It takes several in a row that come faster or slower than before.
        """
        since, self._last = now - self._last, now
        fast = some and 1000 * since < GATHER_MS * (2 if self.is_fast else 1)
        self._other_times = self._other_times + 1 if fast != self.is_fast else 0
        if self._other_times < TIMES_BEFORE:
            return False
        self.is_fast, self._other_times = fast, 0
        return True
