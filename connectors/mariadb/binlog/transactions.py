"""Row events from the packets of the binary log, transaction by transaction.

It does no I/O but through what it is given: `describe`, for tables without names in the log, and
the queries of each recorder.
"""

import copy
import re
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.mariadb.binlog import packets as wire
from connectors.mariadb.binlog.gtids import LogPosition
from connectors.mariadb.binlog.row_decoder import RowDecoder
from connectors.mariadb.binlog.table_map import (
    Describe,
    Table,
    UnknownColumns,
    parse_table,
    table_names,
)
from connectors.mariadb.homeassistant_recorder import (
    ATTRIBUTES,
    META,
    STATES,
    Recorder,
    changes_state,
    inserted,
    is_recorder,
)
from operators.events import Row

CHUNK_ROWS = 1000
DEAD_LETTER_BYTES = 65_536
CHANGES = re.compile(
    r"\s*(?:/\*.*?\*/\s*)*(insert|update|delete|replace|load\s+data|truncate)\b",
    re.IGNORECASE | re.DOTALL,
)
UNDECODABLE = (
    struct.error, zlib.error, LookupError, ValueError, ArithmeticError, TypeError, StopIteration,
)  # fmt: skip
"""Errors of damaged bytes, and of columns of a type that is not known."""

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Problem:
    """Something that could not be read: a word, a sentence, the packet, and where it was."""

    reason: str
    detail: str
    payload: bytes
    origin: str
    time: float


@dataclass
class _Watched:
    table: Table
    decoder: RowDecoder
    recorder: Recorder | None


@dataclass(frozen=True)
class _Unreadable:
    reason: str
    detail: str


