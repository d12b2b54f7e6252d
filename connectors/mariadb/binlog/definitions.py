"""Tables as the server defines them now, and whether they were so when the log was written.

The binary log does not hold all of a table's definition: without `binlog_row_metadata=FULL` no
names, and never that a column is a UUID or that the table is system-versioned. What the server
says now holds for rows behind the last change of the table in the log.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.mariadb.binlog.statements import TableChange, table_changes

REMEDY = (
    "set `binlog_row_metadata=FULL` under [mysqld] in the server's my.cnf, or SET GLOBAL"
    " binlog_row_metadata=FULL, so that the log says what its rows are (MariaDB 10.5 or later)"
)
FROM_TABLE = "after such a change discard the flow's saved position to read the table anew"
HASH_COLUMN = "DB_ROW_HASH_"
"""How the columns begin that MariaDB adds for a UNIQUE key of texts of any length."""
_WORD = re.compile(r"'((?:[^'\\\\]|''|\\\\.)*)'", re.DOTALL)
_ESCAPED = {"0": "\0", "n": "\n", "r": "\r", "Z": "\x1a"}

Name = tuple[str, str]
"""(schema, table)."""


class UnknownColumns(Exception):
    """What the log leaves out of a table's definition is not known any more."""


class SchemaNeeded(Exception):
    """The definitions have to be asked for again, with the changes in the rest of the log."""


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


class Definitions:
    """What `describe` said of the tables at one moment.

    `pending` are the changes of each table in the log before that moment, None where nobody looked.
    """

    def __init__(
        self, describe: Describe, pending: Mapping[Name, list[TableChange]] | None = None
    ) -> None:
        self._describe = describe
        self._pending = None if pending is None else {t: list(c) for t, c in pending.items()}
        self._outdated: set[Name] = set()

    def of(self, schema: str, table: str, *words: str) -> list[Described]:
        """The columns of a table, also of one that is not there any more (none).

        With `words`, changes that speak of none of them do not matter. Raises `UnknownColumns` if
        the table was changed since, `SchemaNeeded` if that is not known.
        """
        name = (schema, table)
        if self._pending is None or name in self._outdated:
            raise SchemaNeeded(f"{schema}.{table}")
        for change in self._pending.get(name, ()):
            if change.concerns(words):
                raise UnknownColumns(
                    f"table {schema}.{table} was changed after these rows were written"
                    f" ({change.text[:100]!r}), and the binary log does not say what it was before;"
                    f" {FROM_TABLE if words else REMEDY}"
                )
        return self._describe(schema, table)

    def statement(self, schema: str, text: str, tables: frozenset[Name]) -> None:
        """A statement of the log has been passed."""
        for name, change in table_changes(schema, text, tables):
            pending = self._pending.get(name) if self._pending is not None else None
            if pending and pending[0] == change:
                pending.pop(0)
            else:
                self._outdated.add(name)


def words_of(column_type: str) -> tuple[str, ...]:
    """The words of an ENUM or SET column, of its type as information_schema shows it."""

    def plain(word: str) -> str:
        return re.sub(r"''|\\(.)", lambda m: _ESCAPED.get(m[1], m[1]) if m[1] else "'", word)

    return tuple(plain(word) for word in _WORD.findall(column_type))


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
                "SELECT TABLE_TYPE = 'SYSTEM VERSIONED', (SELECT COUNT(DISTINCT INDEX_NAME) FROM"
                " information_schema.STATISTICS s WHERE s.TABLE_SCHEMA = t.TABLE_SCHEMA AND"
                " s.TABLE_NAME = t.TABLE_NAME AND INDEX_TYPE = 'HASH' AND ENGINE <> 'MEMORY')"
                " FROM information_schema.TABLES t WHERE TABLE_SCHEMA=%s AND TABLE_NAME=%s",
                (schema, table),
            )
            versioned, hashes = cursor.fetchone() or (False, 0)
        if versioned and not any(column.ends for column in columns):
            columns += [
                Described(name, "timestamp", "timestamp(6)", None, False, name == "row_end", True)
                for name in ("row_start", "row_end")
            ]
        columns += [
            Described(f"{HASH_COLUMN}{n}", "bigint", "bigint(20)", None, False, hidden=True)
            for n in range(1, hashes + 1)
        ]
        return columns

    return describe
