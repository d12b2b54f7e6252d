"""A delay before each guess at a name. It grows with the failures, and locks nobody out."""

import collections
import math
import time
from collections.abc import Callable

FREE = 20
DOUBLED_EVERY = 10
LONGEST = 60.0
WINDOW = 900.0
PATIENCE = 600.0
"""Seconds for which a turn that was waited for is kept."""
MOST = 100_000


class GrowingDelay:
    """After `free` failures at a name within a quarter of an hour, each try waits.

    One second, twice as long with every ten failures more, at most a minute. Whoever has waited has
    his try, whatever others did meanwhile. Each address waits by itself.
    """

    def __init__(self, free: int = FREE, clock: Callable[[], float] = time.monotonic) -> None:
        self._free = free
        self._clock = clock
        self._failures: collections.OrderedDict[str, collections.deque[float]] = (
            collections.OrderedDict()
        )
        self._turns: collections.OrderedDict[tuple[str, str], float] = collections.OrderedDict()

    def wait(self, name: str, address: str) -> int:
        """Whole seconds until this address may try; 0 if it may now, which uses its turn up."""
        now, key = self._clock(), (name, address)
        turn = self._turns.get(key)
        if turn is not None and now < turn + PATIENCE:
            if now < turn:
                return math.ceil(turn - now)
            del self._turns[key]
            return 0
        delay = self._delay(name, now)
        if not delay:
            return 0
        self._turns[key] = now + delay
        self._turns.move_to_end(key)
        if len(self._turns) > MOST:
            self._turns.popitem(last=False)
        return math.ceil(delay)

    def record_failure(self, name: str) -> None:
        """Count a failure."""
        failures = self._failures.setdefault(name, collections.deque(maxlen=self._most))
        failures.append(self._clock())
        self._failures.move_to_end(name)
        if len(self._failures) > MOST // 10:
            self._failures.popitem(last=False)

    def take_back(self, name: str) -> None:
        """Forget the latest failure at a name."""
        if failures := self._failures.get(name):
            failures.pop()

    @property
    def _most(self) -> int:
        """Failures from which on the delay is the longest."""
        return self._free + DOUBLED_EVERY * math.ceil(math.log2(LONGEST))

    def _delay(self, name: str, now: float) -> float:
        failures = self._failures.get(name, collections.deque())
        while failures and failures[0] <= now - WINDOW:
            failures.popleft()
        over = len(failures) - self._free
        return min(LONGEST, 2.0 ** (over // DOUBLED_EVERY)) if over >= 0 else 0.0
