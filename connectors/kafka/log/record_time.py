"""When a record was written, as far as its time can be believed."""

EARLIEST = 946_684_800.0
"""2000-01-01: earlier is a record without a time (-1, 0), or one in seconds instead of ms."""
TOLERATED = 60.0
"""Seconds by which the clock of who wrote a record may be ahead of ours; later, the record
counts as written then.
"""


def written_at(timestamp: int, now: float) -> float:
    """Return the epoch seconds of a record's timestamp in ms; `now`, where that cannot be."""
    written = timestamp / 1000
    return written if EARLIEST <= written <= now + TOLERATED else now
