"""What clients may cost: units of some 0.2 ms of this process's time each."""

from collections.abc import Callable

MESSAGE = 1.0
KIBIBYTE = 1 << 10
ARRIVAL = 10.0
ENTRIES = 1000
"""Entries that are looked at for one unit."""
SIZE = 128 << 10
"""Bytes that are made and copied for one unit."""


class Budget:
    """Units that come back at `rate` a second, up to `burst` (a token bucket, with debts)."""

    def __init__(self, burst: float, rate: float, clock: Callable[[], float]) -> None:
        self._burst = burst
        self._rate = rate
        self._clock = clock
        self._left = burst
        self._at = clock()

    @property
    def left(self) -> float:
        """Units at hand; a debt is negative."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        return self._left

    @property
    def whole(self) -> bool:
        """Whether nothing is missing."""
        return self.left >= self._burst

    def spend(self, cost: float) -> bool:
        """Take units, which may leave a debt; False if it does."""
        self._left = self.left - cost
        return self._left >= 0

    def pause(self, reserve: float = 0.0) -> float:
        """Seconds until so many units are at hand."""
        return max(0.0, reserve - self.left) / self._rate


def message_cost(text: str) -> float:
    """Units for a message of a client, beside what it asks for."""
    return MESSAGE + len(text) / KIBIBYTE
