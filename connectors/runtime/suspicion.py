"""Telling what one event is guilty of from an outage: what a far end never takes, and what later.

Pure logic. A far end that answers, and yet does not take a batch, may be sick, or the batch may
hold one event that it will never take. Halves are tried until that event stands alone; it is
refused after a bounded number of tries. The bound is low where the far end took others meanwhile,
and doubles with each event that is refused without that: a sick far end makes few dead letters.
"""

from typing import Literal

TRIES = 5
"""Tries of one event while others are taken, and of a batch before it is halved."""
TRIES_ALONE = 12
"""Tries of one event while nothing shows that the far end takes others; some half a minute."""
TRIES_PROVEN = 2
"""Tries of one event, and of a batch, where the far end is seen to take others each time."""
MOST_DOUBLINGS = 5

Verdict = Literal["wait", "halve", "refuse"]


class Tries:
    """The tries of one event.

    At most `among_others` before which others were taken, and `alone` in all.
    """

    def __init__(self, among_others: int = TRIES, alone: int = TRIES_ALONE) -> None:
        self._among_others = among_others
        self._alone = alone
        self._failed = self._failed_among_others = 0

    def is_guilty(self, others_taken: bool, doublings: int = 0) -> bool:
        """Count a failure; whether the far end will never take it."""
        self._failed += 1
        self._failed_among_others += others_taken
        return (
            self._failed_among_others >= self._among_others
            or self._failed >= self._alone << min(doublings, MOST_DOUBLINGS)
        )


class Suspicion:
    """How much of a batch to try next, and when its first event is refused."""

    def __init__(self) -> None:
        self.limit: int | None = None
        self._failed = self._failed_proven = 0
        self._alone = Tries()
        self._others_taken = False
        self._refused_in_a_row = 0

    def taken(self) -> None:
        """The far end took some events."""
        self._failed = self._failed_proven = 0
        self._alone = Tries()
        self._others_taken, self._refused_in_a_row = True, 0
        if self.limit is not None:
            self.limit *= 2

    def whole_batch(self) -> None:
        """Nothing is left of the batch: try the next one whole."""
        self.limit = None

    def failed(self, count: int, proven: bool = False) -> Verdict:
        """The far end answered, and did not take the first `count` events of the batch.

        `proven` says that it was seen right now to take such events in general.
        """
        if count > 1:
            self._failed += 1
            if self.limit is None and self._failed < (TRIES_PROVEN if proven else TRIES):
                return "wait"
            self.limit = count // 2
            return "halve"
        self._failed_proven += proven
        is_guilty = self._alone.is_guilty(self._others_taken, self._refused_in_a_row)
        if not is_guilty and self._failed_proven < TRIES_PROVEN:
            return "wait"
        self._alone, self._failed_proven = Tries(), 0
        self._others_taken = False
        self._refused_in_a_row += 1
        return "refuse"
