"""A limit on failures by key, over a sliding window."""

import collections
import math
import time
from collections.abc import Callable


class RateLimit:
    """At most `limit` failures per key within `window` seconds.

    The failures of at most `keys` keys are kept.
    """

    def __init__(
        self,
        limit: int,
        window: float,
        keys: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._window = window
        self._keys = keys
        self._clock = clock
        self._failures: collections.OrderedDict[str, collections.deque[float]] = (
            collections.OrderedDict()
        )

    def wait(self, key: str) -> int:
        """Whole seconds until the key may try again; 0 if it may now."""
        failures = self._failures.get(key)
        if failures is None:
            return 0
        oldest_counted = self._clock() - self._window
        while failures and failures[0] <= oldest_counted:
            failures.popleft()
        if not failures:
            self.reset(key)
            return 0
        return math.ceil(failures[0] - oldest_counted) if len(failures) >= self._limit else 0

    def record_failure(self, key: str) -> None:
        """Count one failure; beyond `keys`, forget the key that failed longest ago."""
        self._failures.setdefault(key, collections.deque(maxlen=self._limit)).append(self._clock())
        self._failures.move_to_end(key)
        if len(self._failures) > self._keys:
            self._failures.popitem(last=False)

    def take_back(self, key: str) -> None:
        """Forget the latest failure of a key."""
        failures = self._failures.get(key)
        if failures:
            failures.pop()

    def reset(self, key: str) -> None:
        """Forget all failures of a key."""
        self._failures.pop(key, None)
