"""The definition of a table in the binary log (a TABLE_MAP event)."""

from dataclasses import dataclass, replace
from typing import Any

from connectors.mariadb.binlog.charset_tables import decoder_of
from connectors.mariadb.binlog.charsets import BINARY, codec_of, codec_of_collation
from connectors.mariadb.binlog.column_types import (
    CHARACTER,
    DECLARED,
    ENUM,
    GEOMETRY,
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
from connectors.mariadb.binlog.definitions import (
    FROM_TABLE,
    HASH_COLUMN,
    REMEDY,
    Definitions,
    Described,
    UnknownColumns,
    words_of,
)
from connectors.mariadb.binlog.packets import length_coded
from connectors.mariadb.binlog.temporal_values import BEFORE_10_1
from connectors.mariadb.values import text_or_hex


@dataclass(frozen=True)
class Column:
    """A column: its type and `meta` numbers as in the log; `codec` is None for bytes.

    `declared` is the type that the table gives it, where the log's does not say enough.
    """

    type: int
    meta: tuple[int, ...] = ()
    name: str = ""
    unsigned: bool = False
    codec: str | None = "utf8"
    words: tuple[str, ...] = ()
    declared: str = ""


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


def table_names(data: bytes) -> tuple[str, str, int]:
    """(schema, table, offset of what follows) of a TABLE_MAP event."""
    schema_end = 29 + data[28]
    name_end = schema_end + 2 + data[schema_end + 1]
    return (
        data[29:schema_end].decode("utf8"),
        data[schema_end + 2 : name_end].decode("utf8"),
        name_end + 1,
    )


def parse_table(data: bytes, end: int, definitions: Definitions) -> Table:
    """The definition in a TABLE_MAP event; what it lacks is taken from `definitions`.

    Raises `UnknownColumns` where that cannot be proved to be what it was then, and `SchemaNeeded`.
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
    described: list[Described] = []
    if 4 not in fields:
        described = definitions.of(schema, name)
        columns = _from_schema(f"{schema}.{name}", columns, described)
        key = tuple(c.name for c in described if c.key)
    else:
        columns, key = _from_log(columns, fields)
        if sum(column.type == TIMESTAMP2 and column.meta == (6,) for column in columns) >= 2:
            described = definitions.of(schema, name, "versioning", "period")
        columns = [_declared(column, schema, name, definitions) for column in columns]
    return Table(
        schema,
        name,
        tuple(columns),
        key,
        tuple(c.name for c in described if c.hidden)
        + tuple(c.name for c in columns if c.name.startswith(HASH_COLUMN)),
        next((c.name for c in described if c.ends), None),
    )


def _declared(column: Column, schema: str, table: str, definitions: Definitions) -> Column:
    """The column with its declared type, where the same type of the log may be one of several.

    UUID and INET6 are BINARY(16) in the log, and old times do not say that they have fractions.
    """
    is_bytes = column.type == STRING and column.codec is None and column.meta[0] in (4, 16)
    if not is_bytes and column.type not in BEFORE_10_1:
        return column
    described = definitions.of(schema, table, column.name)
    found = next((d for d in described if d.name == column.name), None)
    if found is None or column.type not in DECLARED.get(found.declared, ()):
        raise UnknownColumns(
            f"column {column.name} of {schema}.{table} is not defined any more as it was when these"
            f" rows were written, and the binary log does not say what it was; {FROM_TABLE}"
        )
    if column.type in BEFORE_10_1 and "(" in found.full:
        raise UnknownColumns(
            f"column {column.name} of {schema}.{table} is a {found.full} of the format of before"
            " MariaDB 10.1, which the binary log does not describe: set mysql56_temporal_format=ON"
            f" and ALTER TABLE {table} FORCE"
        )
    return replace(column, declared=found.declared)


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
    word_codecs = iter(_codecs(fields, 10, 11, sum(c.type in (ENUM, SET) for c in columns)))
    sets, enums = iter(_words(fields.get(5, b""))), iter(_words(fields.get(6, b"")))
    whole = []
    for column, name in zip(columns, names, strict=True):
        changes: dict[str, Any] = {"name": name}
        if column.type in NUMERIC:
            changes["unsigned"] = next(unsigned, False)
        elif column.type in CHARACTER:
            changes["codec"] = next(codecs)
        elif column.type in (ENUM, SET):
            codec = next(word_codecs)
            text = text_or_hex if codec is None else decoder_of(codec)
            words = next(enums if column.type == ENUM else sets)
            changes["words"] = tuple(text(word) for word in words)
        whole.append(replace(column, **changes))
    key = _numbers(fields[9])[::2] if 9 in fields else _numbers(fields.get(8, b""))
    return whole, tuple(names[i] for i in key)


def _from_schema(table: str, columns: list[Column], described: list[Described]) -> list[Column]:
    fits = len(described) == len(columns) and all(
        column.type in DECLARED.get(d.declared, {column.type})
        for column, d in zip(columns, described, strict=True)
    )
    if not fits:
        raise UnknownColumns(
            f"the binary log holds no column names, and table {table} ({len(described)} columns) is"
            " not defined any more as it was when these rows were written"
            f" ({len(columns)} columns); {REMEDY}"
        )
    return [
        replace(
            column,
            name=d.name,
            unsigned="unsigned" in d.full,
            codec=None if column.type == GEOMETRY else codec_of(d.charset),
            words=words_of(d.full) if column.type in (ENUM, SET) else (),
            declared=d.declared,
        )
        for column, d in zip(columns, described, strict=True)
    ]


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


def _words(data: bytes) -> list[list[bytes]]:
    """The words of each ENUM or SET column."""
    columns, offset = [], 0
    while offset < len(data):
        count, offset = length_coded(data, offset)
        words = []
        for _ in range(count):
            length, start = length_coded(data, offset)
            offset = start + length
            words.append(data[start:offset])
        columns.append(words)
    return columns
