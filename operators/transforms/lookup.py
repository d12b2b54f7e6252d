"""The step `lookup`: adds what a table says about an event."""

from typing import ClassVar

from pydantic import Field

from operators.component import Logic, Now, Operator, StepContext
from operators.events import Event
from operators.model.changes import changed
from operators.model.fields import field, text, with_labels
from operators.model.tables import rows_by_key


class Lookup(Operator):
    """Finds the event's row in a table; the row's other columns become labels.

    The row is the one whose column named like `key` holds the event's field `key`; a table without
    a column of that name is searched by its first column. An empty cell gives no label. An event
    without a row passes as it is, counted as `unknown`.
    """

    NAME: ClassVar[str] = "lookup"
    SHORT: ClassVar[str | None] = "table"
    EXAMPLES: ClassVar[tuple[str, ...]] = ("lookup: rooms", "lookup: {table: meters, key: serial}")

    table: str = Field(description="Name of the table.", examples=["rooms"])
    key: str = Field(
        "subject", description="The field of the event that is looked up.", examples=["serial"]
    )

    def placeholders(self) -> list[str]:
        """Names of the fields that it reads."""
        return [self.key]

    def logic(self, context: StepContext) -> Logic:
        """Make the step's logic for one shard."""
        return _LookupLogic(self.key, rows_by_key(context.tables.get(self.table, ()), self.key))


class _LookupLogic(Logic):
    def __init__(self, key: str, rows: dict[str, dict[str, str]]) -> None:
        super().__init__()
        self._key = key
        self._rows = rows

    def on_batch(self, events: list[Event], now: Now) -> list[Event]:
        return [changed(event, self._looked_up) for event in events]

    def _looked_up(self, event: Event) -> Event:
        row = self._rows.get(text(field(event, self._key)))
        if row is None:
            self.count("unknown")
            return event
        return with_labels(event, row)
