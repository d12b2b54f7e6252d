"""The rows of the watched tables at one exact position of the binary log, page by page."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

from pymysql.cursors import DictCursor

from connectors.base import ConnectorError
from connectors.mariadb.binlog.definitions import Described, describe_with
from connectors.mariadb.homeassistant_recorder import STATES, Recorder, inserted
from connectors.mariadb.preflight import quoted
from connectors.mariadb.recorder_snapshot import latest_states, newest
from connectors.mariadb.values import FROM_TABLE
from operators.events import Row

PAGE = 1000


@dataclass
class Snapshot:
    """How far a snapshot is.

    With `since`, rows of `states` above that id are read, all of them; otherwise the latest of each
    entity. `upto` bounds them, so that a snapshot that goes on in another transaction reads the
    same rows; those without a time of their own have that at which it `began` (epoch seconds).
    """

    gtid: str
    tables: list[tuple[str, str]]
    since: dict[str, int] = field(default_factory=dict)
    upto: dict[str, int] = field(default_factory=dict)
    after: list[Any] | None = None
    began: float = field(default_factory=time.time)

    def saved(self) -> dict[str, Any]:
        """As plain data for a position."""
        return {
            "gtid": self.gtid,
            "tables": list(self.tables),
            "since": dict(self.since),
            "upto": dict(self.upto),
            "after": self.after,
            "began": self.began,
        }

    @classmethod
    def load(cls, saved: dict[str, Any]) -> Self:
        """The opposite of `saved`."""
        return cls(
            saved["gtid"],
            [(s, t) for s, t in saved["tables"]],
            dict(saved["since"]),
            dict(saved["upto"]),
            saved["after"],
            saved.get("began") or time.time(),
        )


def open_transaction(connection: Any) -> str:
    """Begin a transaction that sees one state of all tables; returns its exact GTID position."""
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        cursor.execute("SHOW STATUS LIKE 'binlog_snapshot_%'")
        status = {name.lower(): value for name, value in cursor.fetchall()}
        file, offset = status.get("binlog_snapshot_file"), status.get("binlog_snapshot_position")
        cursor.execute("SELECT BINLOG_GTID_POS(%s, %s)", (file, int(offset or 0)))
        gtid = cursor.fetchone()[0]
    if gtid is None:
        raise ConnectorError(f"MariaDB knows no GTID position of {file}:{offset}; is log_bin on?")
    return str(gtid)


def begin(
    connection: Any,
    tables: list[tuple[str, str]],
    recorders: dict[str, Recorder],
    since: dict[str, int],
) -> Snapshot:
    """Start a snapshot.

    `since` are the highest state ids passed on already, by schema, when a position was lost.
    """
    gtid = open_transaction(connection)
    snapshot = Snapshot(gtid, list(tables))
    for schema in recorders:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT COALESCE(MAX(state_id), 0) FROM {quoted(schema)}.{STATES}")  # noqa: S608
            snapshot.upto[schema] = int(cursor.fetchone()[0])
        if 0 < since.get(schema, 0) <= snapshot.upto[schema]:
            snapshot.since[schema] = since[schema]
    return snapshot


def pages(
    connection: Any, snapshot: Snapshot, recorders: dict[str, Recorder]
) -> Iterator[list[Row]]:
    """The rows that are left, in pages; needs an open transaction.

    `snapshot` is moved on before each page is returned.
    """
    while snapshot.tables:
        schema, table = snapshot.tables[0]
        recorder = recorders.get(schema) if table == STATES else None
        if recorder is not None:
            page, after = _states(connection, snapshot, recorder, snapshot.began)
        else:
            page, after = _plain(connection, snapshot, schema, table, snapshot.began)
        snapshot.after = after
        if after is None:
            snapshot.tables.pop(0)
        yield page


def _states(
    connection: Any, snapshot: Snapshot, recorder: Recorder, now: float
) -> tuple[list[Row], list[Any] | None]:
    schema = recorder.schema
    described = describe_with(connection)(schema, STATES)
    columns, states = columns_of(described), f"{quoted(schema)}.{STATES}"
    upto, is_gap = snapshot.upto[schema], schema in snapshot.since
    after: list[Any] | None
    values: tuple[Any, ...]
    if is_gap:
        begin = snapshot.after[0] if snapshot.after else snapshot.since[schema]
        where, values = "state_id > %s AND state_id <= %s", (begin, upto)
    else:
        ids, after = latest_states(partial(_select, connection), recorder, upto, snapshot.after)
        where, values = "state_id IN %s", (ids or [0],)
    limit = f"LIMIT {PAGE}" if is_gap else ""
    rows = _select(
        connection,
        f"SELECT {columns} FROM {states} WHERE {where} ORDER BY state_id {limit}",  # noqa: S608
        values,
    )
    if is_gap:
        after = [rows[-1]["state_id"]] if len(rows) == PAGE else None
    rows = [from_table(described)(row) for row in rows]
    recorder.resolve(rows)
    if not is_gap:
        rows = newest(rows)
    return inserted(f"{schema}.{STATES}", rows, now, snapshot=not is_gap), after


def _plain(
    connection: Any, snapshot: Snapshot, schema: str, table: str, now: float
) -> tuple[list[Row], list[Any] | None]:
    described = describe_with(connection)(schema, table)
    if not described:
        return [], None  # it was dropped since the snapshot began
    key = [column.name for column in described if column.key]
    if not key:
        raise ConnectorError(
            f"table {schema}.{table} has no primary key, so it cannot be read from the start: give"
            " it one, or set `snapshot: false`"
        )
    order = [_order_of(column) for column in described if column.key]
    where = f"WHERE ({', '.join(order)}) > ({', '.join(['%s'] * len(key))})"
    also = ", ".join(f"{by} AS `{KEY} {n}`" for n, by in enumerate(order))
    rows = _select(
        connection,
        f"SELECT {columns_of(described)}, {also} FROM {quoted(schema)}.{quoted(table)}"  # noqa: S608
        f" {where if snapshot.after else ''} ORDER BY {', '.join(order)} LIMIT {PAGE}",
        snapshot.after or (),
    )
    last = None
    for row in rows:
        last = [row.pop(f"{KEY} {n}") for n in range(len(order))]
    read = from_table(described)
    events = [
        Row(
            id=f"{table}/{'/'.join(str(row[name]) for name in key)}/{snapshot.gtid}",
            time=now,
            table=f"{schema}.{table}",
            op="insert",
            values=row,
            snapshot=True,
        )
        for row in map(read, rows)
    ]
    return events, last if len(rows) == PAGE else None


KEY = "vigie orders by"
"""Begins the names of the columns by which a page is ordered."""
_ORDERS = {
    **dict.fromkeys(("enum", "set", "bit"), "{} + 0"),
    "float": "CAST({} AS DOUBLE)",
    "time": "TIME_TO_SEC({})",
}


def _order_of(column: Described) -> str:
    """What the rows of a page are ordered by: what the client can give back as it is."""
    name = quoted(column.name)
    return _ORDERS.get(column.declared, "{}").format(name)


def columns_of(described: list[Described]) -> str:
    """The columns to select, also those that are invisible; FLOAT with all of its digits."""
    return ", ".join(
        f"CAST({name} AS DOUBLE) AS {name}" if column.declared == "float" else name
        for column in described
        if not column.hidden and (name := quoted(column.name))
    )


def from_table(described: list[Described]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A function that gives the values of a selected row the form they have in the binary log."""
    changes = {
        column.name: FROM_TABLE[column.declared]
        for column in described
        if column.declared in FROM_TABLE and not column.hidden
    }

    def read(row: dict[str, Any]) -> dict[str, Any]:
        for name, change in changes.items():
            if row[name] is not None:
                row[name] = change(row[name])
        return row

    return read


def _select(connection: Any, statement: str, values: Any) -> list[dict[str, Any]]:
    with connection.cursor(DictCursor) as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
