"""Whether a broker wakes a fetch when records come, or looks for them at its own instants."""

OTHER_WAIT = 0.6
"""Part of the usual wait that a broker is tried with once its answers seem late."""
LATE_BY = 0.1
"""Part of the wait by which an answer comes after the instant at which such a broker looks."""
AT_ONCE = 0.1
"""Part of the wait in which records come that were there before they were asked for."""
PROVEN, LEAST = 4, -4
"""The surplus of late answers that proves it, and how far others may outweigh later ones."""


class Waking:
    """What answers with records show: the embedded broker looks after half of the wait, at its end.

    A late answer may be chance, or of a device that sends as often as that: then the next wait is
    another one. An answer between these instants speaks for a broker that wakes its fetches.
    """

    def __init__(self, usual: int) -> None:
        """`usual` is the wait in milliseconds."""
        self._usual = usual
        self._late = 0
        self.is_lacking = False

    @property
    def wait(self) -> int:
        """For how many milliseconds the broker may hold the next fetch."""
        is_doubted = self._late > 0 and self._late % 2
        return round(self._usual * OTHER_WAIT) if is_doubted else self._usual

    def answered(self, took: float, wait: int) -> bool:
        """Note that records came `took` milliseconds after they were asked for with a `wait`.

        Returns whether `wait` or `is_lacking` may have changed.
        """
        part, before = took / wait, self._late
        if part < AT_ONCE:
            return False
        is_late = part >= 1 or 0.5 <= part < 0.5 + LATE_BY
        self._late = self._late + 1 if is_late else max(LEAST, self._late - 2)
        self.is_lacking = self.is_lacking or self._late >= PROVEN
        return self._late != before
