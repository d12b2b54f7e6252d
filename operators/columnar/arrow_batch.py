"""Readings as a batch of Arrow columns: the bytes of a record of a topic, and back.

The columns are the fields of a reading, by their names. A batch has those of which some reading
says anything; a column that is not there has its default, one that is not known is passed over.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import groupby, repeat
from typing import Any, get_args

import msgspec
import numpy as np
import pyarrow as pa

from operators.columnar.arrow_arrays import (
    numbers_of,
    plain_numbers,
    rows_array,
    text_at,
    valid,
    words_of,
)
from operators.columnar.batch_columns import Ints
from operators.columnar.reading_columns import ReadingColumns, Source
from operators.events import GOOD, Event, Quality, Reading

LATEST = 253_402_300_799.0
CONTINUATION = b"\xff\xff\xff\xff"
"""How every Arrow stream begins, and no text does."""
_END = CONTINUATION + bytes(4)
_QUALITIES: dict[str | None, Quality] = {None: GOOD, **{word: word for word in get_args(Quality)}}
_QUALITIES["good"] = GOOD
_text = pa.string()
_word = pa.dictionary(pa.int32(), _text)
_labels = pa.map_(_text, _text)
_TYPES: dict[str, pa.DataType] = {
    "id": _text, "time": pa.float64(), "subject": _word, "metric": _word, "value": pa.float64(),
    "text": _text, "unit": _word, "quality": _word, "labels": _labels, "topic": _word,
    "raw": _text, "trace": _text,
}  # fmt: skip
_REQUIRED = ("id", "time", "subject", "metric")
_WORDS = {"subject", "metric"}


def encode(readings: Sequence[Reading]) -> bytes:
    """Encode readings as one Arrow IPC stream; a number that JSON cannot write is none."""
    arrays: dict[str, pa.Array] = {}
    for name, type_ in _TYPES.items():
        values: list[Any] = [getattr(reading, name) for reading in readings]
        if name in _REQUIRED or any(map(_SAYS.get(name, _is_there), values)):
            if name == "value":
                values = [v if v is not None and abs(v) < _INFINITE else None for v in values]
            elif name == "labels":
                values = [list(labels.items()) for labels in values]
            plain = _text if type_ is _word else type_
            made = pa.array(values, plain)
            arrays[name] = made.dictionary_encode() if type_ is _word else made
    return stream_of(pa.RecordBatch.from_arrays(list(arrays.values()), list(arrays)))


def encode_columns(readings: ReadingColumns) -> list[bytes]:
    """Encode readings that are columns, as a stream for each run of batches with the same ones."""
    batches = [
        pa.RecordBatch.from_arrays(list(arrays.values()), list(arrays))
        for arrays in readings.arrays()
    ]
    return [
        stream_of(pa.Table.from_batches(run).combine_chunks().to_batches()[0])
        for _, run in groupby(batches, lambda batch: batch.schema)
    ]


def stream_of(batch: pa.RecordBatch) -> bytes:
    """Return a batch as an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    data: bytes = sink.getvalue().to_pybytes()
    return data


_INFINITE = float("inf")


def _is_there(value: object) -> bool:
    return value is not None


_SAYS: dict[str, Callable[[Any], bool]] = {"quality": lambda word: word is not GOOD, "labels": bool}
"""When a value is not its field's default; else where there is one."""


Columns = Mapping[str, pa.Array]
"""The columns of a batch that are fields, each in its type."""


def decode(data: bytes) -> list[Columns]:
    """Return the batches of an Arrow IPC stream of readings, whole and checked.

    Raises `msgspec.DecodeError` for bytes that are none, `msgspec.ValidationError` where a column
    is not what its field asks.
    """
    try:
        with pa.ipc.open_stream(data) as stream:
            batches = list(stream)
        for batch in batches:
            batch.validate(full=True)
        if not batches and not data.endswith(_END):
            raise msgspec.DecodeError("it ends before its first batch")
        return [_checked(batch) for batch in batches if batch.num_rows]
    except msgspec.ValidationError:
        raise
    # not only pyarrow's own errors: bytes that say nothing sensible are an OSError or a KeyError
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise msgspec.DecodeError(f"not a whole Arrow stream: {error}") from None


def decode_events(data: bytes) -> list[Event]:
    """Decode what `encode` wrote; raises what `decode` raises."""
    return [reading for columns in decode(data) for reading in readings_of(columns)]


def decode_columns(data: bytes) -> list[ReadingColumns]:
    """Decode what `encode` wrote as columns; raises what `decode` raises."""
    return [columns_of(columns) for columns in decode(data)]


def readings_of(columns: Columns) -> list[Event]:
    """Return the rows of a batch."""
    given = {name: _values(column) for name, column in columns.items()}

    def of(name: str, default: object = None) -> Iterable[Any]:
        return given.get(name) or repeat(default)

    return [
        Reading(
            id=id, time=time, subject=subject, metric=metric, value=value, text=text, unit=unit,
            quality=_QUALITIES[quality], labels=dict(labels or ()), topic=topic, raw=raw,
            trace=trace,
        )
        for id, time, subject, metric, value, text, unit, quality, labels, topic, raw, trace in zip(
            given["id"], given["time"], given["subject"], given["metric"], of("value"), of("text"),
            of("unit"), of("quality"), of("labels"), of("topic"), of("raw"), of("trace"),
            strict=False,
        )
    ]  # fmt: skip


