"""The tables of ClickHouse: their columns per kind of event, and events as Arrow columns."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pyarrow as pa

from connectors.clickhouse.arrow_readings import table_of
from operators.columnar.reading_columns import ReadingColumns
from operators.events import AlarmTransition, Event, Reading

_MICRO = 1_000_000
_time = pa.timestamp("us", tz="UTC")
_labels = pa.map_(pa.string(), pa.string())


@dataclass(frozen=True)
class Column:
    """A column: ClickHouse type, Arrow type, and its values from a list of events."""

    name: str
    type: str
    arrow: pa.DataType
    values: Callable[[Sequence[Any]], list[Any] | pa.Array]


@dataclass(frozen=True)
class TableKind:
    """A kind of table: its name and its columns, as its migrations make them."""

    name: str
    columns: tuple[Column, ...]

    def chosen(self, events: list[Event]) -> list[Event]:
        """Those of this kind; columns are readings, and stay columns."""
        if isinstance(events, ReadingColumns) and self is READINGS:
            return events
        return [event for event in events if kind_of(event) is self]

    def arrow(self, events: Sequence[Event]) -> pa.Table:
        """Events of this kind as one Arrow table, a row each."""
        if isinstance(events, ReadingColumns):
            return table_of(events.arrays())
        made = ((column, column.values(events)) for column in self.columns)
        arrays = [
            values if isinstance(values, pa.Array) else pa.array(values, column.arrow)
            for column, values in made
        ]
        return pa.Table.from_arrays(arrays, [column.name for column in self.columns])


def _text(name: str, type: str = "String", default: str | None = None) -> Column:
    if default is None:
        return Column(
            name, type, pa.string(), lambda events: [getattr(event, name) for event in events]
        )
    return Column(
        name,
        type,
        pa.string(),
        lambda events: [getattr(event, name) or default for event in events],
    )


def _low(name: str) -> Column:
    return Column(
        name,
        "LowCardinality(String)",
        pa.string(),
        lambda events: [getattr(e, name) or "" for e in events],
    )


def _plain(name: str, type: str, arrow: pa.DataType) -> Column:
    return Column(name, type, arrow, lambda events: [getattr(event, name) for event in events])


def _instant(name: str, nullable: bool = False) -> Column:
    def values(events: Sequence[Any]) -> list[int | None]:
        times = [getattr(event, name) for event in events]
        return [None if time is None else int(time * _MICRO + 0.5) for time in times]

    type = "DateTime64(6, 'UTC')"
    return Column(name, f"Nullable({type})" if nullable else type, _time, values)


def _label_maps(events: Sequence[Any]) -> pa.Array:
    maps = [getattr(event, "labels", None) or {} for event in events]
    keys = [key for labels in maps if labels for key in labels]
    values = [value for labels in maps if labels for value in labels.values()]
    offsets = list(itertools.accumulate(map(len, maps), initial=0))
    return pa.MapArray.from_arrays(
        pa.array(offsets, pa.int32()), pa.array(keys, pa.string()), pa.array(values, pa.string())
    )


_LABELS = Column("labels", "Map(LowCardinality(String), String)", _labels, _label_maps)
_STRINGS = pa.list_(pa.string())


def _word(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


READINGS = TableKind(
    "readings",
    (
        _text("id"),
        _instant("time"),
        _low("subject"),
        _low("metric"),
        _plain("value", "Nullable(Float64)", pa.float64()),
        _text("text", "Nullable(String)"),
        _low("unit"),
        _low("quality"),
        _LABELS,
        _text("topic", "Nullable(String)"),
        _text("raw", "Nullable(String)"),
    ),
)

ALARMS = TableKind(
    "alarms",
    (
        _text("id"),
        _instant("time"),
        _instant("recorded"),
        _low("rule"),
        _low("alarm"),
        _low("subject"),
        _plain("occ", "UInt32", pa.uint32()),
        _plain("seq", "UInt32", pa.uint32()),
        _low("event"),
        _low("change"),
        _low("state"),
        _low("isa"),
        _plain("flags", "Array(LowCardinality(String))", _STRINGS),
        _plain("before", "Array(LowCardinality(String))", _STRINGS),
        _low("severity"),
        _low("priority"),
        Column(
            "value", "String", pa.string(), lambda events: [_word(event.value) for event in events]
        ),
        _low("unit"),
        _plain("limit", "Nullable(Float64)", pa.float64()),
        _low("reason"),
        _plain("annunciate", "Bool", pa.bool_()),
        _low("rule_hash"),
        _low("metric"),
        _low("page"),
        _text("message", default=""),
        _text("response", default=""),
        _LABELS,
        Column(
            "evidence",
            "String",
            pa.string(),
            lambda events: [_word(event.evidence) for event in events],
        ),
        _low("user"),
        _text("comment", default=""),
        _instant("until", nullable=True),
    ),
)


def _tag(event: Event) -> str:
    return str(event.__struct_config__.tag)


def _subject(event: Event) -> str:
    """The subject; of an event that has not been decoded, where it came from."""
    return _first(event, "subject", "topic", "table", "origin")


def _type(event: Event) -> str:
    return _first(event, "type", "class_", "metric", "reason", "op")


def _first(event: Event, *names: str) -> str:
    return next((str(value) for name in names if (value := getattr(event, name, None))), "")


def _data(event: Event) -> str:
    fields = msgspec.to_builtins(event)
    for name in ("kind", "id", "time", "subject", "labels"):
        fields.pop(name, None)
    return msgspec.json.encode(fields).decode()


EVENTS = TableKind(
    "events",
    (
        _text("id"),
        _instant("time"),
        Column(
            "kind", "LowCardinality(String)", pa.string(), lambda events: [_tag(e) for e in events]
        ),
        Column(
            "subject",
            "LowCardinality(String)",
            pa.string(),
            lambda events: [_subject(e) for e in events],
        ),
        Column(
            "type", "LowCardinality(String)", pa.string(), lambda events: [_type(e) for e in events]
        ),
        Column("data", "String", pa.string(), lambda events: [_data(e) for e in events]),
        _LABELS,
    ),
)


KINDS = {layout.name: layout for layout in (READINGS, ALARMS, EVENTS)}
"""The kinds of tables by name."""


def kind_of(event: Event) -> TableKind:
    """The kind of table that holds an event."""
    if isinstance(event, Reading):
        return READINGS
    return ALARMS if isinstance(event, AlarmTransition) else EVENTS
