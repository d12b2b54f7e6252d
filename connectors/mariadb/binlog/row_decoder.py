"""Decodes the row packets of one table, an order of magnitude faster than mysql-replication does.

Functions are written for its columns (`row_code`): one for all rows, and one for each set of
columns that is NULL in many of them.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from connectors.mariadb.binlog.column_readers import length_bytes_of, value_of
from connectors.mariadb.binlog.column_types import (
    BLOB,
    DOUBLE,
    LONG,
    LONGLONG,
    SHORT,
    STRING,
    TINY,
    VARCHAR,
)
from connectors.mariadb.binlog.packets import ROW_EVENTS, Rows, length_coded, uncompressed
from connectors.mariadb.binlog.row_code import (
    BAD_VALUES,
    ColumnCode,
    ReadRow,
    dict_reader,
    tuple_reader,
)
from connectors.mariadb.binlog.table_map import Column
from connectors.mariadb.values import ADDRESSES, text_or_hex

Row = dict[str, Any]

FIXED = {TINY: "b", SHORT: "h", LONG: "i", LONGLONG: "q", DOUBLE: "d"}
"""Types of fixed size: their code in `struct`."""
OFTEN = 100
"""From so many rows with the same columns NULL on, they have a function of their own."""
MOST_OWN, MOST_COUNTED = 64, 4096
"""How many sets of NULL columns have one, and how many are counted."""
_INSERT = ROW_EVENTS[23]


SPOILED = ""
"""Where a row says why a value of it could not be read. No column has this name."""


class _Readers:
    """The functions that read images of some columns: any row, or those with some columns NULL."""

    def __init__(self, make: Callable[[bytes | None], ReadRow]) -> None:
        self._make = make
        self._any = make(None)
        self.own: dict[bytes, ReadRow] = {}
        self._counts: dict[bytes, int] = {}

    def of(self, nulls: bytes) -> ReadRow:
        """Return what reads a row that no function of `own` reads."""
        count = self._counts[nulls] = self._counts.get(nulls, 0) + 1
        if count >= OFTEN and len(self.own) < MOST_OWN:
            self.own[nulls] = self._make(nulls)
        if len(self._counts) > MOST_COUNTED:
            self._counts.clear()
        return self._any


class RowDecoder:
    """Decodes rows of one table; `present` is a bitmap of the columns in a row image.

    `spoiled` counts the values that could not be read, `missing` are the columns that the images of
    the last packet did not hold. Raises `UnknownType` for a type that is not known here.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._codes = [_code_of(column) for column in columns]
        self._readers: dict[bytes, _Readers] = {}
        self._tuples: _Readers | None = None
        self._whole = bytes_of_bits(len(columns))
        self.spoiled = 0
        self.missing: list[str] = []

    def images(self, data: bytes, end: int, kind: Rows) -> tuple[list[Row], list[Row]]:
        """(rows before, rows after) of a row packet, one of them empty but for an update.

        `end` is where its checksum begins. What an image leaves out is not in its row; an update
        takes it from the image before. A value that cannot be read is not there either: the row
        says why at the key `SPOILED`. Raises `ValueError` and others for a damaged packet.
        """
        offset = 28 if kind.version == 1 else 28 + int.from_bytes(data[28:30], "little")
        columns, offset = length_coded(data, offset)
        width = (columns + 7) >> 3
        present = data[offset : offset + width]
        offset += width
        self.missing = self.absent(present)
        if kind is _INSERT:
            return [], self.rows(data, offset, end, present)
        if kind.op == "update":
            present_after = data[offset : offset + width]
            offset += width
        if kind.compressed:
            data, offset = uncompressed(data[:end], offset), 0
            end = len(data)
        if kind.op != "update":
            rows = self.rows(data, offset, end, present)
            return ([], rows) if kind.op == "insert" else (rows, [])
        before: list[Row] = []
        after: list[Row] = []
        unchanged = self.absent(present_after)
        self.missing = [name for name in unchanged if name in self.missing]
        while offset < end:
            start = offset
            old, offset = self.row(data, offset, present)
            new, offset = self.row(data, offset, present_after)
            if offset == start:
                raise ValueError(f"{end - offset} bytes of rows without any column")
            for name in unchanged:
                if name in old:
                    new[name] = old[name]
            before.append(old)
            after.append(new)
        if offset != end:
            raise ValueError(f"the last row ends at byte {offset}, the rows at {end}")
        return before, after

    def tuples(self, data: bytes, end: int, kind: Rows) -> list[tuple[Any, ...]] | None:
        """The rows of an insert as tuples of all columns; None where they are better read as dicts.

        Those are rows that lack columns, or have a value that cannot be read. The values of the
        columns of `later` are still bytes.
        """
        if kind is not _INSERT:
            return None
        columns, offset = length_coded(data, 28)
        width = (columns + 7) >> 3
        if data[offset : offset + width] != self._whole or not width:
            return None
        if self._tuples is None:
            codes = [
                code._replace(value=bytes) if n in self.later else code
                for n, code in enumerate(self._codes)
            ]
            self._tuples = _Readers(lambda nulls: tuple_reader(codes, nulls))
        try:
            return _read(self._tuples, data, offset + width, end, width)
        except BAD_VALUES:
            return None

    @cached_property
    def later(self) -> dict[int, Callable[[bytes], Any]]:
        """What is made of bytes of a column in `tuples`, which always can be, by its number."""
        return {n: code.value for n, code in enumerate(self._codes) if code.value is text_or_hex}

    def rows(self, data: bytes, offset: int, end: int, present: bytes) -> list[Row]:
        """The rows from `offset` to `end`.

        Raises `ValueError` where the rows do not end with the data.
        """
        width = self._width(present)
        if not width and offset < end:
            raise ValueError(f"{end - offset} bytes of rows without any column")
        return _read(self._of(present), data, offset, end, width)

    def row(self, data: bytes, offset: int, present: bytes) -> tuple[Row, int]:
        """One row, and the offset after it."""
        readers, start = self._of(present), offset + self._width(present)
        nulls = data[offset:start]
        row, end = (readers.own.get(nulls) or readers.of(nulls))(data, start, nulls)
        return row, end

    def _of(self, present: bytes) -> _Readers:
        readers = self._readers.get(present)
        if readers is None:
            there = int.from_bytes(present, "little")
            codes = [code for n, code in enumerate(self._codes) if there >> n & 1]
            readers = _Readers(lambda nulls: dict_reader(codes, nulls, self._spoil))
            self._readers[present] = readers
        return readers

    def _spoil(self, row: Row, bad: Sequence[tuple[str, Exception]]) -> None:
        for name, error in bad:
            self.spoiled += 1
            row.pop(name, None)
            row[SPOILED] = f"column {name}: {error}"

    def _width(self, present: bytes) -> int:
        """Bytes of the bitmap of NULL columns."""
        return (
            len(present)
            if present == self._whole
            else (int.from_bytes(present, "little").bit_count() + 7) >> 3
        )

    def absent(self, present: bytes) -> list[str]:
        """Names of the columns that a row image leaves out."""
        if present == self._whole:
            return []
        there = int.from_bytes(present, "little")
        return [column.name for i, column in enumerate(self._columns) if not there >> i & 1]


def bytes_of_bits(count: int) -> bytes:
    """A bitmap with the first `count` bits set."""
    return ((1 << count) - 1).to_bytes((count + 7) >> 3, "little")


def _fixed_code(column: Column) -> str:
    code = FIXED.get(column.type, "")
    return code.upper() if column.unsigned and code in "bhiq" else code


def _code_of(column: Column) -> ColumnCode:
    if code := _fixed_code(column):
        return ColumnCode(column.name, code)
    size, value = value_of(column)
    is_text = column.codec == "utf8" and column.type in (VARCHAR, STRING, BLOB)
    is_text = is_text and column.declared not in ADDRESSES
    return ColumnCode(column.name, "", size, length_bytes_of(column), value, is_text)


def _read(readers: _Readers, data: bytes, offset: int, end: int, width: int) -> list[Any]:
    """The rows from `offset` to `end`, with bitmaps of `width` bytes."""
    rows: list[Any] = []
    own, other, append = readers.own.get, readers.of, rows.append
    while offset < end:
        start = offset + width
        nulls = data[offset:start]
        row, offset = (own(nulls) or other(nulls))(data, start, nulls)
        append(row)
    if offset != end:
        raise ValueError(f"the last row ends at byte {offset}, the rows at {end}")
    return rows
