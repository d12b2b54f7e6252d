"""When a process that ended is started again: soon at first, later and later while it fails."""

LONGEST = 300.0
STEADY = 60.0
"""Seconds; one that ran so long is started again as if it had never failed."""


class Restarts:
    """Pauses of 1, 2, 4 … 300 s after ends in a row; a steady run begins the row anew.

    They are not random: an operator is told when the next start is.
    """

    def __init__(self) -> None:
        self.count = 0
        self._failures = 0

    def pause(self, ran: float) -> float:
        """Count an end after `ran` seconds, and return the seconds until the next start."""
        if ran >= STEADY:
            self._failures = 0
        pause = min(LONGEST, 2.0 ** min(self._failures, 16))
        self._failures += 1
        self.count += 1
        return pause

    def begin_anew(self) -> None:
        """Something else is started now."""
        self._failures = 0
