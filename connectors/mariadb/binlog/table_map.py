"""The definition of a table in the binary log (a TABLE_MAP event), or from information_schema."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from connectors.mariadb.binlog.charsets import BINARY, codec_of, codec_of_collation
from connectors.mariadb.binlog.column_types import (
    CHARACTER,
    DECLARED,
    ENUM,
    NUMERIC,
    ONE_META_BYTE,
    SET,
    STRING,
    TIMESTAMP2,
    TWO_META_BYTES,
    VAR_STRING,
    VARCHAR,
    VARCHAR_COMPRESSED,
)
from connectors.mariadb.binlog.packets import length_coded

HASH_COLUMN = "DB_ROW_HASH_"
"""How the columns begin that MariaDB adds for a UNIQUE key of texts of any length."""


class UnknownColumns(Exception):
    """The log holds no column names, and the table is not defined any more as it was then."""


@dataclass(frozen=True)
class Column:
    """A column: its type and `meta` numbers as in the log; `codec` is None for bytes."""

    type: int
    meta: tuple[int, ...] = ()
    name: str = ""
    unsigned: bool = False
    codec: str | None = "utf8"
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table at one moment of the log.

    `key` are the names of the primary key's columns, `hidden` those of columns that nobody
    declared. `ends` is the column of a system-versioned table that says when a row ended.
    """

    schema: str
    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    ends: str | None = None

    @property
    def full_name(self) -> str:
        """The table as `schema.table`."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class Described:
    """A column as information_schema has it, or one that it does not list (`hidden`)."""

    name: str
    declared: str
    full: str
    charset: str | None
    key: bool
    ends: bool = False
    hidden: bool = False


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
    if 4 not in fields:
        described = describe(schema, name)
        named = _from_schema(f"{schema}.{name}", columns, described)
        key = tuple(c.name for c in described if c.key)
    else:
        columns, key = _from_log(columns, fields)
        named = tuple(columns)
        described = describe(schema, name) if _may_be_versioned(columns) else []
    return Table(
        schema,
        name,
        named,
        key,
        tuple(c.name for c in described if c.hidden)
        + tuple(c.name for c in columns if c.name.startswith(HASH_COLUMN)),
        next((c.name for c in described if c.ends), None),
    )


def _may_be_versioned(columns: list[Column]) -> bool:
    return sum(column.type == TIMESTAMP2 and column.meta == (6,) for column in columns) >= 2


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
    fits = len(described) == len(columns) and all(
        column.type in DECLARED.get(d.declared, {column.type})
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
            codec=codec_of(d.charset),
            words=tuple(w.replace("''", "'") for w in re.findall(r"'((?:[^']|'')*)'", d.full)),
        )
        for column, d in zip(columns, described, strict=True)
    )


def describe_with(connection: Any) -> Describe:
    """Ask a server's information_schema, in the order of the columns."""

    def describe(schema: str, table: str) -> list[Described]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, CHARACTER_SET_NAME, COLUMN_KEY ="
                " 'PRI', COALESCE(GENERATION_EXPRESSION = 'ROW END', FALSE) FROM"
                " information_schema.COLUMNS WHERE TABLE_SCHEMA=%s AND TABLE_NAME=%s ORDER BY"
                " ORDINAL_POSITION",
                (schema, table),
            )
            columns = [
                Described(name, kind.lower(), full, charset, bool(key), bool(ends))
                for name, kind, full, charset, key, ends in cursor.fetchall()
            ]
            cursor.execute(
                "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA=%s AND TABLE_NAME=%s"
                " AND TABLE_TYPE = 'SYSTEM VERSIONED'",
                (schema, table),
            )
            versioned = cursor.fetchone() is not None
        if versioned and not any(column.ends for column in columns):
            columns += [
                Described(name, "timestamp", "timestamp(6)", None, False, name == "row_end", True)
                for name in ("row_start", "row_end")
            ]
        return columns

    return describe


def _codecs(fields: dict[int, bytes], default: int, each: int, count: int) -> list[str | None]:
    if each in fields:
        return [codec_of_collation(number) for number in _numbers(fields[each])]
    numbers = _numbers(fields.get(default, bytes([BINARY])))
    others = dict(zip(numbers[1::2], numbers[2::2], strict=True))
    return [codec_of_collation(others.get(i, numbers[0])) for i in range(count)]


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
