"""Arrow arrays as numpy sees them, and the words of dictionaries.

Records of one topic mostly hold the same words, which are read once.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.columnar.batch_columns import Ints, Keys, keys_of

MOST = 100_000
"""So many words are remembered; then all are read anew."""


class Words(NamedTuple):
    """What a dictionary holds; `texts` with a None behind it, for rows without a word."""

    texts: list[Any]
    keys: Keys


_known: dict[tuple[object, ...], Words] = {}


def words_of(column: pa.DictionaryArray) -> Words:
    """Return the words of a column."""
    dictionary = column.dictionary
    buffers = [None if one is None else one.to_pybytes() for one in dictionary.buffers()]
    key = (dictionary.offset, len(dictionary), *buffers)
    words = _known.get(key)
    if words is None:
        texts = dictionary.to_pylist()
        words = Words([*texts, None], keys_of(texts))
        if sum(len(each.texts) for each in list(_known.values())) + len(texts) > MOST:
            _known.clear()
        _known[key] = words
    return words


def numbers_of(column: pa.DictionaryArray) -> Ints:
    """Return the places of a column's words in `Words.texts`, from behind for rows without one."""
    numbers: Ints = plain_numbers(column.indices, np.int32)
    if column.null_count:
        numbers = np.where(valid(column.indices), numbers, np.int32(-1))
    return numbers


def plain_numbers(column: pa.Array, type_: type[np.generic]) -> NDArray[Any]:
    """Return numbers as they lie, something where there is none. `to_numpy` would load pandas."""
    return np.frombuffer(column.buffers()[1], type_, len(column), column.offset * type_().itemsize)


def text_at(column: pa.StringArray) -> Callable[[int], str]:
    """Return what reads a text of a column without nulls, faster than Arrow's own objects."""
    _, offsets, content = column.buffers()
    starts = np.frombuffer(offsets, np.int32, len(column) + 1, column.offset * 4)
    data, start = memoryview(content or b""), starts.item
    return lambda row: str(data[start(row) : start(row + 1)], "utf-8")


def valid(column: pa.Array) -> NDArray[np.bool_]:
    """Return which rows of a column that has nulls have a value."""
    bits = np.unpackbits(np.frombuffer(column.buffers()[0], np.uint8), bitorder="little")
    return bits[column.offset : column.offset + len(column)].view(np.bool_)


def rows_array(rows: Ints) -> pa.Array:
    """Return numbers of rows for `take`."""
    whole = np.ascontiguousarray(rows, np.int64)
    return pa.Array.from_buffers(pa.int64(), len(whole), [None, pa.py_buffer(whole)])
