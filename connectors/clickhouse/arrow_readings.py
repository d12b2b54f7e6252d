"""Readings that came as Arrow columns, as rows of a table: no event is made of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from operators.columnar.arrow_arrays import numbers_of, plain_numbers, words_of

_MICRO = 1_000_000
_text = pa.string()
_time = pa.timestamp("us", tz="UTC")
_labels = pa.map_(_text, _text)
_WORDS = {"subject": "", "metric": "", "unit": "", "quality": "good"}
"""Columns of few words, each with the one that stands for none."""


def table_of(batches: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return batches of the columns of readings as one table, with all columns of readings."""
    made = [
        pa.RecordBatch.from_pydict(
            {
                "id": batch["id"],
                "time": _instants(batch["time"]),
                "subject": _words(batch, "subject"),
                "metric": _words(batch, "metric"),
                "value": _given(batch, "value", pa.float64()),
                "text": _given(batch, "text", _text),
                "unit": _words(batch, "unit"),
                "quality": _words(batch, "quality"),
                "labels": _maps(batch),
                "topic": _given(batch, "topic", _text),
                "raw": _given(batch, "raw", _text),
            }
        )
        for batch in batches
    ]
    return pa.Table.from_batches(made).unify_dictionaries()


def _instants(times: pa.Array) -> pa.Array:
    micros = (plain_numbers(times, np.float64) * _MICRO + 0.5).astype(np.int64)
    return pa.Array.from_buffers(_time, len(micros), [None, pa.py_buffer(micros)])


def _words(batch: Mapping[str, Any], name: str) -> pa.Array:
    column, default = batch.get(name), _WORDS[name]
    if column is None:
        return pa.DictionaryArray.from_arrays(_zeros(len(batch["id"])), pa.array([default], _text))
    if not column.null_count:
        return column
    words, numbers = words_of(column).texts[:-1], numbers_of(column)
    filled = np.where(numbers < 0, np.int32(len(words)), numbers)
    indices = pa.Array.from_buffers(pa.int32(), len(filled), [None, pa.py_buffer(filled)])
    return pa.DictionaryArray.from_arrays(indices, pa.array([*words, default], _text))


def _given(batch: Mapping[str, Any], name: str, type_: pa.DataType) -> pa.Array:
    column = batch.get(name)
    if column is None:
        return pa.nulls(len(batch["id"]), type_)
    return column.cast(type_) if pa.types.is_dictionary(column.type) else column


def _maps(batch: Mapping[str, Any]) -> pa.Array:
    column = batch.get("labels")
    if column is None:
        return pa.MapArray.from_arrays(
            _zeros(len(batch["id"]) + 1), pa.array([], _text), pa.array([], _text)
        )
    if column.null_count:
        return pa.array([pairs or [] for pairs in column.to_pylist()], _labels)
    return column


def _zeros(count: int) -> pa.Array:
    zeros = np.zeros(count, np.int32)
    return pa.Array.from_buffers(pa.int32(), count, [None, pa.py_buffer(zeros)])
