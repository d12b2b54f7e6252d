"""What the bytes of one column's value in a row mean, by the type of the column."""

import struct
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any

from connectors.mariadb.binlog import temporal_values as temporal
from connectors.mariadb.binlog.charset_tables import decoder_of
from connectors.mariadb.binlog.column_types import (
    BIT,
    BLOB,
    BLOB_COMPRESSED,
    CHARACTER,
    ENUM,
    FLOAT,
    GEOMETRY,
    INT24,
    NEWDECIMAL,
    SET,
    STRING,
    VARCHAR,
    VARCHAR_COMPRESSED,
    YEAR,
)
from connectors.mariadb.binlog.table_map import Column
from connectors.mariadb.values import (
    ADDRESSES,
    geometry,
    plain,
    shortest,
    text_or_hex,
    uncompressed,
)

Value = Callable[[bytes], Any]
"""The value of some bytes."""

DIGIT_BYTES = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)
"""Bytes of a group of so many decimal digits."""
_FLOAT = struct.Struct("<f")


class UnknownType(ValueError):
    """A column's type is not decoded here."""


def length_bytes_of(column: Column) -> int:
    """Size of the length before a text's bytes; 0 if the column is no text."""
    if column.type in (VARCHAR, STRING, VARCHAR_COMPRESSED):
        return 2 if column.meta[0] > 255 else 1
    return column.meta[0] if column.type in (BLOB, GEOMETRY, BLOB_COMPRESSED) else 0


def value_of(column: Column) -> tuple[int, Value]:
    """(bytes of a value, what they mean), for a column that is not of a fixed number format.

    A column with `length_bytes_of` has no size of its own. Raises `UnknownType` for a type that is
    not known here.
    """
    kind, meta = column.type, column.meta
    if kind in CHARACTER:
        return 0, _text(column)
    if kind == INT24:
        signed = not column.unsigned
        return 3, lambda data: int.from_bytes(data, "little", signed=signed)
    if kind == FLOAT:
        return 4, lambda data: shortest(_FLOAT.unpack(data)[0])
    if kind == NEWDECIMAL:
        return _decimal(meta[0], meta[1])
    if kind == YEAR:
        return 1, lambda data: data[0] and data[0] + 1900
    if kind == BIT:
        return meta[1] + (meta[0] > 0), lambda data: int.from_bytes(data, "big")
    if kind == ENUM:
        words = ("", *column.words)
        return meta[0], lambda data: words[int.from_bytes(data, "little")]
    if kind == SET:
        return meta[0], _set(column.words)
    found = temporal.value_of(kind, meta)
    if found is None:
        raise UnknownType(f"column {column.name} has the type {kind}, which is not known")
    return found


def _text(column: Column) -> Value:
    if column.type == GEOMETRY:
        return geometry
    if column.declared in ADDRESSES:
        return ADDRESSES[column.declared]
    codec = column.codec
    if column.type in (BLOB_COMPRESSED, VARCHAR_COMPRESSED):
        if codec is None:
            return lambda data: text_or_hex(uncompressed(data))
        text = decoder_of(codec)
        return lambda data: text(uncompressed(data))
    if codec is not None:
        return decoder_of(codec)
    if column.type == STRING:
        size = column.meta[0]
        return lambda data: text_or_hex(data.ljust(size, b"\0"))
    return text_or_hex


def _decimal(precision: int, scale: int) -> tuple[int, Value]:
    whole_words, whole_rest = divmod(precision - scale, 9)
    part_words, part_rest = divmod(scale, 9)
    groups = [(DIGIT_BYTES[whole_rest], whole_rest)] if whole_rest else []
    groups += [(4, 9)] * (whole_words + part_words)
    groups += [(DIGIT_BYTES[part_rest], part_rest)] if part_rest else []
    size = sum(length for length, _ in groups)
    flip_all, sign_bit = (1 << 8 * size) - 1, 1 << (8 * size - 1)

    def value(data: bytes) -> Decimal | str:
        raw = int.from_bytes(data, "big") ^ sign_bit
        negative = bool(raw & sign_bit)
        if negative:
            raw ^= flip_all
        bits, digits = 8 * size, 0
        for length, count in groups:
            bits -= 8 * length
            digits = digits * 10**count + (raw >> bits & ((1 << 8 * length) - 1))
        return plain(Decimal(-digits if negative else digits).scaleb(-scale, _EXACT))

    return size, value


_EXACT = Context(prec=80)


def _set(words: tuple[str, ...]) -> Value:
    def value(data: bytes) -> str:
        mask = int.from_bytes(data, "little")
        if mask >> len(words):
            raise ValueError(f"member {mask.bit_length()} of {len(words)}")
        return ",".join(word for i, word in enumerate(words) if mask >> i & 1)

    return value
