"""The server of one source: connections to it, and what must be known before a log is read."""

import logging
from typing import Any

from connectors.base import ConnectorError
from connectors.mariadb.binlog.definitions import describe_with
from connectors.mariadb.homeassistant_recorder import (
    ATTRIBUTES,
    META,
    STATES,
    Recorder,
    is_recorder,
    refused,
)
from connectors.mariadb.preflight import (
    METADATA_ADVICE,
    UNLOGGED_CHANGES,
    changes_unlogged,
    check,
    connect,
    names_are_logged,
)
from connectors.mariadb.settings import Settings

log = logging.getLogger(__name__)


class Server:
    """A MariaDB server, and the recorders of Home Assistant among the watched tables."""

    def __init__(self, settings: Settings) -> None:
        self.recorders: dict[str, Recorder] = {}
        self._settings = settings
        self._tables = sorted(settings.watched())
        self._advised = False

    def connect(self) -> Any:
        """A new connection; raises `MySQLError` or `OSError`."""
        return connect(self._settings.address, self._settings.ca)

    def prepare(self, connection: Any, resumed: bool) -> None:
        """Check settings, privileges and tables, and load the recorders' names and attributes.

        Where reading goes on, a table may be gone meanwhile: its rows are in the log. Raises
        `ConnectorError` with what keeps the log from being read.
        """
        self._find_recorders(connection)
        left_out = {(schema, META) for schema in self.recorders} - self._helpers()
        self._check(connection, [t for t in self._tables if t not in left_out], resumed)
        self._check(connection, sorted(self._helpers()))
        for recorder in self.recorders.values():
            recorder.seed(connection)
        if not self._advised:
            self._advise(connection)
            self._advised = True

    def _advise(self, connection: Any) -> None:
        if not names_are_logged(connection):
            log.warning(METADATA_ADVICE, self._settings.address)
        for schema, table in self.read_at_start():
            if schema not in self.recorders and changes_unlogged(connection, schema, table):
                log.warning(UNLOGGED_CHANGES, schema, table)

    def read_at_start(self) -> list[tuple[str, str]]:
        """The tables that a snapshot reads: all but a recorder's helper tables."""
        return [
            (schema, table)
            for schema, table in self._tables
            if schema not in self.recorders or table not in (META, ATTRIBUTES)
        ]

    def described(self) -> frozenset[tuple[str, str]]:
        """The tables whose definitions matter: the watched ones, and the recorders' helpers."""
        return frozenset(self._tables) | self._helpers()

    def _helpers(self) -> set[tuple[str, str]]:
        return {table for recorder in self.recorders.values() for table in recorder.helpers}

    def _check(self, connection: Any, tables: list[tuple[str, str]], resumed: bool = False) -> None:
        gone = check(connection, self._settings.address, tables, self._settings.server_id, resumed)
        for schema, table in gone:
            log.warning(
                "table %s.%s is not there any more; its rows in the log are still read",
                schema,
                table,
            )

    def _find_recorders(self, connection: Any) -> None:
        describe = describe_with(connection)
        for schema in sorted({schema for schema, table in self._tables if table == STATES}):
            columns = [column.name for column in describe(schema, STATES)]
            if not is_recorder(STATES, columns):
                continue
            if why := refused(schema, columns):
                raise ConnectorError(why)
            known = self.recorders.get(schema)
            if known is None or known.columns != frozenset(columns):
                self.recorders[schema] = Recorder(schema, columns)


def gtid_position(connection: Any) -> str:
    """The position of the end of the server's log."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@global.gtid_binlog_pos")
        return str(cursor.fetchone()[0] or "")
