"""Decodes the rows of one table from the binary log's packets, an order of magnitude faster than
mysql-replication does.

A plan is made once for every set of columns that are NULL: neighbouring columns of fixed size are
unpacked together, the others by a function of their own. Types not known here raise `UnknownType`;
the library's decoder takes those rows.
"""

import datetime
import struct
from collections.abc import Callable, Sequence
from decimal import Context, Decimal
from typing import Any

from connectors.mariadb.binlog.table_map import (
    BIT,
    BLOB,
    DATE,
    DATETIME2,
    DOUBLE,
    ENUM,
    FLOAT,
    INT24,
    JSON,
    LONG,
    LONGLONG,
    NEWDATE,
    NEWDECIMAL,
    SET,
    SHORT,
    STRING,
    TIME2,
    TIMESTAMP2,
    TINY,
    VARCHAR,
    YEAR,
    Column,
)  # fmt: skip

Row = dict[str, Any]
Read = Callable[[bytes, int], tuple[Any, int]]
Step = Callable[[bytes, int, Row], int]

FIXED = {TINY: "b", SHORT: "h", LONG: "i", LONGLONG: "q", FLOAT: "f", DOUBLE: "d"}
DIGIT_BYTES = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)
MOST_PLANS = 4096


class UnknownType(Exception):
    """A column's type is not decoded here."""


class RowDecoder:
    """Decodes rows of one table. `present` are the columns there are in the row image, in order."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._reads = [None if _fixed_code(column) else _reader(column) for column in columns]
        self._plans: dict[bytes, tuple[Row, list[Step]]] = {}
        self._whole = bytes_of_bits(len(columns))

    def rows(self, data: bytes, offset: int, end: int, present: bytes) -> list[Row]:
        """The rows from `offset` to `end`; columns that are NULL or not in the image are None.

        Raises `ValueError` where the rows do not end with the data.
        """
        rows = []
        plans = self._plans
        width = self._width(present)
        if not width and offset < end:
            raise ValueError(f"{end - offset} bytes of rows without any column")
        while offset < end:
            nulls = data[offset : offset + width]
            offset += width
            template, steps = plans.get(present + nulls) or self._plan(present, nulls)
            row = template.copy()
            for step in steps:
                offset = step(data, offset, row)
            rows.append(row)
        if offset != end:
            raise ValueError(f"the last row ends at byte {offset}, the rows at {end}")
        return rows

    def row(self, data: bytes, offset: int, present: bytes) -> tuple[Row, int]:
        """One row, and the offset after it."""
        width = self._width(present)
        nulls = data[offset : offset + width]
        offset += width
        template, steps = self._plans.get(present + nulls) or self._plan(present, nulls)
        row = template.copy()
        for step in steps:
            offset = step(data, offset, row)
        return row, offset

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

    def _plan(self, present: bytes, nulls: bytes) -> tuple[Row, list[Step]]:
        if len(self._plans) >= MOST_PLANS:
            self._plans.clear()
        there, null_bits = int.from_bytes(present, "little"), int.from_bytes(nulls, "little")
        steps: list[Step] = []
        run: list[tuple[str, str]] = []
        place = 0
        for i, (column, read) in enumerate(zip(self._columns, self._reads, strict=True)):
            if not there >> i & 1:
                continue
            null = null_bits >> place & 1
            place += 1
            if null:
                continue
            if read is None:
                run.append((column.name, _fixed_code(column)))
                continue
            if run:
                steps.append(_fixed_step(run))
                run = []
            steps.append(_step(column, read))
        if run:
            steps.append(_fixed_step(run))
        plan = self._plans[present + nulls] = (
            {column.name: None for column in self._columns},
            steps,
        )
        return plan


def bytes_of_bits(count: int) -> bytes:
    """A bitmap with the first `count` bits set."""
    return ((1 << count) - 1).to_bytes((count + 7) >> 3, "little")


def _fixed_code(column: Column) -> str:
    code = FIXED.get(column.type, "")
    return code.upper() if column.unsigned and code in "bhiq" else code


def _fixed_step(run: list[tuple[str, str]]) -> Step:
    layout = struct.Struct("<" + "".join(code for _, code in run))
    unpack, size = layout.unpack_from, layout.size
    if len(run) == 1:
        name = run[0][0]

        def one(data: bytes, offset: int, row: Row) -> int:
            (row[name],) = unpack(data, offset)
            return offset + size

        return one
    names = [name for name, _ in run]

    def several(data: bytes, offset: int, row: Row) -> int:
        row.update(zip(names, unpack(data, offset), strict=True))
        return offset + size

    return several


def _step(column: Column, read: Read) -> Step:
    name, codec = column.name, column.codec
    # nearly all texts; saves a call each
    if _length_bytes(column) == 1 and codec in (None, "utf8"):

        def short(data: bytes, offset: int, row: Row) -> int:
            offset += 1
            end = offset + data[offset - 1]
            row[name] = (
                data[offset:end] if codec is None else str(data[offset:end], "utf8", "replace")
            )
            return end

        return short

    def step(data: bytes, offset: int, row: Row) -> int:
        row[name], offset = read(data, offset)
        return offset

    return step


def _length_bytes(column: Column) -> int:
    """Size of the length before a text's bytes; 0 if the column is no text."""
    if column.type in (VARCHAR, STRING):
        return 2 if column.meta[0] > 255 else 1
    return column.meta[0] if column.type == BLOB else 0


