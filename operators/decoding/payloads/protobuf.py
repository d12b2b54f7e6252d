"""The wire format of protocol buffers: numbered fields, without a schema.

Source: protobuf.dev, "Encoding".
"""

import struct
from collections.abc import Iterator
from typing import Any

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10


class NotProtobuf(ValueError):
    """The bytes are not a message."""


def fields(message: bytes) -> Iterator[tuple[int, int, Any]]:
    """(number, wire type, value) of each field: an int, or bytes. Raises `NotProtobuf`."""
    at, end = 0, len(message)
    while at < end:
        tag, at = _varint(message, at)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            value, at = _varint(message, at)
            yield number, wire, value
            continue
        if wire == BYTES:
            size, at = _varint(message, at)
        else:
            size = {FIXED64: 8, FIXED32: 4}.get(wire, -1)
        if size < 0 or at + size > end or number == 0:
            raise NotProtobuf(f"field {number} of wire type {wire} ends behind the message")
        yield number, wire, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for n, byte in enumerate(message[at : at + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << 7 * n
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at + n + 1
    raise NotProtobuf("a number does not end")


def text(value: bytes) -> str:
    """Return a string field. Raises `NotProtobuf`."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise NotProtobuf("a text is not UTF-8") from None


def number(value: bytes) -> float:
    """Return a float or double field as the shortest decimal that it stands for."""
    if len(value) == 4:
        (single,) = struct.unpack("<f", value)
        return float(f"{single:.7g}")
    (double,) = struct.unpack("<d", value)
    return float(double)
