"""The definition of a table as the binary log tells it (a TABLE_MAP event), completed from
information_schema.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from pymysql.charset import charset_by_id

from connectors.mariadb.binlog.stream import length_coded

TINY, SHORT, LONG, FLOAT, DOUBLE, TIMESTAMP, LONGLONG, INT24, DATE, TIME, DATETIME, YEAR = (
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    9,
    10,
    11,
    12,
    13,
)
NEWDATE, VARCHAR, BIT, TIMESTAMP2, DATETIME2, TIME2, BLOB_COMPRESSED, VARCHAR_COMPRESSED = (
    14,
    15,
    16,
    17,
    18,
    19,
    140,
    141,
)
JSON, NEWDECIMAL, ENUM, SET, TINY_BLOB, MEDIUM_BLOB, LONG_BLOB, BLOB, VAR_STRING, STRING, GEOMETRY = (
    245, 246, 247, 248, 249, 250, 251, 252, 253, 254, 255,
)  # fmt: skip

NUMERIC = {TINY, SHORT, INT24, LONG, LONGLONG, NEWDECIMAL, FLOAT, DOUBLE, YEAR}
CHARACTER = {STRING, VAR_STRING, VARCHAR, BLOB, GEOMETRY, BLOB_COMPRESSED, VARCHAR_COMPRESSED}
TWO_META_BYTES = {VARCHAR, VAR_STRING, STRING, NEWDECIMAL, BIT, ENUM, SET, VARCHAR_COMPRESSED}
ONE_META_BYTE = {DOUBLE, FLOAT, BLOB, GEOMETRY, JSON, TIMESTAMP2, DATETIME2, TIME2, BLOB_COMPRESSED}
BINARY_CHARSET = 63
DECLARED = {
    "tinyint": {TINY}, "smallint": {SHORT}, "mediumint": {INT24}, "int": {LONG}, "bigint": {LONGLONG}, "float": {FLOAT},
    "double": {DOUBLE}, "decimal": {NEWDECIMAL}, "date": {DATE, NEWDATE}, "time": {TIME, TIME2}, "year": {YEAR},
    "datetime": {DATETIME, DATETIME2}, "timestamp": {TIMESTAMP, TIMESTAMP2}, "bit": {BIT}, "enum": {ENUM}, "set": {SET},
    "varchar": {VARCHAR, VARCHAR_COMPRESSED}, "varbinary": {VARCHAR, VARCHAR_COMPRESSED}, "char": {STRING},
    "binary": {STRING}, "uuid": {STRING}, "inet6": {STRING}, "inet4": {STRING}, "json": {BLOB, JSON},
}  # fmt: skip
_BLOBS = {
    f"{size}{kind}": {BLOB, BLOB_COMPRESSED}
    for size in ("", "tiny", "medium", "long")
    for kind in ("text", "blob")
}


CODECS = {
    "latin1": "cp1252", "utf8mb3": "utf8", "utf8mb4": "utf8", "ucs2": "utf-16-be", "utf16": "utf-16-be",
    "utf16le": "utf-16-le", "utf32": "utf-32-be", "koi8r": "koi8_r", "koi8u": "koi8_u", "macroman": "mac_roman",
    "macce": "mac_latin2", "tis620": "tis_620", "ujis": "euc_jp", "eucjpms": "euc_jp", "cp932": "cp932",
    "latin5": "iso8859_9", "latin7": "iso8859_13", "latin2": "iso8859_2", "greek": "iso8859_7", "hebrew": "iso8859_8",
}  # fmt: skip

WIDE = {
    "utf-16-be": {
        35,
        54,
        55,
        90,
        159,
        *range(101, 125),
        *range(128, 152),
        *range(640, 643),
        *range(672, 675),
    },
    "utf-16-le": {56, 62},
    "utf-32-be": {60, 61, *range(160, 184), *range(736, 739)},
}


class UnknownColumns(Exception):
    """The log holds no column names, and the table is not defined any more as it was then."""


@dataclass(frozen=True)
class Column:
    """A column: its type code and `meta` numbers as in the log. `codec` None means bytes."""

    type: int
    meta: tuple[int, ...] = ()
    name: str = ""
    unsigned: bool = False
    codec: str | None = "utf8"
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table at one moment of the log. `key` are the names of the primary key's columns."""

    schema: str
    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class Described:
    """A column as information_schema has it."""

    name: str
    declared: str
    full: str
    charset: str | None
    key: bool


Describe = Callable[[str, str], list[Described]]


def table_names(data: bytes) -> tuple[str, str, int]:
    """(schema, table, offset of what follows) of a TABLE_MAP event."""
    schema_end = 29 + data[28]
    name_end = schema_end + 2 + data[schema_end + 1]
    return (
        data[29:schema_end].decode("utf8"),
        data[schema_end + 2 : name_end].decode("utf8"),
        name_end + 1,
    )


def parse_table(data: bytes, end: int, describe: Describe) -> Table:
    """The definition in a TABLE_MAP event; what it lacks is asked of `describe(schema, table)`.

    Raises `UnknownColumns` if that does not fit any more.
    """
    schema, name, offset = table_names(data)
    count, offset = length_coded(data, offset)
    types = data[offset : offset + count]
    _, offset = length_coded(data, offset + count)
    columns = []
    for kind in types:
        column, offset = _column(kind, data, offset)
        columns.append(column)
    offset += (count + 7) // 8
    fields = _optional_fields(data, offset, end)
    if 4 in fields:
        columns, key = _from_log(columns, fields)
        return Table(schema, name, tuple(columns), key)
    described = describe(schema, name)
    return Table(
        schema,
        name,
        _from_schema(f"{schema}.{name}", columns, described),
        tuple(c.name for c in described if c.key),
    )


