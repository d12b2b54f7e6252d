"""Readings from the rows of any table: which column is what."""

import datetime
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from pydantic import Field

from operators.component import Spec
from operators.events import Event, Reading, Row

MILLISECONDS_FROM, MICROSECONDS_FROM = 1e11, 1e14


class RowMapping(Spec):
    """How a table's rows become readings."""

    subject: str = Field(description="Column that says what is watched.", examples=["meter"])
    metric: str = Field(description="What is measured: a word, or `{column}`.", examples=["power", "{kind}"])
    value: str = Field(description="Column with the number or word.", examples=["watts"])
    unit: str | None = Field(None, description="Unit of the numbers.", examples=["W"])
    time: str | None = Field(
        None,
        description="Column with the time: TIMESTAMP, DATETIME in UTC, or an epoch in s, ms or µs. Default: the time of commit.",
        examples=["measured_at"],
    )


class Unmapped(Exception):
    """A row that does not fit its mapping; the message says why."""


def mapper(table: str, mapping: RowMapping) -> Callable[[Row], Event | None]:
    """A function that makes a reading of a row, None of a deleted one; it raises `Unmapped`."""
    variable = re.fullmatch(r"\{(.+)\}", mapping.metric)
    metric_column = variable[1] if variable else None

    def take(values: dict[str, Any], column: str) -> Any:
        try:
            return values[column]
        except KeyError:
            raise Unmapped(f"table {table} has no column {column!r}; it has {', '.join(values)}") from None

    def read(row: Row) -> Event | None:
        if row.op == "delete":
            return None
        values = row.values
        subject = take(values, mapping.subject)
        metric = take(values, metric_column) if metric_column else mapping.metric
        if subject is None or metric is None:
            raise Unmapped(f"row {row.id} has no {'subject' if subject is None else 'metric'}: the column is NULL")
        time = take(values, mapping.time) if mapping.time else None
        number, text = _value(take(values, mapping.value))
        return Reading(
            id=row.id,
            time=row.time if time is None else _epoch(time, row),
            subject=str(subject),
            metric=str(metric),
            value=number,
            text=text,
            unit=mapping.unit if number is not None else None,
            quality="bad" if number is None and text is None else "good",
            labels=row.labels,
        )

    return read


def _value(value: Any) -> tuple[float | None, str | None]:
    """(number, text) of a column's value."""
    if value is None:
        return None, None
    if isinstance(value, int | float | Decimal):
        return float(value), None
    text = value.decode("utf8", "replace") if isinstance(value, bytes) else str(value)
    try:
        return float(text), None
    except ValueError:
        return None, text


def _epoch(value: Any, row: Row) -> float:
    """Epoch seconds of a column that holds a time."""
    if isinstance(value, datetime.datetime):
        return (value if value.tzinfo else value.replace(tzinfo=datetime.UTC)).timestamp()
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise Unmapped(f"row {row.id}: expected a time, came {str(value)[:60]!r}") from None
    if number >= MICROSECONDS_FROM:
        return number / 1e6
    return number / 1e3 if number >= MILLISECONDS_FROM else number
