"""When a step keeps its state in columns: with very many subjects, while that pays."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from operators.columnar.lazy import LazyEvents
from operators.events import Event

if TYPE_CHECKING:
    from operators.columnar.batch_columns import BatchColumns

MANY = 20_000
"""From so many subjects on, columns are worth their making."""
SOME = 64
"""From so many events on, passes over columns cost less than a look at each event."""

C = TypeVar("C")


class ColumnStore(Generic[C]):
    """The state of a step as objects, and beside them as columns while that pays.

    Weighs the events that columns spare a look against those that they make dearer. `columns` is
    None while there are none. numpy is loaded with the first batch of a step with many subjects:
    other flows do without its 20 MB.
    """

    def __init__(self) -> None:
        self.columns: C | None = None
        self._balance = 0
        self._possible = True
        self._many = MANY

    def make_columns(self) -> C | None:
        """Return new columns that hold all objects; None where two subjects have one key."""
        raise NotImplementedError

    def release(self, columns: C) -> None:
        """Give all objects what is newer in the columns, which are done with."""
        raise NotImplementedError

    def batch_columns(self, events: Sequence[Event], subjects: int) -> "BatchColumns | None":
        """Return the columns of a batch; None where they say little about it.

        By the batch the store may make its columns, or let them go. Where batches come as columns,
        few subjects are many.
        """
        batch: BatchColumns | None = None
        is_lazy = isinstance(events, LazyEvents) and events.are_readings and len(events) >= SOME
        if is_lazy:
            self._many = 1
        if is_lazy or (subjects >= self._many and len(events) >= SOME and self._possible):
            from operators.columnar.batch_columns import batch_columns

            batch = batch_columns(events)
            others = len(batch.others)
            self._balance = max(-subjects, min(subjects, self._balance + len(events) - 3 * others))
            if 2 * others >= len(events):
                batch = None
        if self.columns is not None and not self._pays(subjects, -subjects):
            self._many = MANY
            self.close()
        elif self.columns is None and self._pays(subjects, 0):
            self.columns = self.make_columns()
            self._possible = self.columns is not None
        return batch

    def _pays(self, subjects: int, least: int) -> bool:
        """Columns that are there stay until they have cost as much as new ones would."""
        return self._possible and subjects >= min(MANY, self._many) and self._balance > least

    def close(self) -> None:
        """Go on without columns."""
        columns, self.columns = self.columns, None
        if columns is not None:
            self.release(columns)

    def give_up(self) -> None:
        """Go on without columns for good, because two subjects have one key."""
        self._possible = False
        self.close()