def _column(kind: int, data: bytes, offset: int) -> tuple[Column, int]:
    if kind in (STRING, VAR_STRING):
        first, second = data[offset], data[offset + 1]
        if first in (ENUM, SET):
            return Column(first, (second,)), offset + 2
        return Column(STRING, (((first << 4 & 0x300) ^ 0x300) + second,)), offset + 2
    if kind in (VARCHAR, VARCHAR_COMPRESSED):
        return Column(kind, (int.from_bytes(data[offset : offset + 2], "little"),)), offset + 2
    size = 2 if kind in TWO_META_BYTES else 1 if kind in ONE_META_BYTE else 0
    return Column(kind, tuple(data[offset : offset + size])), offset + size


def _optional_fields(data: bytes, offset: int, end: int) -> dict[int, bytes]:
    fields = {}
    while offset < end:
        length, start = length_coded(data, offset + 1)
        fields[data[offset]] = data[start : start + length]
        offset = start + length
    return fields


def _from_log(
    columns: list[Column], fields: dict[int, bytes]
) -> tuple[list[Column], tuple[str, ...]]:
    names = _texts(fields[4])
    unsigned = iter(_bits(fields.get(1, b"")))
    codecs = iter(_codecs(fields, 2, 3, sum(c.type in CHARACTER for c in columns)))
    sets, enums = iter(_words(fields.get(5, b""))), iter(_words(fields.get(6, b"")))
    whole = []
    for column, name in zip(columns, names, strict=True):
        changes: dict[str, Any] = {"name": name}
        if column.type in NUMERIC:
            changes["unsigned"] = next(unsigned, False)
        elif column.type in CHARACTER:
            changes["codec"] = next(codecs)
        elif column.type in (ENUM, SET):
            changes["words"] = next(enums if column.type == ENUM else sets)
        whole.append(replace(column, **changes))
    key = _numbers(fields[9])[::2] if 9 in fields else _numbers(fields.get(8, b""))
    return whole, tuple(names[i] for i in key)


def _from_schema(
    table: str, columns: list[Column], described: list[Described]
) -> tuple[Column, ...]:
    declared = DECLARED | _BLOBS
    fits = len(described) == len(columns) and all(
        column.type in declared.get(d.declared, {column.type})
        for column, d in zip(columns, described, strict=True)
    )
    if not fits:
        raise UnknownColumns(
            f"the binary log holds no column names, and table {table} ({len(described)} columns) is"
            " not defined any more as it was when these rows were written"
            f" ({len(columns)} columns); set `binlog_row_metadata=FULL` under [mysqld] in the"
            " server's my.cnf, or SET GLOBAL binlog_row_metadata=FULL"
        )
    return tuple(
        replace(
            column,
            name=d.name,
            unsigned="unsigned" in d.full,
            codec=_codec_of(d.charset),
            words=tuple(w.replace("''", "'") for w in re.findall(r"'((?:[^']|'')*)'", d.full)),
        )
        for column, d in zip(columns, described, strict=True)
    )


def describe_with(connection: Any) -> Describe:
    """Ask a server's information_schema, in the order of the columns."""

    def describe(schema: str, table: str) -> list[Described]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, CHARACTER_SET_NAME, COLUMN_KEY FROM"
                " information_schema.COLUMNS WHERE TABLE_SCHEMA=%s AND TABLE_NAME=%s ORDER BY"
                " ORDINAL_POSITION",
                (schema, table),
            )
            return [
                Described(n, kind.lower(), full, charset, key == "PRI")
                for n, kind, full, charset, key in cursor.fetchall()
            ]

    return describe


def _codec_of(charset: str | None) -> str | None:
    return None if charset in (None, "binary") else CODECS.get(charset, charset)


def _codec(collation: int) -> str | None:
    if collation >= 2048:  # MariaDB's UCA 14 collations: the character set is in the high bits
        return {0x0A: "utf-16-be", 0x0B: "utf-16-be", 0x0C: "utf-32-be"}.get(collation >> 8, "utf8")
    # those that do not pad are 1024 higher
    number = collation - 1024 if collation >= 1024 else collation
    for codec, numbers in WIDE.items():
        if number in numbers:
            return codec
    try:
        return _codec_of(charset_by_id(number).name)
    except KeyError:
        return "utf8"


def _codecs(fields: dict[int, bytes], default: int, each: int, count: int) -> list[str | None]:
    if each in fields:
        return [_codec(number) for number in _numbers(fields[each])]
    numbers = _numbers(fields.get(default, bytes([BINARY_CHARSET])))
    others = dict(zip(numbers[1::2], numbers[2::2], strict=True))
    return [_codec(others.get(i, numbers[0])) for i in range(count)]


def _bits(data: bytes) -> list[bool]:
    return [bool(byte & 0x80 >> bit) for byte in data for bit in range(8)]


def _numbers(data: bytes) -> list[int]:
    numbers, offset = [], 0
    while offset < len(data):
        number, offset = length_coded(data, offset)
        numbers.append(number)
    return numbers


def _text(data: bytes, offset: int) -> tuple[str, int]:
    length, start = length_coded(data, offset)
    return data[start : start + length].decode("utf8", "replace"), start + length


def _texts(data: bytes) -> list[str]:
    texts, offset = [], 0
    while offset < len(data):
        text, offset = _text(data, offset)
        texts.append(text)
    return texts


def _words(data: bytes) -> list[tuple[str, ...]]:
    """The words of each ENUM or SET column."""
    columns, offset = [], 0
    while offset < len(data):
        count, offset = length_coded(data, offset)
        words = []
        for _ in range(count):
            word, offset = _text(data, offset)
            words.append(word)
        columns.append(tuple(words))
    return columns
