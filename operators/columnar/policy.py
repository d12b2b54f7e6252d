"""Whether a step with very many subjects keeps a lane (see `operators.columnar.unchanged`) beside its
objects.
"""

from typing import TYPE_CHECKING

from operators.events import Event

if TYPE_CHECKING:
    from operators.columnar.columns import Columns

MANY = 20_000
"""From so many subjects on, a lane is worth its making."""
SOME = 64
"""From so many events on, passes over columns cost less than a look at each event."""


class LaneChoice:
    """Weighs the events that a lane can spare a look against those that a lane makes dearer.

    numpy is loaded with the first batch of a step with many subjects: other flows do without its 20
    MB.
    """

    def __init__(self) -> None:
        self._balance = 0
        self._open = False
        self.possible = True

    def columns(self, events: list[Event], subjects: int) -> "Columns | None":
        """The columns of a batch; None where they say little about it."""
        if subjects < MANY or len(events) < SOME or not self.possible:
            return None
        from operators.columnar.columns import columns_of

        columns = columns_of(events)
        others = len(columns.others)
        self._balance = max(-subjects, min(subjects, self._balance + len(events) - 3 * others))
        return columns if 2 * others < len(events) else None

    def wanted(self, subjects: int) -> bool:
        """Whether there should be a lane now. One that is there stays until it has cost as much
        as a new one would.
        """
        if not self.possible or subjects < MANY:
            self._open = False
        else:
            self._open = self._balance > (-subjects if self._open else 0)
        return self._open
