"""When to connect to a camera: backoff after failures, at most one attempt a second per host."""

import threading
import time
from collections.abc import Callable

from connectors.camera.streams.stream import Busy, Refused, StreamError
from connectors.runtime.backoff import Backoff

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
STEADY = 30.0
"""Seconds of good pictures after which earlier failures are forgotten."""
REFUSED_PAUSE = 300.0
"""Seconds until a password that was refused is tried again: cameras lock accounts."""
BUSY_PAUSE = 65.0
"""Seconds until a camera that is busy twice is tried again: some keep a session for a minute after
its viewer is gone, and begin that minute anew with every attempt.
"""
HOST_INTERVAL = 1.0


class HostPace:
    """Spreads attempts to one host, so that what comes back is not overrun. Thread-safe."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._free: dict[str, float] = {}

    def delay(self, host: str) -> float:
        """Take the next turn of a host; the seconds until it."""
        if not host:
            return 0.0
        with self._lock:
            now = self._now()
            turn = max(now, self._free.get(host, 0.0))
            self._free = {name: free for name, free in self._free.items() if free > now}
            self._free[host] = turn + HOST_INTERVAL
        return turn - now


class RetryPace:
    """The pauses of one camera: the first attempt after good pictures is at once."""

    def __init__(self, backoff: Backoff | None = None) -> None:
        self._backoff = backoff or Backoff(FIRST_PAUSE, LONGEST_PAUSE)
        self._tried = False
        self._was_busy = False

    def pause(self, good_seconds: float, failure: StreamError | None = None) -> float:
        """Seconds to wait after a connection that gave good pictures for `good_seconds`."""
        is_busy, was_busy = isinstance(failure, Busy), self._was_busy
        self._was_busy = is_busy
        if isinstance(failure, Refused):
            return REFUSED_PAUSE
        if is_busy and was_busy:
            return BUSY_PAUSE
        if good_seconds >= STEADY:
            self._backoff.reset()
            self._tried = False
        if not self._tried:
            self._tried = True
            return 0.0
        return self._backoff.pause()
