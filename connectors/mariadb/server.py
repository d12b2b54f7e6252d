"""The server of one source: connections to it, and what must be known before a log is read."""

import logging
from typing import Any

from connectors.mariadb.binlog.definitions import describe_with
from connectors.mariadb.homeassistant_recorder import (
    ATTRIBUTES,
    META,
    STATES,
    Recorder,
    is_recorder,
)
from connectors.mariadb.preflight import METADATA_ADVICE, check, connect, names_are_logged
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
        self._check(connection, self._tables, resumed)
        self._load_recorders(connection)
        if not self._advised and not names_are_logged(connection):
            log.warning(METADATA_ADVICE, self._settings.address)
            self._advised = True

    def read_at_start(self) -> list[tuple[str, str]]:
        """The tables that a snapshot reads: all but a recorder's helper tables."""
        return [
            (schema, table)
            for schema, table in self._tables
            if schema not in self.recorders or table not in (META, ATTRIBUTES)
        ]

    def described(self) -> frozenset[tuple[str, str]]:
        """The tables whose definitions matter: the watched ones, and the recorders' helpers."""
        helpers = {(schema, name) for schema in self.recorders for name in (META, ATTRIBUTES)}
        return frozenset(self._tables) | helpers

    def _check(self, connection: Any, tables: list[tuple[str, str]], resumed: bool = False) -> None:
        gone = check(connection, self._settings.address, tables, self._settings.server_id, resumed)
        for schema, table in gone:
            log.warning(
                "table %s.%s is not there any more; its rows in the log are still read",
                schema,
                table,
            )

    def _load_recorders(self, connection: Any) -> None:
        describe = describe_with(connection)
        helpers = []
        for schema in sorted({schema for schema, table in self._tables if table == STATES}):
            if not is_recorder(STATES, (column.name for column in describe(schema, STATES))):
                continue
            helpers += [(schema, META), (schema, ATTRIBUTES)]
            recorder = self.recorders.setdefault(schema, Recorder(schema))
            self._check(connection, helpers)
            recorder.seed(connection)


def gtid_position(connection: Any) -> str:
    """The position of the end of the server's log."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@global.gtid_binlog_pos")
        return str(cursor.fetchone()[0] or "")