class TransactionDecoder:
    """Decodes packets, given to `handle`, into `events`.

    `commits` says how many of them were committed when (epoch seconds); `position` moves at the end
    of each transaction and with every row. `inside` is True within a transaction.
    """

    def __init__(
        self,
        position: LogPosition,
        tables: frozenset[tuple[str, str]],
        recorders: Mapping[str, Recorder],
        describe: Describe,
        problem: Callable[[Problem], None],
        count: Callable[[str, int], None],
    ) -> None:
        self.position = copy.deepcopy(position)
        self.events: list[Row] = []
        self.commits: list[tuple[int, float]] = []
        self.inside = False
        self.committed = 0.0
        self._seen = 0
        self._tables = tables
        self._recorders = recorders
        self._describe = describe
        self._problem = problem
        self._count = count
        helpers = {(schema, name) for schema in recorders for name in (STATES, META, ATTRIBUTES)}
        self._interesting = tables | helpers
        self._known: dict[bytes, _Watched | _Unreadable | None] = {}
        self._maps: dict[int, _Watched | _Unreadable | None] = {}
        self._gtid = (0, 0, 0)
        self._gtid_text = ""
        self._standalone = False

    def handle(self, data: bytes, checksum: int) -> None:
        """Take one packet. `checksum` is the number of bytes at its end that are one."""
        kind = data[5]
        end = len(data) - checksum
        rows = wire.ROW_EVENTS.get(kind)
        if rows is not None:
            self._rows(data, end, rows)
        elif kind == wire.TABLE_MAP:
            self._table(data, end)
        elif kind == wire.GTID:
            self._begin(data)
        elif kind in (wire.XID, wire.XA_PREPARE):
            self._end()
        elif kind in (wire.QUERY, wire.QUERY_COMPRESSED, wire.EXECUTE_LOAD_QUERY):
            self._query(data, end)
        elif kind == wire.INCIDENT:
            what = data[23 : 23 + data[22]].decode("utf8", "replace")
            self._refuse(
                "incident",
                f"the server reports changes that are missing from its own binary log: {what}",
                data,
            )

    def take(self) -> list[Row]:
        """The events gathered so far."""
        events, self.events, self.commits = self.events, [], []
        return events

    def _begin(self, data: bytes) -> None:
        sequence, domain, flags = struct.unpack_from("<QIB", data, 20)
        self.committed = float(int.from_bytes(data[1:5], "little"))
        server = int.from_bytes(data[6:10], "little")
        self._gtid = (domain, server, sequence)
        self._gtid_text = f"{domain}-{server}-{sequence}"
        self._standalone = bool(flags & wire.STANDALONE)
        self.inside = True
        self._seen = 0

    def _end(self) -> None:
        domain, server, sequence = self._gtid
        self.position.gtids[domain] = (server, sequence)
        self.position.rows = self._seen = 0
        self.inside = False
        self._maps.clear()

    def _query(self, data: bytes, end: int) -> None:
        if not self.inside:
            return
        schema, text = wire.query_text(data, end)
        word = text[:16].strip().upper()
        if word in ("COMMIT", "ROLLBACK"):
            self._end()
            return
        if CHANGES.match(text):
            self._statement(schema, text, data)
        if self._standalone:
            self._known.clear()  # it may have changed a table
            self._end()

    def _statement(self, schema: str, text: str, data: bytes) -> None:
        for database, table in sorted(self._interesting):
            if re.search(rf"\b{re.escape(table)}\b", text) and (
                database == schema or database in text
            ):
                self._count("statement", 1)
                detail = (
                    f"a change of {database}.{table} was logged as a statement, without its rows,"
                    f" and is not seen: {text[:200]!r}; the program that wrote it has to use"
                    " binlog_format=ROW (SET GLOBAL binlog_format=ROW, then reconnect it)"
                )
                self._problem(
                    Problem(
                        "statement",
                        detail,
                        text.encode()[:DEAD_LETTER_BYTES],
                        self._origin(data),
                        self.committed,
                    )
                )

    def _origin(self, data: bytes) -> str:
        return f"{self._gtid_text}/{int.from_bytes(data[14:18], 'little')}"

    def _table(self, data: bytes, end: int) -> None:
        table_id = int.from_bytes(data[20:26], "little")
        body = data[26:end]
        if body not in self._known:
            try:
                self._known[body] = self._watched(data, end)
            except UnknownColumns as error:
                self._known[body] = _Unreadable("unknown_columns", str(error))
            except UNDECODABLE as error:
                self._known[body] = _Unreadable("undecodable", _cannot(_name_of(data), error))
        self._maps[table_id] = self._known[body]

    def _refuse(self, reason: str, detail: str, data: bytes) -> None:
        self._count(reason, 1)
        self._problem(
            Problem(reason, detail, data[:DEAD_LETTER_BYTES], self._origin(data), self.committed)
        )

    def _watched(self, data: bytes, end: int) -> _Watched | None:
        schema, name, _ = table_names(data)
        if (schema, name) not in self._interesting:
            return None
        table = parse_table(data, end, self._describe)
        recorder = self._recorders.get(schema) if name in (STATES, META, ATTRIBUTES) else None
        if recorder is not None and not is_recorder(
            name, (column.name for column in table.columns)
        ):
            recorder = None
        if recorder is None and (schema, name) not in self._tables:
            return None
        return _Watched(table, RowDecoder(table.columns), recorder)

    def _rows(self, data: bytes, end: int, kind: wire.Rows) -> None:
        watched = self._maps.get(int.from_bytes(data[20:26], "little"))
        if watched is None:
            return
        if isinstance(watched, _Unreadable):
            self._refuse(watched.reason, watched.detail, data)
            return
        try:
            before, after = watched.decoder.images(data, end, kind)
            events = self._events(watched, kind.op, before, after)
        except UNDECODABLE as error:
            self._refuse("undecodable", _cannot(watched.table.full_name, error), data)
            return
        self._add(events)

    def _events(self, watched: _Watched, op: str, before: Rows, after: Rows) -> list[Row]:
        if watched.recorder is None:
            return self._plain(watched.table, op, after or before)
        if watched.table.name == STATES:
            return self._states(watched.table, watched.recorder, op, before, after)
        watched.recorder.learn(watched.table.name, after)
        return []

    def _add(self, events: list[Row]) -> None:
        """Add all but the first `position.rows`, which were passed on before a reconnect."""
        passed_on = self.position.rows - self._seen
        self._seen += len(events)
        if passed_on > 0:
            events = events[passed_on:]
        self.position.rows = max(self.position.rows, self._seen)
        self.events += events
        self.commits.append((len(events), self.committed))

    def _states(
        self, table: Table, recorder: Recorder, op: str, before: Rows, after: Rows
    ) -> list[Row]:
        if op == "insert":
            recorder.resolve(after)
            known = self.position.state_ids
            known[table.schema] = max(known.get(table.schema, 0), after[-1]["state_id"])
            return inserted(table.full_name, after, self.committed)
        if op == "delete":
            self._count("purged", len(before))
            return []
        rows = [new for old, new in zip(before, after, strict=True) if changes_state(old, new)]
        if len(rows) < len(after):
            self._count("bookkeeping", len(after) - len(rows))
        recorder.resolve(rows)
        events = inserted(table.full_name, rows, self.committed)
        for n, event in enumerate(events, self._seen):
            event.op = "update"
            event.id = f"{event.id}/{self._gtid_text}.{n}"
        return events

    def _plain(self, table: Table, op: Any, rows: Rows) -> list[Row]:
        events = []
        for n, values in enumerate(rows, self._seen):
            key = "/".join(str(values[name]) for name in table.key)
            identity = f"{table.name}/{key}/{self._gtid_text}.{n}"
            events.append(
                Row(id=identity, time=self.committed, table=table.full_name, op=op, values=values)
            )
        return events


def _name_of(table_map: bytes) -> str:
    try:
        return ".".join(table_names(table_map)[:2])
    except UNDECODABLE:
        return "a table without a readable name"


def _cannot(table: str, error: Exception) -> str:
    return f"rows of {table} cannot be decoded: {type(error).__name__}: {error}"
