"""Readings as a batch of Arrow columns: the bytes of a record of a topic, and back.

The columns are the fields of a reading, by their names. A batch has those of which some reading
says anything; a column that is not there has its default, one that is not known is passed over.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from itertools import repeat
from typing import Any, get_args

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.columnar.batch_columns import Ints, keys_of
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
MANY = 20
"""Where more than one row in so many is asked for, all are taken together."""
_REQUIRED = ("id", "time", "subject", "metric")


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


def decode(data: bytes) -> list[pa.RecordBatch]:
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
        return [_checked(batch) for batch in batches]
    except msgspec.ValidationError:
        raise
    # not only pyarrow's own errors: bytes that say nothing sensible are an OSError or a KeyError
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise msgspec.DecodeError(f"not a whole Arrow stream: {error}") from None


def decode_events(data: bytes) -> list[Event]:
    """Decode what `encode` wrote; raises what `decode` raises."""
    return [reading for batch in decode(data) for reading in readings_of(batch)]


def decode_columns(data: bytes) -> list[ReadingColumns]:
    """Decode what `encode` wrote as columns; raises what `decode` raises."""
    return [columns_of(batch) for batch in decode(data) if batch.num_rows]


def readings_of(batch: pa.RecordBatch) -> list[Event]:
    """Return the rows of a batch that `decode` gave."""
    given = {name: _values(batch.column(name)) for name in batch.schema.names}

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
    """The rows of a batch one by one, where few of them are asked for."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch

    @cached_property
    def _cells(self) -> dict[str, Callable[[int], Any]]:
        return {name: _cell(self._batch.column(name)) for name in self._batch.schema.names}

    def pick(self, rows: Ints) -> list[Event]:
        """Return some rows."""
        if MANY * len(rows) > self._batch.num_rows:
            return readings_of(self._batch.take(pa.array(rows)))
        return [
            _reading({name: cell(row) for name, cell in self._cells.items()})
            for row in rows.tolist()
        ]


def _reading(given: dict[str, Any]) -> Reading:
    if "quality" in given:
        given["quality"] = _QUALITIES[given["quality"]]
    if "labels" in given:
        given["labels"] = dict(given["labels"] or ())
    return Reading(**given)


def _cell(column: pa.Array) -> Callable[[int], Any]:
    if pa.types.is_dictionary(column.type):
        words, numbers = [*column.dictionary.to_pylist(), None], _numbers(column)
        return lambda row: words[numbers.item(row)]
    if pa.types.is_floating(column.type) and not column.null_count:
        floats: Callable[[int], float] = column.to_numpy().item
        return floats
    return lambda row: column[row].as_py()


def _values(column: pa.Array) -> list[Any]:
    if not pa.types.is_dictionary(column.type):
        values: list[Any] = column.to_pylist()
        return values
    words = [*column.dictionary.to_pylist(), None]
    return [words[number] for number in _numbers(column).tolist()]


def _numbers(column: pa.Array) -> Ints:
    """The places of a column's words in its dictionary; -1 for none."""
    indices = column.indices.fill_null(-1) if column.null_count else column.indices
    numbers: Ints = indices.to_numpy()
    return numbers


def columns_of(batch: pa.RecordBatch) -> ReadingColumns:
    """Return a batch that `decode` gave, which has rows, as columns."""
    names = batch.schema.names
    metric, subject = batch.column("metric"), batch.column("subject")
    plain = _same(metric)
    unit = None
    if "unit" in names:
        column = batch.column("unit")
        unit = column[0].as_py()
        plain &= _same(column)
    if "quality" in names:
        plain &= np.array([word in (None, "good") for word in _values(batch.column("quality"))])
    if "labels" in names:
        plain &= np.array([not pairs for pairs in batch.column("labels").to_pylist()])
    values = np.full(batch.num_rows, np.nan)
    if "value" in names:
        column = batch.column("value")
        if column.null_count:
            plain &= column.is_valid().to_numpy(zero_copy_only=False)
            column = column.fill_null(np.nan)
        values = column.to_numpy()
    else:
        plain &= False
    subjects: list[str] = subject.dictionary.to_pylist()
    keys = keys_of(subjects)[_numbers(subject)]
    return ReadingColumns(
        Source(_Rows(batch).pick, lambda: subjects),
        (metric[0].as_py(), unit),
        batch.column("time").to_numpy(),
        values,
        keys,
        None if plain.all() else plain,
    )


def _same(column: pa.Array) -> NDArray[np.bool_]:
    """Whether each row has the word of the first."""
    numbers = _numbers(column)
    same: NDArray[np.bool_] = numbers == numbers[0]
    return same


def _checked(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The columns of a batch that are fields, each in its type."""
    known = {name: n for n, name in enumerate(batch.schema.names) if name in _TYPES}
    for name in _REQUIRED:
        if name not in known:
            raise msgspec.ValidationError(f"Expected a column `{name}`")
    made = {name: _column(name, batch.column(place)) for name, place in known.items()}
    for name in _REQUIRED:
        if made[name].null_count:
            raise msgspec.ValidationError(f"Expected no nulls - in column `{name}`")
    times = made["time"].to_numpy()
    if not ((times >= 0) & (times <= LATEST)).all():
        raise msgspec.ValidationError("Expected times of 0 to the year 9999 - in column `time`")
    if "" in made["subject"].dictionary.to_pylist():
        raise msgspec.ValidationError("Expected texts of length >= 1 - in column `subject`")
    if "quality" in made and not _QUALITIES.keys() >= set(made["quality"].dictionary.to_pylist()):
        raise msgspec.ValidationError("Expected good, stale or bad - in column `quality`")
    return pa.RecordBatch.from_arrays(list(made.values()), list(made))


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
