"""The schema of ClickHouse tables: numbered migrations per kind, what a database has, and bringing
it up to date.

A table says in its comment what it holds and which migrations it has (`TableComment`). Every
statement can be applied again without effect (`IF NOT EXISTS`, `OR REPLACE`), so a migration that
was killed is repeated, and two processes that migrate at the same time do no harm and need no lock.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from clickhouse_connect.driver.binding import format_str
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from connectors.base import ConnectorError
from connectors.clickhouse.client import NO_TABLE
from connectors.clickhouse.columns import LAYOUTS
from connectors.clickhouse.table import Declared
from connectors.clickhouse.table_comment import TableComment

_PARTITIONS = {"month": "toYYYYMM(time)", "day": "toYYYYMMDD(time)"}
_TTL = re.compile(r"TTL toDateTime\(time\) \+ toIntervalDay\((\d+)\)")


@dataclass(frozen=True)
class Migration:
    """One numbered step of a kind of table: an SQL file of one statement, with `{table}`,
    `{partition}`, `{keep}` and, where the table is made, `{comment}`.
    """

    number: int
    name: str
    sql: str


@dataclass(frozen=True)
class Found:
    """A table as the database has it.

    `number` is the last migration applied, 0 for none; `columns` name → type; `kind` is None for a
    table that Vigie cannot have made; `being_made` is true where whoever made it was interrupted.
    """

    kind: str | None
    number: int
    partition: str
    keep_days: int | None
    engine: str
    columns: dict[str, str]
    comment: str
    being_made: bool


@dataclass(frozen=True)
class Change:
    """One thing to do: words for people, the statements, and the migration that they complete.

    `sets_keep`: it changes nothing but how long rows are kept.
    """

    words: str
    statements: tuple[str, ...]
    migration: Migration | None = None
    sets_keep: bool = False


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
            "SELECT engine, engine_full, partition_key, comment FROM system.tables "
            "WHERE database = currentDatabase() AND name = {table:String}",
            parameters={"table": table},
        ).result_rows
        if not described:
            return None
        engine, full, partition, comment = described[0]
        rows = self._client.query(
            "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table ="
            " {table:String}",
            parameters={"table": table},
        ).result_rows
        columns = {str(row[0]): str(row[1]) for row in rows}
        said = TableComment.parse(comment) or self._recorded().get(table)
        keep = _TTL.search(full)
        return Found(
            said.kind if said else _kind_of(columns),
            said.number if said else 0,
            partition,
            int(keep[1]) if keep else None,
            engine,
            columns,
            comment,
            said.being_made if said else False,
        )

    def known(self) -> list[str]:
        """The tables that were migrated here."""
        if self._connected is None:
            return []
        rows = self._client.query(
            "SELECT name, comment FROM system.tables WHERE database = currentDatabase()"
        ).result_rows
        recorded = self._recorded()
        return sorted(
            name for name, comment in rows if name in recorded or TableComment.parse(comment)
        )

    def _recorded(self) -> dict[str, TableComment]:
        """The tables in `vigie_migrations`, the record that earlier versions kept apart from the
        tables.
        """
        try:
            rows = self._client.query(
                "SELECT `table`, kind, max(number) FROM vigie_migrations GROUP BY `table`, kind"
                " ORDER BY 3"
            ).result_rows
        except DatabaseError as error:
            if NO_TABLE in str(error):
                return {}
            raise
        return {table: TableComment(kind, number) for table, kind, number in rows}

    # ------------------------------------------------------------------------
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
        if found.number < newest and not found.being_made:
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

    # ------------------------------------------------------------------------
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
        """Do what `plan` says."""
        changes = self.plan(declared)
        for change in changes:
            self._do(change, declared)
        return changes

    def _do(self, change: Change, declared: Declared) -> None:
        try:
            for statement in change.statements:
                self._client.command(statement)
        except DatabaseError:
            found = self.look(declared.table) if change.sets_keep else None
            # else another process was faster
            if found is None or found.keep_days != declared.keep_days:
                raise


def _changes(declared: Declared, kind: str, found: Found | None) -> Iterator[Change]:
    table, done = declared.table, found.number if found else 0
    comment = found.comment if found else ""
    missing = [migration for migration in migrations(kind) if migration.number > done]
    for migration in missing:
        being_made = (found is None or found.being_made) and migration is not missing[-1]
        comment = TableComment(kind, migration.number, being_made).within(comment)
        statement = _filled(migration, declared, comment)
        says_it = found is None and "{comment}" in migration.sql
        statements = (statement,) if says_it else (statement, _set_comment(table, comment))
        yield Change(f"{table}: {migration.name}", statements, migration)
    if found is not None and not missing and TableComment.parse(comment) is None:
        comment = TableComment(kind, done).within(comment)
        words = f"{table}: says in its comment that it holds {kind}, version {done}"
        yield Change(words, (_set_comment(table, comment),))
    if found is not None and found.keep_days != declared.keep_days:
        change = f"MODIFY {_ttl(declared.keep_days)}" if declared.keep_days else "REMOVE TTL"
        words = f"{table}: keeps rows {_span(declared.keep_days)}, was {_span(found.keep_days)}"
        yield Change(words, (f"ALTER TABLE `{table}` {change}",), sets_keep=True)


def _set_comment(table: str, comment: str) -> str:
    return f"ALTER TABLE `{table}` MODIFY COMMENT {format_str(comment)}"


def _filled(migration: Migration, declared: Declared, comment: str) -> str:
    values = {
        "table": declared.table,
        "partition": _PARTITIONS[declared.partition],
        "keep": _ttl(declared.keep_days),
        "comment": format_str(comment),
    }
    return re.sub(
        r"\{(table|partition|keep|comment)\}", lambda match: values[match[1]], migration.sql
    ).strip()


def _kind_of(columns: dict[str, str]) -> str | None:
    """The kind of table that has these columns, if one has."""
    fitting = (
        kind
        for kind, layout in LAYOUTS.items()
        if all(columns.get(column.name) == column.type for column in layout.columns)
    )
    return next(fitting, None)


def _ttl(keep_days: int | None) -> str:
    return f"TTL toDateTime(time) + toIntervalDay({keep_days})" if keep_days else ""


def _span(keep_days: int | None) -> str:
    return "for ever" if keep_days is None else f"{keep_days} day{'' if keep_days == 1 else 's'}"
