"""History from Home Assistant's recorder, its SQLite file or its tables in MariaDB, as readings."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from connectors.base import ConnectorError
from connectors.mariadb.connection import MariadbConnection
from connectors.runtime.optional_packages import needing
from operators.component import Now, StepContext
from operators.decoding.step import Decode
from operators.events import Event, Reading, Row

COLUMNS = ("state_id", "entity_id", "state", "last_updated_ts", "shared_attrs")
BATCH = 2000
_QUERY = (
    "SELECT s.state_id, m.entity_id, s.state, s.last_updated_ts, a.shared_attrs FROM states s"
    " JOIN states_meta m ON m.metadata_id = s.metadata_id"
    " LEFT JOIN state_attributes a ON a.attributes_id = s.attributes_id"
    " WHERE s.last_updated_ts >= ? AND s.last_updated_ts < ? ORDER BY s.state_id"
)
Rows = Iterator[Sequence[Any]]


class RecorderHistory:
    """The readings that the states of a recorder are, of `start` to before `end` (epoch seconds).

    A state keeps its number, so that what is read again changes nothing. `left_out` counts states
    that are no readings.
    """

    def __init__(self, rows: Callable[[float, float], Rows], zone: ZoneInfo) -> None:
        self._rows, self._zone = rows, zone
        self.left_out = 0

    def readings(self, start: float, end: float) -> Iterator[Reading]:
        """Decode the states as the dialect `home_assistant_recorder` does."""
        logic = Decode.model_validate("home_assistant_recorder").logic(
            StepContext(flow="import", step="import/decode", timezone=self._zone, run="import")
        )
        gathered: list[Event] = []
        for row in self._rows(start, end):
            values = dict(zip(COLUMNS, row, strict=True))
            at = float(values["last_updated_ts"])
            gathered.append(
                Row(id=f"import-ha-{values['state_id']}", time=at, table="homeassistant.states",
                    op="insert", values=values)
            )  # fmt: skip
            if len(gathered) == BATCH:
                yield from self._decoded(logic, gathered)
                gathered = []
        yield from self._decoded(logic, gathered)

    def _decoded(self, logic: Any, rows: list[Event]) -> Iterator[Reading]:
        if rows:
            found = [
                event
                for event in logic.on_batch(rows, Now(rows[-1].time, rows[-1].time))
                if isinstance(event, Reading)
            ]
            self.left_out += len(rows) - len({event.id.partition("#")[0] for event in found})
            yield from found


def of_file(path: Path) -> Callable[[float, float], Rows]:
    """The states in `home-assistant_v2.db`, which is only read."""

    def rows(start: float, end: float) -> Rows:
        try:
            address = f"{path.resolve().as_uri()}?mode=ro"
            with closing(sqlite3.connect(address, uri=True)) as database:
                yield from database.execute(_QUERY, (start, end))
        except sqlite3.Error as error:
            raise ConnectorError(
                f"{path} is not a recorder of Home Assistant 2023.4 or later ({error}); name its"
                " home-assistant_v2.db"
            ) from error

    return rows


def of_mariadb(connection: MariadbConnection) -> Callable[[float, float], Rows]:
    """The states in the tables of a MariaDB server."""

    def rows(start: float, end: float) -> Rows:
        with needing("import", "binlog", "pymysql"):
            import pymysql
            from pymysql.cursors import SSCursor

        at = connection.address()
        try:
            with (
                closing(pymysql.connect(
                    host=at.host, port=at.port, user=at.user, password=at.password,
                    database=at.database, charset="utf8mb4", cursorclass=SSCursor,
                    ssl={"ca": connection.ca} if connection.ca else None,
                )) as database,
                database.cursor() as cursor,
            ):  # fmt: skip
                cursor.execute(_QUERY.replace("?", "%s"), (start, end))
                yield from cursor
        except pymysql.MySQLError as error:
            raise ConnectorError(f"MariaDB at {at} does not give the states: {error}") from error

    return rows