def _reader(column: Column) -> Read:
    kind, meta = column.type, column.meta
    if length_bytes := _length_bytes(column):
        return _text_reader(length_bytes, column.codec)
    if kind == INT24:
        return _number_reader(3, not column.unsigned)
    if kind == NEWDECIMAL:
        return _decimal_reader(meta[0], meta[1])
    if kind == YEAR:
        return lambda data, offset: (data[offset] + 1900, offset + 1)
    if kind in (DATE, NEWDATE):
        return _read_date
    if kind in (DATETIME2, TIMESTAMP2, TIME2):
        return {DATETIME2: _datetime_reader, TIMESTAMP2: _timestamp_reader, TIME2: _time_reader}[
            kind
        ]((meta[0] + 1) // 2)
    if kind == BIT:
        return _bit_reader(meta[1] * 8 + meta[0])
    if kind == ENUM:
        return _enum_reader(meta[0], column.words)
    if kind == SET:
        return _set_reader(meta[0], column.words)
    raise UnknownType(
        f"column {column.name} has type {kind}{' (JSON of MySQL)' if kind == JSON else ''}"
    )


def _number_reader(size: int, signed: bool) -> Read:
    def read(data: bytes, offset: int) -> tuple[int, int]:
        end = offset + size
        return int.from_bytes(data[offset:end], "little", signed=signed), end

    return read


def _text_reader(size: int, codec: str | None) -> Read:
    """Text or bytes after a length of `size` bytes."""

    def read(data: bytes, offset: int) -> tuple[str | bytes, int]:
        start = offset + size
        end = start + int.from_bytes(data[offset:start], "little")
        piece = data[start:end]
        return (piece if codec is None else str(piece, codec, "replace")), end

    return read


def _decimal_reader(precision: int, scale: int) -> Read:
    whole_words, whole_rest = divmod(precision - scale, 9)
    part_words, part_rest = divmod(scale, 9)
    groups = [(DIGIT_BYTES[whole_rest], whole_rest)] if whole_rest else []
    groups += [(4, 9)] * (whole_words + part_words)
    groups += [(DIGIT_BYTES[part_rest], part_rest)] if part_rest else []
    size = sum(length for length, _ in groups)
    flip_all, sign_bit = (1 << 8 * size) - 1, 1 << (8 * size - 1)

    def read(data: bytes, offset: int) -> tuple[Decimal, int]:
        end = offset + size
        raw = int.from_bytes(data[offset:end], "big") ^ sign_bit
        negative = bool(raw & sign_bit)
        if negative:
            raw ^= flip_all
        bits, digits = 8 * size, 0
        for length, count in groups:
            bits -= 8 * length
            digits = digits * 10**count + (raw >> bits & ((1 << 8 * length) - 1))
        return Decimal(-digits if negative else digits).scaleb(-scale, _EXACT), end

    return read


_EXACT = Context(prec=80)


def _read_date(data: bytes, offset: int) -> tuple[datetime.date | None, int]:
    packed = int.from_bytes(data[offset : offset + 3], "little")
    year, month, day = packed >> 9, packed >> 5 & 15, packed & 31
    return (datetime.date(year, month, day) if year and month and day else None), offset + 3


def _datetime_reader(fraction: int) -> Read:
    scale = 10 ** (6 - 2 * fraction)
    size = 5 + fraction

    def read(data: bytes, offset: int) -> tuple[datetime.datetime | None, int]:
        packed = int.from_bytes(data[offset : offset + 5], "big") - 0x8000000000
        micros = int.from_bytes(data[offset + 5 : offset + size], "big") * scale
        year, month = divmod(packed >> 22, 13)
        day = packed >> 17 & 31
        if not (year and month and day):
            return None, offset + size
        when = datetime.datetime(
            year, month, day, packed >> 12 & 31, packed >> 6 & 63, packed & 63, micros
        )
        return when, offset + size

    return read


def _timestamp_reader(fraction: int) -> Read:
    scale = 10 ** (6 - 2 * fraction)
    size = 4 + fraction
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)

    def read(data: bytes, offset: int) -> tuple[datetime.datetime | None, int]:
        seconds = int.from_bytes(data[offset : offset + 4], "big")
        micros = int.from_bytes(data[offset + 4 : offset + size], "big") * scale
        zero = not seconds and not micros
        return (
            None if zero else epoch + datetime.timedelta(seconds=seconds, microseconds=micros)
        ), offset + size

    return read


def _time_reader(fraction: int) -> Read:
    scale = 10 ** (6 - 2 * fraction)
    size, shift = 3 + fraction, 8 * fraction
    zero = 0x800000 << shift

    def read(data: bytes, offset: int) -> tuple[datetime.timedelta, int]:
        packed = int.from_bytes(data[offset : offset + size], "big") - zero
        size_of = abs(packed)
        clock, micros = size_of >> shift, (size_of & ((1 << shift) - 1)) * scale
        span = datetime.timedelta(
            hours=clock >> 12 & 1023,
            minutes=clock >> 6 & 63,
            seconds=clock & 63,
            microseconds=micros,
        )
        return (-span if packed < 0 else span), offset + size

    return read


def _bit_reader(bits: int) -> Read:
    size = (bits + 7) >> 3

    def read(data: bytes, offset: int) -> tuple[str, int]:
        end = offset + size
        return f"{int.from_bytes(data[offset:end], 'big'):0{bits}b}", end

    return read


def _enum_reader(size: int, words: tuple[str, ...]) -> Read:
    by_number = ("", *words)

    def read(data: bytes, offset: int) -> tuple[str, int]:
        end = offset + size
        return by_number[int.from_bytes(data[offset:end], "little")], end

    return read


def _set_reader(size: int, words: tuple[str, ...]) -> Read:
    def read(data: bytes, offset: int) -> tuple[set[str] | None, int]:
        end = offset + size
        mask = int.from_bytes(data[offset:end], "little")
        return {word for i, word in enumerate(words) if mask >> i & 1} or None, end

    return read
