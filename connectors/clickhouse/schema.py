"""The schema of ClickHouse tables: numbered migrations per kind, what a database has, and bringing
it up to date.

Every statement can be applied again without effect (`IF NOT EXISTS`, `OR REPLACE`), so two
processes that migrate at the same time do no harm and need no lock.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from connectors.base import ConnectorError
from connectors.clickhouse.client import NO_TABLE
from connectors.clickhouse.columns import LAYOUTS
from connectors.clickhouse.table import Declared

_PARTITIONS = {"month": "toYYYYMM(time)", "day": "toYYYYMMDD(time)"}
_HISTORY_TABLE = (
    "CREATE TABLE IF NOT EXISTS vigie_migrations (`table` String, kind LowCardinality(String),"
    " number UInt32, name String, applied_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')) ENGINE ="
    " ReplacingMergeTree ORDER BY (`table`, kind, number)"
)
_TTL = re.compile(r"TTL toDateTime\(time\) \+ toIntervalDay\((\d+)\)")


@dataclass(frozen=True)
class Migration:
    """One numbered step of a kind of table: an SQL file of one statement, with `{table}`,
    `{partition}` and `{keep}`.
    """

    number: int
    name: str
    sql: str


@dataclass(frozen=True)
class Found:
    """A table as the database has it. `number` is the last migration applied, 0 for none;
    `columns` name → type.
    """

    kind: str | None
    number: int
    partition: str
    keep_days: int | None
    engine: str
    columns: dict[str, str]


@dataclass(frozen=True)
class Change:
    """One thing to do: words for people, the statement, and the migration that it completes."""

    words: str
    statement: str
    migration: Migration | None = None


@cache
def migrations(kind: str) -> tuple[Migration, ...]:
    """The migrations of a kind of table, in order; raises `KeyError` for a kind that is none."""
    LAYOUTS[kind]
    folder = files("connectors.clickhouse").joinpath("migrations", kind)
    found = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".sql")),
        key=lambda file: file.name,
    )
    return tuple(
        Migration(
            int(file.name.partition("_")[0]),
            file.name.removesuffix(".sql"),
            file.read_text(encoding="utf-8"),
        )
        for file in found
    )


class Schema:
    """The tables of one database. Methods raise ClickHouse's errors; what is wrong with a table
    is a `ConnectorError`.
    """

    def __init__(self, client: Client | None, database: str, remedy: str = "vigie migrate") -> None:
        """`remedy` is the command an error names; no client stands for a database that is not
        there yet.
        """
        self._connected = client
        self._database = database
        self._remedy = remedy

    @property
    def _client(self) -> Client:
        assert self._connected is not None
        return self._connected

    def look(self, table: str) -> Found | None:
        """What the database has under a name; None for nothing."""
        if self._connected is None:
            return None
        described = self._client.query(
            "SELECT engine, engine_full, partition_key FROM system.tables "
            "WHERE database = currentDatabase() AND name = {table:String}",
            parameters={"table": table},
        ).result_rows
        if not described:
            return None
        engine, full, partition = described[0]
        columns = self._client.query(
            "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table ="
            " {table:String}",
            parameters={"table": table},
        ).result_rows
        kind, number = self._applied(table)
        keep = _TTL.search(full)
        return Found(
            kind,
            number,
            partition,
            int(keep[1]) if keep else None,
            engine,
            {str(row[0]): str(row[1]) for row in columns},
        )

    def known(self) -> list[str]:
        """The tables that were migrated here."""
        if self._connected is None:
            return []
        try:
            rows = self._client.query(
                "SELECT DISTINCT `table` FROM vigie_migrations ORDER BY `table`"
            ).result_rows
        except DatabaseError as error:
            if NO_TABLE in str(error):
                return []
            raise
        return [row[0] for row in rows]

    def _applied(self, table: str) -> tuple[str | None, int]:
        try:
            rows = self._client.query(
                "SELECT kind, max(number) FROM vigie_migrations WHERE `table` = {table:String}"
                " GROUP BY kind ORDER BY 2",
                parameters={"table": table},
            ).result_rows
        except DatabaseError as error:
            if NO_TABLE in str(error):
                return None, 0
            raise
        return (rows[-1][0], int(rows[-1][1])) if rows else (None, 0)

    # ------------------------------------------------------------------------------------------------
    # checking
    def check(self, declared: Declared) -> Found | None:
        """The table if it can be written as it is, None if there is none; raises
        `ConnectorError` with the remedy.
        """
        found = self.look(declared.table)
        if found is None:
            return None
        self._refuse_what_does_not_fit(declared, found)
        kind = found.kind or declared.kind
        if kind is None:
            raise ConnectorError(
                f"{self._name(declared.table)} was not made by Vigie; name another table, or say"
                f" what it holds (kind: readings, alarms or events) and run `{self._remedy}`"
            )
        newest = migrations(kind)[-1].number
        if found.number < newest:
            raise ConnectorError(
                f"{self._name(declared.table)} has schema version {found.number}, this Vigie writes"
                f" version {newest}: run `{self._remedy}`"
            )
        self._refuse_lacking(declared.table, kind, found)
        return found

    def _refuse_what_does_not_fit(self, declared: Declared, found: Found) -> None:
        name = self._name(declared.table)
        if found.kind and found.kind not in LAYOUTS:
            raise ConnectorError(
                f"{name} holds {found.kind}, which a newer Vigie brought; update this program"
            )
        if found.kind and declared.kind and found.kind != declared.kind:
            raise ConnectorError(
                f"{name} holds {found.kind}, and this sink writes {declared.kind}: name another"
                " table"
            )
        if found.kind and found.number > (newest := migrations(found.kind)[-1].number):
            raise ConnectorError(
                f"{name} has schema version {found.number}, made by a newer Vigie; this one knows"
                f" version {newest}: update this program"
            )
        if "ReplacingMergeTree" not in found.engine:
            raise ConnectorError(
                f"{name} is a {found.engine}; expected a ReplacingMergeTree, which drops what is"
                " written twice: name another table"
            )

    def _refuse_lacking(self, table: str, kind: str, found: Found) -> None:
        wrong = [
            f"{column.name} {column.type}"
            + (f" (it is {found.columns[column.name]})" if column.name in found.columns else "")
            for column in LAYOUTS[kind].columns
            if found.columns.get(column.name) != column.type
        ]
        if wrong:
            raise ConnectorError(
                f"{self._name(table)} is no table of {kind}: it lacks {', '.join(wrong)}; name"
                " another table"
            )

    def _name(self, table: str) -> str:
        return f"the table {table!r} of the database {self._database!r}"

    def differences(self, declared: Declared, found: Found) -> list[str]:
        """What a definition says otherwise than the table, in words; rows are written all the
        same.
        """
        notes = []
        if found.keep_days != declared.keep_days:
            notes.append(
                f"{self._name(declared.table)} keeps rows {_span(found.keep_days)}, the definition"
                f" says {_span(declared.keep_days)}: `{self._remedy}` changes it"
            )
        if found.partition != _PARTITIONS[declared.partition]:
            notes.append(
                f"{self._name(declared.table)} is partitioned by {found.partition}, the definition"
                f" says {declared.partition}; that cannot be changed, only copied into a new table"
            )
        return notes

    # -----------------------------------------------------------------------------------------------
    # migrating
    def plan(self, declared: Declared) -> list[Change]:
        """What is to be done so that the table is as declared; raises `ConnectorError` for one
        that can never be.
        """
        found = self.look(declared.table)
        if found is not None:
            self._refuse_what_does_not_fit(declared, found)
        kind = (found.kind if found else None) or declared.kind
        if kind is None:
            raise ConnectorError(
                f"it cannot be told from the definitions what the table {declared.table!r} holds:"
                " write kind: readings, alarms or events at its sink"
            )
        if found is not None and found.number == 0:
            self._refuse_lacking(declared.table, kind, found)
        return list(_changes(declared, kind, found))

    def migrate(self, declared: Declared) -> list[Change]:
        """Do what `plan` says and record it."""
        changes = self.plan(declared)
        found = self.look(declared.table)
        kind = (found.kind if found else None) or declared.kind
        if any(change.migration for change in changes):
            self._client.command(_HISTORY_TABLE)
        for change in changes:
            self._do(change, declared)
            if change.migration:
                self._client.command(
                    "INSERT INTO vigie_migrations (`table`, kind, number, name) "
                    "SELECT {table:String}, {kind:String}, {number:UInt32}, {name:String}",
                    parameters={
                        "table": declared.table,
                        "kind": kind,
                        "number": change.migration.number,
                        "name": change.migration.name,
                    },
                )
        return changes

    def _do(self, change: Change, declared: Declared) -> None:
        try:
            self._client.command(change.statement)
        except DatabaseError:
            found = None if change.migration else self.look(declared.table)
            # else another process was faster
            if found is None or found.keep_days != declared.keep_days:
                raise


def _changes(declared: Declared, kind: str, found: Found | None) -> Iterator[Change]:
    done = found.number if found else 0
    for migration in migrations(kind):
        if migration.number > done:
            yield Change(
                f"{declared.table}: {migration.name}", _filled(migration, declared), migration
            )
    if found is not None and found.keep_days != declared.keep_days:
        change = f"MODIFY {_ttl(declared.keep_days)}" if declared.keep_days else "REMOVE TTL"
        words = (
            f"{declared.table}: keeps rows {_span(declared.keep_days)}, was"
            f" {_span(found.keep_days)}"
        )
        yield Change(words, f"ALTER TABLE `{declared.table}` {change}")


def _filled(migration: Migration, declared: Declared) -> str:
    values = {
        "table": declared.table,
        "partition": _PARTITIONS[declared.partition],
        "keep": _ttl(declared.keep_days),
    }
    return re.sub(
        r"\{(table|partition|keep)\}", lambda match: values[match[1]], migration.sql
    ).strip()


def _ttl(keep_days: int | None) -> str:
    return f"TTL toDateTime(time) + toIntervalDay({keep_days})" if keep_days else ""


def _span(keep_days: int | None) -> str:
    return "for ever" if keep_days is None else f"{keep_days} day{'' if keep_days == 1 else 's'}"
