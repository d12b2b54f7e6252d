"""The limits of the signals of a `threshold`, from the definition, labels or a table."""

import math
from typing import Any

from operators.component import StepContext
from operators.events import Event, Reading
from operators.model.condition import Column, When
from operators.model.fields import number_of
from operators.model.hysteresis import BREACH, NORMAL, Limit, limit_record, state_value
from operators.model.tables import SubjectCells

MOST_SHARED = 10_000


class LimitsOf:
    """The limit of a condition for each signal."""

    def __init__(self, when: When, context: StepContext) -> None:
        self._when = when
        self._kind = when.kind
        edges = [getattr(when, self._kind, None), when.clear]
        self.columns = tuple(edge.column for edge in edges if isinstance(edge, Column))
        self._cells = SubjectCells(context.tables)
        self._shared: dict[tuple[Any, ...], Limit] = {}

    def cells(self, event: Event) -> tuple[str | None, ...]:
        """Return the labels that the limits depend on."""
        if not self.columns:
            return ()
        labels = getattr(event, "labels", {})
        return tuple(labels.get(column) for column in self.columns)

    def limit(self, event: Any) -> Limit:
        """Return the limit of the event's signal in its unit, one object for equal ones.

        Raises `NoLimit`, or ValueError for a unit of another kind.
        """
        record = self._record(event)
        key = tuple(tuple(part) if isinstance(part, list) else part for part in record.values())
        found = self._shared.get(key)
        if found is None:
            if len(self._shared) >= MOST_SHARED:
                self._shared.clear()
            found = self._shared[key] = Limit(record)
        return found

    def _record(self, event: Any) -> dict[str, Any]:
        if self._when.is_ is not None:
            return {"equals": state_value(self._when.is_, event.metric)}
        subject, labels = event.subject, getattr(event, "labels", {})
        cells = {column: self._cells.cell(column, subject, labels) for column in self.columns}
        edge = getattr(self._when, self._kind)
        return limit_record(self._kind, edge, self._when.clear, cells, event.unit)

    def zone(self, event: Event, limit: Limit) -> int | None:
        """Return where the event lies; None if it has nothing to judge."""
        value = number_of(event)
        if value is not None and not math.isnan(value):
            return limit.zone(value)
        if self._kind == "is" and isinstance(event, Reading) and event.text is not None:
            return BREACH if event.text == str(self._when.is_) else NORMAL
        return None
