"""How the value of one column is read from a row's bytes, by the type of the column."""

import datetime
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any

from connectors.mariadb.binlog.column_types import (
    BIT,
    BLOB,
    DATE,
    DATETIME,
    DATETIME2,
    ENUM,
    GEOMETRY,
    INT24,
    NEWDATE,
    NEWDECIMAL,
    SET,
    STRING,
    TIME,
    TIME2,
    TIMESTAMP,
    TIMESTAMP2,
    VARCHAR,
    YEAR,
)
from connectors.mariadb.binlog.table_map import Column

Read = Callable[[bytes, int], tuple[Any, int]]
"""(value, next offset) of what stands at an offset."""

DIGIT_BYTES = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)
"""Bytes of a group of so many decimal digits."""


class UnknownType(ValueError):
    """A column's type is not decoded here."""


def length_bytes_of(column: Column) -> int:
    """Size of the length before a text's bytes; 0 if the column is no text."""
    if column.type in (VARCHAR, STRING):
        return 2 if column.meta[0] > 255 else 1
    return column.meta[0] if column.type in (BLOB, GEOMETRY) else 0


def reader(column: Column) -> Read:
    """A function that reads a column that is not of a fixed number format.

    Raises `UnknownType` for a type that is not known here.
    """
    kind, meta = column.type, column.meta
    if length_bytes := length_bytes_of(column):
        return _text_reader(length_bytes, None if kind == GEOMETRY else column.codec)
    if kind == INT24:
        return _number_reader(3, not column.unsigned)
    if kind == NEWDECIMAL:
        return _decimal_reader(meta[0], meta[1])
    if kind == YEAR:
        return lambda data, offset: (data[offset] + 1900, offset + 1)
    if kind in (DATE, NEWDATE):
        return _read_date
    if kind in _BEFORE_10_1:
        return _BEFORE_10_1[kind]
    if kind in _TIME_READERS:
        return _TIME_READERS[kind]((meta[0] + 1) // 2)
    if kind == BIT:
        return _bit_reader(meta[1] * 8 + meta[0])
    if kind == ENUM:
        return _enum_reader(meta[0], column.words)
    if kind == SET:
        return _set_reader(meta[0], column.words)
    raise UnknownType(f"column {column.name} has the type {kind}, which is not known")


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
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


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

    def read(data: bytes, offset: int) -> tuple[datetime.datetime | None, int]:
        seconds = int.from_bytes(data[offset : offset + 4], "big")
        micros = int.from_bytes(data[offset + 4 : offset + size], "big") * scale
        zero = not seconds and not micros
        return (
            None if zero else _EPOCH + datetime.timedelta(seconds=seconds, microseconds=micros)
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


def _read_old_timestamp(data: bytes, offset: int) -> tuple[datetime.datetime | None, int]:
    seconds = int.from_bytes(data[offset : offset + 4], "little")
    return (_EPOCH + datetime.timedelta(seconds=seconds) if seconds else None), offset + 4


def _read_old_datetime(data: bytes, offset: int) -> tuple[datetime.datetime | None, int]:
    """Digits of a decimal number: YYYYMMDDhhmmss."""
    date, clock = divmod(int.from_bytes(data[offset : offset + 8], "little"), 1_000_000)
    (year, month), day = divmod(date // 100, 100), date % 100
    if not (year and month and day):
        return None, offset + 8
    when = datetime.datetime(year, month, day, clock // 10_000, clock // 100 % 100, clock % 100)
    return when, offset + 8


def _read_old_time(data: bytes, offset: int) -> tuple[datetime.timedelta, int]:
    """Digits of a decimal number: hhmmss, negative as a whole."""
    packed = int.from_bytes(data[offset : offset + 3], "little", signed=True)
    clock = abs(packed)
    span = datetime.timedelta(
        hours=clock // 10_000, minutes=clock // 100 % 100, seconds=clock % 100
    )
    return (-span if packed < 0 else span), offset + 3


_BEFORE_10_1: dict[int, Read] = {
    TIMESTAMP: _read_old_timestamp,
    DATETIME: _read_old_datetime,
    TIME: _read_old_time,
}
"""Times of tables made before MariaDB 10.1 or without `mysql56_temporal_format`, no fractions."""
_TIME_READERS: dict[int, Callable[[int], Read]] = {
    DATETIME2: _datetime_reader,
    TIMESTAMP2: _timestamp_reader,
    TIME2: _time_reader,
}
