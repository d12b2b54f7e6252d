"""The schema of a ClickHouse database: the tables it has, and bringing them up to date.

A table says in its comment what it holds and which migrations it has (`TableComment`). Every
statement can be applied again without effect, so a migration that was killed is repeated, and two
processes that migrate at the same time do no harm and need no lock.
"""

import re

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from connectors.base import ConnectorError
from connectors.clickhouse.changes import Change, changes_to
from connectors.clickhouse.checks import TableChecks
from connectors.clickhouse.client import NO_TABLE
from connectors.clickhouse.columns import KINDS
from connectors.clickhouse.table import Declared, Found
from connectors.clickhouse.table_comment import TableComment

_ZONE = re.compile(r"toDate\(recorded, '([^']+)'\)")
_TTL = re.compile(r"TTL toDateTime\(time\) \+ toIntervalDay\((\d+)\)")


class Schema:
    """The tables of one database; without a client, of one that is not there yet.

    `remedy` is the command that an error names. Methods raise ClickHouse's errors; what is wrong
    with a table is a `ConnectorError`.
    """

    def __init__(self, client: Client | None, database: str, remedy: str = "vigie migrate") -> None:
        self._connected = client
        self._checks = TableChecks(database, remedy)

    @property
    def _client(self) -> Client:
        assert self._connected is not None
        return self._connected

    def look(self, table: str) -> Found | None:
        """The table of a name, None if the database has none."""
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
        known = TableComment.parse(comment) or self._recorded().get(table)
        keep = _TTL.search(full)
        return Found(
            known.kind if known else _kind_of(columns),
            known.number if known else 0,
            partition,
            int(keep[1]) if keep else None,
            engine,
            columns,
            comment,
            known.being_made if known else False,
            self._zone_of(table),
        )

    def _zone_of(self, table: str) -> str | None:
        """The zone of the days of an alarm table's figures."""
        rows = self._client.query(
            "SELECT create_table_query FROM system.tables "
            "WHERE database = currentDatabase() AND name = {view:String}",
            parameters={"view": f"{table}_kpi"},
        ).result_rows
        zone = _ZONE.search(rows[0][0]) if rows else None
        return zone[1] if zone else None

    def known(self) -> list[str]:
        """The names of the tables that Vigie made here."""
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
        """The tables in `vigie_migrations`, where earlier versions recorded them."""
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

    def check(self, declared: Declared) -> Found | None:
        """The table if it can be written as it is, None if there is none.

        Raises `ConnectorError` with the remedy.
        """
        found = self.look(declared.table)
        if found is not None:
            self._checks.check_version(declared, found)
        return found

    def differences(self, declared: Declared, found: Found) -> list[str]:
        """Differences that do not keep rows from being written, in words."""
        return self._checks.differences(declared, found)

    def plan(self, declared: Declared) -> list[Change]:
        """The changes that make the table as it is declared.

        Raises `ConnectorError` for one that can never be.
        """
        found = self.look(declared.table)
        if found is not None:
            self._checks.check_kind(declared, found)
        kind = (found.kind if found else None) or declared.kind
        if kind is None:
            raise ConnectorError(
                f"it cannot be told from the definitions what the table {declared.table!r} holds:"
                " write kind: readings, alarms or events at its sink"
            )
        if found is not None and found.number == 0:
            self._checks.check_columns(declared.table, kind, found)
        return list(changes_to(declared, kind, found))

    def migrate(self, declared: Declared) -> list[Change]:
        """Make the changes of `plan`, and return them."""
        planned = self.plan(declared)
        for change in planned:
            self._do(change, declared)
        return planned

    def _do(self, change: Change, declared: Declared) -> None:
        try:
            for statement in change.statements:
                self._client.command(statement)
        except DatabaseError:
            found = self.look(declared.table) if change.sets_keep else None
            # else another process was faster
            if found is None or found.keep_days != declared.keep_days:
                raise


def _kind_of(columns: dict[str, str]) -> str | None:
    """The kind of table that has these columns, if one has."""
    fitting = (
        kind
        for kind, layout in KINDS.items()
        if all(columns.get(column.name) == column.type for column in layout.columns)
    )
    return next(fitting, None)
