"""Times as devices write them: epochs in s, ms, µs or ns; ISO 8601 with an offset or without."""

import math
import re
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Any

EARLIEST = 946684800.0
"""2000-01-01: a clock before it was never set."""
LATEST_SECONDS = 1e11
"""Epochs from here on are in milliseconds or finer."""
AHEAD = 86400.0
REPLAY = 600.0
"""A retained value with an own time older than this at receipt is a replay of an old state, in
seconds.
"""

_DOTTED = re.compile(r"(\d{4})\.(\d{2})\.(\d{2}) ")
_TWICE = re.compile(r"([+-]\d\d:?\d\d)Z$")
"""An offset, and a Z beside it."""


def epoch(number: float) -> float:
    """Return the seconds of an epoch in s, ms (from 1e11), µs (from 1e14) or ns (from 1e17)."""
    if number >= 1e17:
        return number / 1e9
    if number >= 1e14:
        return number / 1e6
    return number / 1e3 if number >= LATEST_SECONDS else number


@lru_cache(4096)
def _instants(text: str, zone: tzinfo) -> tuple[float, ...]:
    """The instants that a text may mean: two for a local time in an hour that comes twice."""
    text = text.strip()
    try:
        return (epoch(float(text)),)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(_TWICE.sub(r"\1", _DOTTED.sub(r"\1-\2-\3 ", text.upper())))
        if moment.tzinfo is not None:
            return (moment.timestamp(),)
        first, second = (moment.replace(tzinfo=zone, fold=n).timestamp() for n in (0, 1))
    except (ValueError, OverflowError):
        return ()
    return (first, second) if second > first else (first,)


def own_time(raw: Any, received: float, zone: tzinfo = UTC) -> float | None:
    """Return the epoch seconds of a device's time; of two that it may mean, that nearer to receipt.

    None where it is no time, before 2000, or over a day after receipt.
    """
    if raw.__class__ is str:
        instants = _instants(raw, zone) if len(raw) <= 40 else ()
        found = min(instants, key=lambda one: abs(one - received)) if instants else None
    elif raw.__class__ is float or raw.__class__ is int:
        try:
            found = epoch(float(raw))
        except OverflowError:
            return None
    else:
        return None
    if found is None or not math.isfinite(found) or found < EARLIEST or found > received + AHEAD:
        return None
    return found
