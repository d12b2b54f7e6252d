"""The slots of a rule in columns, where it has very many subjects."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from operators.alarms.engine.state import Slot
from operators.columnar.lazy import as_list, those_at
from operators.columnar.store import ColumnStore
from operators.events import Event

if TYPE_CHECKING:
    from operators.alarms.engine.slot_columns import SlotColumns


class SlotStore(ColumnStore["SlotColumns"]):
    """Keeps what every reading touches of a slot beside it; does nothing while there are few."""

    def __init__(self) -> None:
        super().__init__()
        self._slots: Mapping[str, Slot] = {}

    @contextmanager
    def changing(
        self,
        slots: Mapping[str, Slot],
        events: Sequence[Event],
        at: float,
        earliest: float,
        latest: float,
    ) -> Iterator[list[Event]]:
        """Take the readings that change nothing, which arrived at `at`; give the other events.

        Readings from `earliest` to `latest` are taken. Within the context, the slots of the other
        events hold all there is.
        """
        self._slots = slots
        batch = self.batch_columns(events, len(slots))
        columns = self.columns
        if columns is None:
            yield as_list(events)
            return
        if batch is not None:
            some, rows = columns.unchanged(batch, earliest=earliest, latest=latest)
            if columns.record(rows, batch, some, at):
                events = those_at(events, batch.all_but(some))
        changing = as_list(events)
        subjects = {getattr(event, "subject", "") for event in changing}
        for subject in subjects:
            if (slot := slots.get(subject)) is not None:
                columns.load(subject, slot)
        yield changing
        if self.columns is columns:
            for subject in subjects:
                if (slot := slots.get(subject)) is not None:
                    columns.store(subject, slot)
                    columns.absorb(slot)

    def add(self, subject: str) -> None:
        """Make room for a new slot."""
        if self.columns is not None and not self.columns.enter(subject):
            self.give_up()

    def drop(self, subject: str) -> None:
        """Forget a slot that is gone."""
        if self.columns is not None:
            self.columns.drop(subject)

    def load(self, subject: str, slot: Slot) -> None:
        """Give a slot what is newer in the columns."""
        if self.columns is not None:
            self.columns.load(subject, slot)

    def store(self, subject: str, slot: Slot) -> None:
        """Write what a slot holds into the columns."""
        if self.columns is not None:
            self.columns.store(subject, slot)

    def times(self, slots: Mapping[str, Slot]) -> list[float]:
        """Return the time of the last reading of each slot."""
        if self.columns is not None:
            return self.columns.times(slots)
        return [slot.ts for slot in slots.values()]

    def tidy(self) -> None:
        """Let columns go that new ones would be much smaller than."""
        if self.columns is not None and self.columns.sparse:
            self.close()

    def make_columns(self) -> "SlotColumns | None":
        """Return columns of all slots; None where two subjects have one key."""
        from operators.alarms.engine.slot_columns import SlotColumns

        columns = SlotColumns()
        return columns if columns.fill(self._slots) else None

    def release(self, columns: "SlotColumns") -> None:
        """Give all slots what is theirs."""
        columns.release(self._slots)

    def contents(self, slots: Mapping[str, Slot]) -> "Contents | None":
        """Return `ts`, `id`, `value` and `wall` of all slots, where there are columns."""
        return None if self.columns is None else self.columns.contents(slots)


Contents = tuple[list[float], list[str | None], list[Any], list[float]]
"""Times, ids, values and times of arrival."""
