"""Times as devices write them: epochs in s, ms or µs, and ISO 8601, with or without an offset."""

import math
import re
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Any

EARLIEST = 946684800.0
"""2000-01-01: a clock before it was never set."""
AHEAD = 86400.0
REPLAY = 600.0
"""A retained value with an own time older than this at receipt is a replay of an old state, in
seconds.
"""

_DOTTED = re.compile(r"(\d{4})\.(\d{2})\.(\d{2}) ")


def epoch(number: float) -> float:
    """Return the seconds of an epoch in s, ms (from 1e11) or µs (from 1e14)."""
    if number >= 1e14:
        return number / 1e6
    return number / 1e3 if number >= 1e11 else number


@lru_cache(4096)
def _text(text: str, zone: tzinfo) -> float | None:
    text = text.strip()
    try:
        return epoch(float(text))
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(_DOTTED.sub(r"\1-\2-\3 ", text))
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError):
        return None


def own_time(raw: Any, received: float, zone: tzinfo = UTC) -> float | None:
    """Return the epoch seconds of a device's time.

    None where it is no time, before 2000, or over a day after receipt.
    """
    if raw.__class__ is str:
        found = _text(raw, zone) if len(raw) <= 40 else None
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
