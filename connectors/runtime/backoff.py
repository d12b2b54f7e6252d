"""Pauses between attempts: exponential backoff with full jitter, unless the server says when."""

import email.utils
import random
from collections.abc import Callable

LONGEST_RETRY_AFTER = 3600.0
"""Seconds; a server that asks for more is asked again after these."""
_MOST_DOUBLINGS = 32  # 2 ** 1024 is no float any more; every cap is reached long before


class Backoff:
    """The pauses after failures in a row.

    The pause after n failures before it is random, evenly spread between 0 and
    min(`cap`, `base` · 2^n) seconds ("full jitter": Marc Brooker, "Exponential Backoff And Jitter",
    AWS Architecture Blog, 2015): clients that lost a server together do not come back together.
    `uniform(low, high)` is the source of chance. Not thread-safe.
    """

    __slots__ = ("_uniform", "base", "cap", "failures")

    def __init__(
        self, base: float, cap: float, uniform: Callable[[float, float], float] = random.uniform
    ) -> None:
        self.base = base
        self.cap = cap
        self.failures = 0
        self._uniform = uniform

    def pause(self, retry_after: float | None = None) -> float:
        """Count a failure and return the seconds to wait before the next attempt.

        `retry_after` is what the server asked for, in seconds; it wins over the random pause.
        """
        longest = min(self.cap, self.base * 2.0 ** min(self.failures, _MOST_DOUBLINGS))
        self.failures += 1
        return self._uniform(0.0, longest) if retry_after is None else retry_after

    def reset(self) -> None:
        """Begin anew, after a success."""
        self.failures = 0


def retry_after_seconds(header: str | None, now: float) -> float | None:
    """The seconds that a `Retry-After` header asks for, between 0 and `LONGEST_RETRY_AFTER`.

    The header holds a number of seconds or an HTTP date (RFC 9110, section 10.2.3); `now` is in
    epoch seconds. None for anything else.
    """
    if not header:
        return None
    written = header.strip()
    if written.isascii() and written.isdigit():
        return float(min(int(written[:9]), LONGEST_RETRY_AFTER))
    try:
        moment = email.utils.parsedate_to_datetime(written).timestamp()
    except (ValueError, OverflowError):
        return None
    return min(max(moment - now, 0.0), LONGEST_RETRY_AFTER)
