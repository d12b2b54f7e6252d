"""How long a store keeps what is written to it."""

import math

DAY = 86_400.0
"""Seconds."""


def whole_days(seconds: float) -> int:
    """A time to keep in whole days, rounded up."""
    return math.ceil(seconds / DAY)
