"""Values of columns, the same whether they come from a table or from the binary log."""

import datetime
import re
import socket
import struct
import uuid
import zlib
from collections.abc import Callable
from decimal import Decimal
from typing import Any

_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]").search
_SMALLEST_PLAIN = -6
"""The power of ten from which on `str` writes a `Decimal` without exponent."""
_FLOAT = struct.Struct("<f")


def text_or_hex(data: bytes) -> str:
    """Bytes as text where they are UTF-8 without control characters, else as hex digits."""
    if _CONTROL(data):
        return data.hex()
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.hex()


def shortest(value: float) -> float:
    """The number with the fewest digits that is this value of a FLOAT column: 0.1."""
    exact = _FLOAT.pack(value)
    for digits in (6, 7, 8):
        short = float(f"{value:.{digits}g}")
        try:
            if _FLOAT.pack(short) == exact:
                return short
        except OverflowError:
            continue
    return float(f"{value:.9g}")


def plain(value: Decimal) -> Decimal | str:
    """A number whose text has no exponent: a small one, `0E-9`, as the text that MariaDB shows."""
    return value if value.adjusted() >= _SMALLEST_PLAIN else format(value, "f")


def geometry(data: bytes) -> dict[str, Any]:
    """SRID and WKB (in hex digits) of a geometry."""
    if len(data) < 9:
        raise ValueError(f"geometry of {len(data)} bytes")
    return {"srid": int.from_bytes(data[:4], "little"), "wkb": data[4:].hex()}


def utc(value: datetime.datetime | str) -> datetime.datetime | str:
    """A TIMESTAMP that was read in a session of the time zone UTC."""
    return value.replace(tzinfo=datetime.UTC) if isinstance(value, datetime.datetime) else value


def uncompressed(data: bytes) -> bytes:
    """The value of a COMPRESSED column.

    A byte with the method and the size of the length, the length, and a zlib stream with or without
    its header. Raises `ValueError` or `zlib.error`.
    """
    if not data or not data[0]:
        return data[1:]
    if not data[0] & 0x80:
        raise ValueError(f"compressed by the unknown method {data[0]:#x}")
    start = 1 + (data[0] & 7)
    value = zlib.decompress(data[start:], -15 if data[0] & 8 else 15)
    if len(value) != int.from_bytes(data[1:start], "big"):
        raise ValueError(f"{len(value)} bytes, expected {int.from_bytes(data[1:start], 'big')}")
    return value


def _inet6(data: bytes) -> str:
    """An address as MariaDB writes it: the first longest run of zeros is left out, be it one."""
    groups = struct.unpack(">8H", data.ljust(16, b"\0"))
    run = max((n for n in range(8, 0, -1) if _zeros(groups, n) is not None), default=0)
    start = _zeros(groups, run) if run else None
    if start is None:
        return ":".join(f"{group:x}" for group in groups)
    if start == 0 and (run == 6 or (run == 5 and groups[5] == 0xFFFF)):
        return ("::ffff:" if run == 5 else "::") + socket.inet_ntoa(data[12:].ljust(4, b"\0"))
    before, after = groups[:start], groups[start + run :]
    return "::".join(":".join(f"{group:x}" for group in part) for part in (before, after))


def _zeros(groups: tuple[int, ...], run: int) -> int | None:
    """Where the first so many zeros are."""
    return next((n for n in range(9 - run) if not any(groups[n : n + run])), None)


ADDRESSES: dict[str, Callable[[bytes], str]] = {
    "uuid": lambda data: str(uuid.UUID(bytes=data.ljust(16, b"\0"))),
    "inet6": _inet6,
    "inet4": lambda data: socket.inet_ntop(socket.AF_INET, data.ljust(4, b"\0")),
}
"""Types whose values are bytes in the log and text in the table."""

SPATIAL = (
    "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
    "geometrycollection",
)  # fmt: skip
FROM_TABLE: dict[str, Callable[[Any], Any]] = {
    "timestamp": utc,
    "float": shortest,
    "decimal": plain,
    "bit": int.from_bytes,
    **dict.fromkeys(("binary", "varbinary", "vector"), text_or_hex),
    **dict.fromkeys(("tinyblob", "blob", "mediumblob", "longblob"), text_or_hex),
    **dict.fromkeys(SPATIAL, geometry),
}
"""By the declared type, what is made of a value that the client read from a table."""
