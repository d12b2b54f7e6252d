"""The step `enrich`: adds what a table says that is changed while the flow runs."""

from typing import Any, ClassVar

from pydantic import Field

from operators.component import Logic, Now, Operator, StepContext
from operators.events import Event
from operators.model.changes import changed
from operators.model.fields import field, text, with_labels
from operators.model.tables import is_deleted, labels_of, row_of

MOST_ROWS = 200_000


class Enrich(Operator):
    """Finds the event's row in a table that is a topic; the row's other columns become labels.

    The topic is that of a source with `table: true`. The row is the one whose column `column` holds
    the event's field `key`. Rows are known before the first event, a changed row counts for events
    that come after it, a deleted one no longer; two flows that read one topic see the same. A row
    is found by its `id`, too, where it has no such column. An empty cell gives no label. An event
    without a row passes as it is, counted as `unknown`; rows over 200,000 are counted as `crowded`.
    For a table in the definition or a CSV file, use `lookup`.
    """

    NAME: ClassVar[str] = "enrich"
    STATEFUL: ClassVar[bool] = True
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "enrich: {from: devices}",
        "enrich: {from: meters, key: label.serial, column: id}",
    )

    from_: str = Field(
        alias="from", min_length=1, description="The source of the rows.", examples=["devices"]
    )
    key: str = Field(
        "subject",
        min_length=1,
        description="The field of the event that is looked up.",
        examples=["serial"],
    )
    column: str | None = Field(
        None,
        min_length=1,
        description="The column it is looked up in; named like `key` when left out.",
        examples=["id"],
    )

    def placeholders(self) -> list[str]:
        """Names of the fields that it reads."""
        return [self.key]

    def side_input(self) -> str:
        """The source of the table."""
        return self.from_

    def logic(self, context: StepContext) -> "EnrichLogic":
        """Make the step's logic for one shard."""
        return EnrichLogic(self)


class EnrichLogic(Logic):
    """State is the table: the key and the labels of each row, by the row's id.

    Of several rows with one key the newest counts.
    """

    def __init__(self, settings: Enrich) -> None:
        super().__init__()
        self._key = settings.key
        self._column = settings.column or settings.key.removeprefix("label.")
        self._rows: dict[str, tuple[str, dict[str, str]]] = {}
        self._ids: dict[str, list[str]] = {}

    def on_role(self, role: str, events: list[Event], now: Now) -> list[Event]:
        """Take rows of the table."""
        for event in events:
            row = row_of(event)
            row_id = text(row.get("id"))
            if not row_id:
                self.count("bad_row")
                continue
            self._remove(row_id)
            if is_deleted(event):
                continue
            if len(self._rows) >= MOST_ROWS:
                self.count("crowded")
                continue
            key = text(row.get(self._column, row_id))
            self._rows[row_id] = (key, labels_of(row, self._column))
            self._ids.setdefault(key, []).append(row_id)
        return []

    def _remove(self, row_id: str) -> None:
        gone = self._rows.pop(row_id, None)
        if gone is not None:
            ids = self._ids[gone[0]]
            ids.remove(row_id)
            if not ids:
                del self._ids[gone[0]]

    def on_batch(self, events: list[Event], now: Now) -> list[Event]:
        """Take events in order of arrival."""
        return [changed(event, self._enriched) for event in events]

    def _enriched(self, event: Event) -> Event:
        ids = self._ids.get(text(field(event, self._key)))
        if ids is None:
            self.count("unknown")
            return event
        return with_labels(event, self._rows[ids[-1]][1])

    def snapshot(self) -> object:
        """Return the state as plain data."""
        return [(row_id, key, dict(labels)) for row_id, (key, labels) in self._rows.items()]

    def restore(self, state: Any, version: int) -> None:
        """Take back what `snapshot` returned."""
        self._rows = {row_id: (key, dict(labels)) for row_id, key, labels in state}
        self._ids = {}
        for row_id, (key, _) in self._rows.items():
            self._ids.setdefault(key, []).append(row_id)
