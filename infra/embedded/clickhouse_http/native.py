"""Native blocks for clients that name a protocol revision.

Those are clickhouse-connect, clickhouse-go and Grafana. The engine writes revision 0: `columns rows
(name type data)*`. A newer client expects block info before that, and from revision 54454 a byte
after each column's type (no custom serialisation). So every column's data must be measured.
"""

import re
from functools import lru_cache

from infra.embedded.clickhouse_http.errors import ClickHouseError

BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"
SERIALISATION_SINCE = 54454

_WIDTH = {
    "UInt8": 1, "Int8": 1, "Bool": 1, "Enum8": 1, "Nothing": 1,
    "UInt16": 2, "Int16": 2, "Date": 2, "Enum16": 2, "BFloat16": 2,
    "UInt32": 4, "Int32": 4, "Float32": 4, "DateTime": 4, "Date32": 4, "IPv4": 4, "Time": 4,
    "UInt64": 8, "Int64": 8, "Float64": 8, "DateTime64": 8, "Time64": 8,
    "UUID": 16, "IPv6": 16, "UInt128": 16, "Int128": 16, "UInt256": 32, "Int256": 32,
}  # fmt: skip
_FIELD_NAME = re.compile(r"^(?:`(?:[^`\\]|\\.)*`|[A-Za-z_]\w*)\s+(?=[A-Z])")


def reframe(block: bytes, revision: int) -> bytes:
    """Rewrite blocks of revision 0 for `revision`.

    Raises `ClickHouseError` for a type it cannot measure.
    """
    out = []
    place = 0
    while place < len(block):
        start = place
        columns, place = _varint(block, place)
        rows, place = _varint(block, place)
        out += [BLOCK_INFO, block[start:place]]
        for _ in range(columns):
            start = place
            length, place = _varint(block, place)
            place += length
            length, place = _varint(block, place)
            kind = block[place : place + length].decode()
            place += length
            out.append(block[start:place])
            if revision >= SERIALISATION_SINCE:
                out.append(b"\x00")
            start = place
            if rows:
                place = _data(kind, block, _prefix(kind, block, place), rows)
            out.append(block[start:place])
    return b"".join(out)


def _varint(block: bytes, place: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = block[place]
        place += 1
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number, place


@lru_cache(maxsize=4096)
def _split(kind: str) -> tuple[str, tuple[str, ...]]:
    """`Map(String, Array(UInt8))` → (`Map`, (`String`, `Array(UInt8)`))."""
    if "(" not in kind:
        return kind, ()
    name, _, inner = kind.partition("(")
    parts, depth, part, quote, escaped = [], 0, "", "", False
    for char in inner[:-1]:
        if quote:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == quote:
                quote = ""
        elif char in "'`":
            quote = char
        else:
            depth += (char == "(") - (char == ")")
        if char == "," and not depth and not quote:
            parts.append(part.strip())
            part = ""
        else:
            part += char
    parts.append(part.strip())
    if name in ("Tuple", "Nested"):
        parts = [_FIELD_NAME.sub("", part) for part in parts]
    return name, tuple(parts)


@lru_cache(maxsize=4096)
def _width(name: str, arguments: tuple[str, ...]) -> int | None:
    """Bytes of one value, or None if they vary."""
    if name == "FixedString":
        return int(arguments[0])
    if name == "Decimal":
        digits = int(arguments[0])
        return 4 if digits <= 9 else 8 if digits <= 18 else 16 if digits <= 38 else 32
    if name.startswith("Interval"):
        return 8
    return _WIDTH.get(name)


def _prefix(kind: str, block: bytes, place: int) -> int:
    name, arguments = _split(kind)
    if name == "LowCardinality":
        return place + 8
    if name == "SimpleAggregateFunction":
        return _prefix(arguments[1], block, place)
    for inner in arguments if name in ("Tuple", "Nested", "Array", "Map", "Nullable") else ():
        place = _prefix(inner, block, place)
    return place


def _data(kind: str, block: bytes, place: int, rows: int) -> int:
    """Where the data of `rows` values of that type ends."""
    name, arguments = _split(kind)
    width = _width(name, arguments)
    if width is not None:
        return place + width * rows
    if name == "String":
        for _ in range(rows):
            length, place = _varint(block, place)
            place += length
        return place
    if name == "Nullable":
        return _data(arguments[0], block, place + rows, rows)
    if name == "SimpleAggregateFunction":
        return _data(arguments[1], block, place, rows)
    if name in ("Array", "Map", "Nested"):
        if not rows:
            return place
        total = int.from_bytes(block[place + 8 * rows - 8 : place + 8 * rows], "little")
        place += 8 * rows
        for inner in arguments:
            place = _data(inner, block, place, total)
        return place
    if name == "Tuple":
        for inner in arguments:
            place = _data(inner, block, place, rows)
        return place
    if name == "LowCardinality":
        return _dictionary(arguments[0], block, place, rows)
    raise ClickHouseError.make(
        48, f"Native framing of {kind} is not supported, use FORMAT JSON", "NOT_IMPLEMENTED"
    )


def _dictionary(kind: str, block: bytes, place: int, rows: int) -> int:
    if not rows:
        return place
    index_width = 1 << block[place]
    size = int.from_bytes(block[place + 8 : place + 16], "little")
    inner = kind[len("Nullable(") : -1] if kind.startswith("Nullable(") else kind
    place = _data(inner, block, place + 16, size)
    return place + 8 + index_width * int.from_bytes(block[place : place + 8], "little")