class _Rows:
    """The rows of a batch as readings."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns

    @cached_property
    def _cells(self) -> list[tuple[str, Callable[[int], Any]]]:
        return [(name, _cell(column)) for name, column in self._columns.items()]

    def one(self, row: int) -> Event:
        """Return one row."""
        return _reading({name: cell(row) for name, cell in self._cells})

    def pick(self, rows: Ints) -> list[Event]:
        """Return some rows."""
        return [reading for columns in self.arrays(rows) for reading in readings_of(columns)]

    def ids(self, rows: Ints) -> list[str]:
        """Return the ids of some rows."""
        text = text_at(self._columns["id"])
        return [text(row) for row in rows.tolist()]

    def arrays(self, rows: Ints | None) -> list[Columns]:
        """Return some rows, or all, as columns."""
        if rows is None or len(rows) == len(self._columns["id"]):
            return [self._columns]
        wanted = rows_array(rows)
        return [{name: each.take(wanted) for name, each in self._columns.items()}]


def _reading(given: dict[str, Any]) -> Reading:
    if "quality" in given:
        given["quality"] = _QUALITIES[given["quality"]]
    if "labels" in given:
        given["labels"] = dict(given["labels"] or ())
    return Reading(**given)


def _cell(column: pa.Array) -> Callable[[int], Any]:
    if pa.types.is_dictionary(column.type):
        words, numbers = words_of(column).texts, numbers_of(column)
        return lambda row: words[numbers.item(row)]
    if pa.types.is_floating(column.type) and not column.null_count:
        floats: Callable[[int], float] = plain_numbers(column, np.float64).item
        return floats
    if column.type == _text and not column.null_count:
        return text_at(column)
    return lambda row: column[row].as_py()


def _values(column: pa.Array) -> list[Any]:
    if not pa.types.is_dictionary(column.type):
        values: list[Any] = column.to_pylist()
        return values
    words = words_of(column).texts
    return [words[number] for number in numbers_of(column).tolist()]


def columns_of(columns: Columns) -> ReadingColumns:
    """Return a batch, which has rows, as columns."""
    metric, metrics = columns["metric"], numbers_of(columns["metric"])
    subjects = words_of(columns["subject"])
    plain = metrics == metrics[0]
    unit = None
    if (column := columns.get("unit")) is not None:
        units = numbers_of(column)
        unit = words_of(column).texts[units[0]]
        plain &= units == units[0]
    if (column := columns.get("quality")) is not None:
        is_good = np.array([word in (None, "good") for word in words_of(column).texts])
        plain &= is_good[numbers_of(column)]
    if (column := columns.get("labels")) is not None:
        plain &= np.array([not pairs for pairs in column.to_pylist()])
    if (column := columns.get("value")) is not None:
        values = plain_numbers(column, np.float64)
        if column.null_count:
            plain &= valid(column)
    else:
        values = np.full(len(plain), np.nan)
        plain[:] = False
    rows = _Rows(columns)
    return ReadingColumns(
        Source(rows.one, rows.pick, rows.ids, rows.arrays, lambda: subjects.texts[:-1]),
        (words_of(metric).texts[metrics[0]], unit),
        plain_numbers(columns["time"], np.float64),
        values,
        subjects.keys,
        numbers_of(columns["subject"]),
        None if plain.all() else plain,
    )


def _checked(batch: pa.RecordBatch) -> Columns:
    """The columns of a batch that are fields, each in its type."""
    known = {name: n for n, name in enumerate(batch.schema.names) if name in _TYPES}
    for name in _REQUIRED:
        if name not in known:
            raise msgspec.ValidationError(f"Expected a column `{name}`")
    made = {name: _column(name, batch.column(place)) for name, place in known.items()}
    for name in _REQUIRED:
        if made[name].null_count or (name in _WORDS and None in words_of(made[name]).texts[:-1]):
            raise msgspec.ValidationError(f"Expected no nulls - in column `{name}`")
    times = plain_numbers(made["time"], np.float64)
    if not (times.min() >= 0 and times.max() <= LATEST):
        raise msgspec.ValidationError("Expected times of 0 to the year 9999 - in column `time`")
    if "" in words_of(made["subject"]).texts:
        raise msgspec.ValidationError("Expected texts of length >= 1 - in column `subject`")
    if "quality" in made and not _QUALITIES.keys() >= set(words_of(made["quality"]).texts):
        raise msgspec.ValidationError("Expected good, stale or bad - in column `quality`")
    return made


def _column(name: str, column: pa.Array) -> pa.Array:
    type_ = _TYPES[name]
    if column.type == type_:
        return column
    given = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_null(given) or _fits(given, type_):
        try:
            if type_ is _word:
                return column.cast(_text).dictionary_encode()
            return column.cast(type_)
        except pa.ArrowException as error:
            raise msgspec.ValidationError(f"{error} - in column `{name}`") from None
    raise msgspec.ValidationError(f"Expected {type_}, got {column.type} - in column `{name}`")


def _fits(given: pa.DataType, wanted: pa.DataType) -> bool:
    if wanted == pa.float64():
        return bool(pa.types.is_floating(given) or pa.types.is_integer(given))
    if wanted is _labels:
        return bool(pa.types.is_map(given))
    return bool(
        pa.types.is_string(given)
        or pa.types.is_large_string(given)
        or pa.types.is_string_view(given)
    )
