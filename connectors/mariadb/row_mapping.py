"""Readings and occurrences from the rows of any table."""

import datetime
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Self

from pydantic import Field, model_validator

from operators.columnar.lazy_rows import LazyRows
from operators.component import Spec
from operators.decoding.payloads.values import number
from operators.events import Event, Occurrence, Reading, Row

MILLISECONDS_FROM, MICROSECONDS_FROM = 1e11, 1e14
Arrivals = list[tuple[int, float]]
Events = list[Event] | LazyRows


class RowMapping(Spec):
    """How a table's rows become readings (`metric` and `value`) or occurrences (`type`).

    The other columns of an occurrence are its data.
    """

    subject: str = Field(description="Column that says what is watched.", examples=["meter"])
    metric: str | None = Field(
        None, description="What is measured: a word, or `{column}`.", examples=["power", "{kind}"]
    )
    value: str | None = Field(
        None, description="Column with the number or word.", examples=["watts"]
    )
    type: str | None = Field(
        None,
        description="In place of metric and value: what happened, a word, or `{column}`.",
        examples=["door_opened"],
    )
    unit: str | None = Field(None, description="Unit of the numbers.", examples=["W"])
    time: str | None = Field(
        None,
        description=(
            "Column with the time: TIMESTAMP, DATETIME in UTC, or an epoch in s, ms or µs. Default:"
            " the time of commit."
        ),
        examples=["measured_at"],
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.type is None and None in (self.metric, self.value):
            raise ValueError(
                "needs metric and value (rows are readings), or type (rows are occurrences)"
            )
        if self.type is not None and (self.metric, self.value, self.unit) != (None, None, None):
            raise ValueError(
                "has type (rows are occurrences) beside metric, value or unit (rows are readings)"
            )
        return self


class Unmapped(Exception):
    """A row that does not fit its mapping; the message says why."""


def mapper(table: str, mapping: RowMapping) -> Callable[[Row], Event | None]:
    """A function that makes an event of a row, None of a deleted one; it raises `Unmapped`."""
    what = mapping.type or mapping.metric or ""
    variable = re.fullmatch(r"\{(.+)\}", what)
    column_of_what = variable[1] if variable else None
    used = {mapping.subject, mapping.time, column_of_what}

    def take(values: dict[str, Any], column: str) -> Any:
        try:
            return values[column]
        except KeyError:
            raise Unmapped(
                f"table {table} has no column {column!r}, or a program left it out of the log with"
                f" binlog_row_image=MINIMAL; there are {', '.join(values)}"
            ) from None

    def read(row: Row) -> Event | None:
        if row.op == "delete":
            return None
        values = row.values
        subject = take(values, mapping.subject)
        word = take(values, column_of_what) if column_of_what else what
        if subject is None or word is None:
            lacks = "subject" if subject is None else "type" if mapping.type else "metric"
            raise Unmapped(f"row {row.id} has no {lacks}: the column is NULL")
        time = take(values, mapping.time) if mapping.time else None
        at = row.time if time is None else _epoch(time, row)
        if mapping.type:
            data = {name: _plain(value) for name, value in values.items() if name not in used}
            return Occurrence(
                id=row.id,
                time=at,
                subject=str(subject),
                type=str(word),
                data=data,
                source=table,
                labels=row.labels,
            )
        number, text = _value(take(values, mapping.value or ""))
        return Reading(
            id=row.id,
            time=at,
            subject=str(subject),
            metric=str(word),
            value=number,
            text=text,
            unit=mapping.unit if number is not None else None,
            quality="bad" if number is None and text is None else "good",
            labels=row.labels,
        )

    return read


class Mappings:
    """The mapped tables of a source, by full name; rows of the others stay rows.

    `unmapped(row, why)` is called for each row that does not fit.
    """

    def __init__(
        self, mappings: Mapping[str, RowMapping], unmapped: Callable[[Row, str], None]
    ) -> None:
        self._mappers = {table: mapper(table, mapping) for table, mapping in mappings.items()}
        self._unmapped = unmapped

    def apply(self, rows: Sequence[Event], arrivals: Arrivals) -> tuple[Events, Arrivals]:
        """The events of rows, and how many of them arrived when; `arrivals` says so of the rows."""
        if not self._mappers:
            return rows if isinstance(rows, LazyRows) else list(rows), arrivals
        events: list[Event] = []
        left: Arrivals = []
        rest = iter(rows)
        for count, at in arrivals:
            some = [
                event
                for row in itertools.islice(rest, count)
                if (event := self._event(row)) is not None
            ]
            events += some
            left.append((len(some), at))
        return events, left

    def _event(self, row: Event) -> Event | None:
        if not isinstance(row, Row):
            return row
        read = self._mappers.get(row.table)
        try:
            return read(row) if read else row
        except Unmapped as error:
            self._unmapped(row, str(error))
            return None


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def _value(value: Any) -> tuple[float | None, str | None]:
    """(number, text) of a column's value."""
    if value is None:
        return None, None
    if isinstance(value, Decimal):
        return float(value), None
    read = number(value)
    return read, None if read is not None else str(value)


def _epoch(value: Any, row: Row) -> float:
    """Epoch seconds of a column that holds a time; a zero date is none."""
    if isinstance(value, datetime.datetime):
        return (value if value.tzinfo else value.replace(tzinfo=datetime.UTC)).timestamp()
    if isinstance(value, str) and value.startswith("0000-00-00"):
        return row.time
    epoch = float(value) if isinstance(value, Decimal) else number(value)
    if epoch is None:
        raise Unmapped(f"row {row.id}: expected a time, came {str(value)[:60]!r}")
    if epoch >= MICROSECONDS_FROM:
        return epoch / 1e6
    return epoch / 1e3 if epoch >= MILLISECONDS_FROM else epoch
