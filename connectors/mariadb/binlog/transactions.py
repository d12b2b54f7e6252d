"""Row events from the packets of the binary log, transaction by transaction.

It does no I/O but through what it is given: `definitions`, for what the log leaves out of tables,
and the queries of each recorder. What a transaction changed is held until it is committed.
"""

import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from connectors.base import ConnectorError
from connectors.mariadb.binlog import packets as wire
from connectors.mariadb.binlog.definitions import Definitions, UnknownColumns
from connectors.mariadb.binlog.gtids import LogFile, LogPosition, format_gtids
from connectors.mariadb.binlog.held_rows import HeldRows
from connectors.mariadb.binlog.row_decoder import SPOILED, RowDecoder
from connectors.mariadb.binlog.row_events import (
    Rows,
    Transaction,
    Unreadable,
    Watched,
    events_of,
    lazy_states,
)
from connectors.mariadb.binlog.statements import LOST, lost_changes, savepoint_of
from connectors.mariadb.binlog.stream import PositionLost
from connectors.mariadb.binlog.table_map import parse_table, table_names
from connectors.mariadb.homeassistant_recorder import (
    ATTRIBUTES,
    META,
    STATES,
    Recorder,
    is_recorder,
)
from operators.columnar.lazy_rows import LazyRows, joined
from operators.events import Event

CHUNK_ROWS = 1000
DEAD_LETTER_BYTES = 65_536
UNDECODABLE = (
    struct.error, zlib.error, LookupError, ValueError, ArithmeticError, TypeError, StopIteration,
)  # fmt: skip
"""Errors of damaged bytes, and of columns of a type that is not known."""

Held = HeldRows[Watched | Unreadable]


@dataclass(frozen=True)
class Problem:
    """Something that could not be read: a word, a sentence, the packet, and where it was."""

    reason: str
    detail: str
    payload: bytes
    origin: str
    time: float


class UnknownEvent(ConnectorError):
    """The log holds an event of a type that is not known here, which may be rows."""

    def __init__(self, kind: int, gtid: str) -> None:
        super().__init__(
            f"the binary log holds an event of type {kind} in transaction {gtid}, which this"
            " version of Vigie does not know: it waits there, so that no rows are lost. Update"
            " Vigie, or turn off what the server's version writes anew (from MariaDB 12.3 on:"
            " binlog_row_event_fragment_threshold at its largest)"
        )


class TransactionDecoder:
    """Decodes packets, given to `handle`, into `events`, once their transaction is committed.

    `commits` says how many of them were committed when (epoch seconds); `position` moves at the end
    of each transaction and with every row. `inside` is True within a transaction. `full` is called
    whenever there are a thousand events, and has to `take` them. With `lazily`, rows may be tuples
    until somebody asks for them.
    """

    def __init__(
        self,
        position: LogPosition,
        tables: frozenset[tuple[str, str]],
        recorders: Mapping[str, Recorder],
        definitions: Definitions,
        problem: Callable[[Problem], None],
        count: Callable[[str, int], None],
        full: Callable[["TransactionDecoder"], None] = lambda decoder: None,
        warn: Callable[[str], None] = lambda text: None,
        lazily: bool = False,
    ) -> None:
        self.position = position.copy()
        self.events: list[Event] | LazyRows = []
        self._lazily = lazily
        self.commits: list[tuple[int, float]] = []
        self.inside = False
        self._transaction = Transaction()
        self._tables = tables
        self._recorders = recorders
        self._definitions = definitions
        self._problem = problem
        self._count = count
        self._full = full
        self._warn = warn
        helpers = {(schema, name) for schema in recorders for name in (STATES, META, ATTRIBUTES)}
        self._interesting = tables | helpers
        self._known: dict[bytes, Watched | Unreadable | None] = {}
        self._maps: dict[int, Watched | Unreadable | None] = {}
        self._gtid = (0, 0, 0)
        self._flags = 0
        self._held: Held = HeldRows()
        self._xid = ""
        self._prepared: dict[str, Held] = {}
        start = position.start()
        self._behind = {
            domain: last for domain, last in position.gtids.items() if start.get(domain) != last
        }
        self._again = False
        self._file = ""

    @property
    def committed(self) -> float:
        """When the last transaction was committed (epoch seconds)."""
        return self._transaction.committed

    def handle(self, data: bytes, checksum: int) -> None:
        """Take one packet. `checksum` is the number of bytes at its end that are one."""
        kind = data[5]
        end = len(data) - checksum
        if kind in wire.ROW_EVENTS:
            table = self._maps.get(int.from_bytes(data[20:26], "little"))
            if table is not None:
                self._held.append(table, data[:end])
        elif kind == wire.TABLE_MAP:
            self._table(data, end)
        elif kind == wire.GTID:
            self._begin(data)
        elif kind == wire.XID or (kind == wire.XA_PREPARE and data[20]):
            self._end(self._held)
        elif kind == wire.XA_PREPARE:
            self._prepare()
        elif kind in (wire.QUERY, wire.QUERY_COMPRESSED, wire.EXECUTE_LOAD_QUERY):
            self._query(data, end)
        elif kind == wire.ROTATE:
            self._file = data[28:end].decode("utf8", "replace")
        elif kind == wire.FORMAT_DESCRIPTION:
            self._enter_file(data)
        elif kind == wire.INCIDENT:
            what = data[23 : 23 + data[22]].decode("utf8", "replace")
            self._refuse(
                "incident",
                f"the server reports changes that are missing from its own binary log: {what}",
                data,
            )
        elif kind not in wire.WITHOUT_ROWS and not data[18] & wire.IGNORABLE:
            raise UnknownEvent(kind, self._transaction.gtid)

    def take(self) -> list[Event] | LazyRows:
        """The events gathered so far."""
        events, self.events, self.commits = self.events, [], []
        return events

    def _enter_file(self, data: bytes) -> None:
        """Another file of the log begins; raises `PositionLost` if it is not what it was."""
        position = self.position
        now = LogFile(self._file, int.from_bytes(data[1:5], "little"), data[6:10].hex())
        if position.file and now.replaces(position.file, bool(position.prepared)):
            raise PositionLost(
                f"its log was reset or restored: {now.name} is another file than the one that was"
                " read"
            )
        if position.file is None or not now.is_before(position.file):
            position.file = now

    # ------------------------------------------------------------------------
    # transactions

    def _begin(self, data: bytes) -> None:
        sequence, domain, self._flags = struct.unpack_from("<QIB", data, 20)
        server = int.from_bytes(data[6:10], "little")
        self._gtid = (domain, server, sequence)
        self._transaction = Transaction(
            f"{domain}-{server}-{sequence}", float(int.from_bytes(data[1:5], "little"))
        )
        if self._flags & (wire.PREPARED_XA | wire.COMPLETED_XA):
            self._xid = wire.xid_of(data)
        self._held.clear()
        self.inside = True
        self._again = domain in self._behind
        if self._behind.get(domain) == (server, sequence):
            del self._behind[domain]

    def _prepare(self) -> None:
        """Keep the rows of an XA transaction until it is committed or rolled back."""
        position = self.position
        if not self._again:
            position.prepared[self._xid] = format_gtids(position.gtids)
        if self._xid in position.prepared:
            self._prepared[self._xid], self._held = self._held, HeldRows()
        self._end(None)

    def _complete(self, text: str, data: bytes) -> None:
        """Let the rows of a prepared transaction pass, or forget them."""
        held = None if self._again else self._prepared.pop(self._xid, None)
        commits = text[:10].upper() == "XA COMMIT "
        if held is None and commits and not self._again:
            self._refuse(
                "unprepared",
                f"{text[:200]!r} commits a transaction that was prepared before this flow began to"
                " read, or where the server no longer has its log: its rows are not seen. To read"
                " the tables anew, discard the flow's saved position",
                data,
            )
        self._end(held if commits else None)
        if held is not None:
            held.clear()

    def _end(self, committed: Held | None) -> None:
        if not self._again:
            if committed is not None:
                self._commit(committed)
            domain, server, sequence = self._gtid
            self.position.gtids[domain] = (server, sequence)
            self.position.rows = 0
            if self._flags & wire.COMPLETED_XA:
                self.position.prepared.pop(self._xid, None)
        self.inside = False
        self._maps.clear()
        self._held.clear()

    def _commit(self, held: Held) -> None:
        for table, packet in held:
            if isinstance(table, Unreadable):
                self._refuse(table.reason, table.detail, packet)
            else:
                self._rows(table, packet)
            if len(self.events) >= CHUNK_ROWS:
                self._full(self)

    # ------------------------------------------------------------------------
    # statements

    def _query(self, data: bytes, end: int) -> None:
        if not self.inside:
            return
        schema, text = wire.query_text(data, end)
        if self._flags & wire.COMPLETED_XA:
            self._complete(text, data)
        elif text.strip().upper() == "COMMIT":
            self._end(self._held)
        elif text.strip().upper() == "ROLLBACK":
            self._end(None)
        elif savepoint := savepoint_of(text):
            back, name = savepoint
            (self._held.back_to if back else self._held.mark)(name)
        else:
            self._known.clear()  # it may have changed a table
            self._definitions.statement(schema, text, self._interesting)
            if not self._again:
                self._without_rows(schema, text, data)
            if self._flags & wire.STANDALONE:
                self._end(None)

    def _without_rows(self, schema: str, text: str, data: bytes) -> None:
        for (database, table), how in lost_changes(schema, text, self._interesting):
            detail = f"{database}.{table} {LOST[how].format(repr(text[:200]))}"
            self._count(how, 1)
            if how == "dropped":
                self._warn(detail)
                continue
            payload = text.encode()[:DEAD_LETTER_BYTES]
            self._problem(Problem(how, detail, payload, self._origin(data), self.committed))

    def _origin(self, data: bytes) -> str:
        return f"{self._transaction.gtid}/{int.from_bytes(data[14:18], 'little')}"

    def _refuse(self, reason: str, detail: str, data: bytes) -> None:
        self._count(reason, 1)
        self._problem(
            Problem(reason, detail, data[:DEAD_LETTER_BYTES], self._origin(data), self.committed)
        )

    # ------------------------------------------------------------------------
    # tables and rows

    def _table(self, data: bytes, end: int) -> None:
        table_id = int.from_bytes(data[20:26], "little")
        body = data[26:end]
        if body not in self._known:
            try:
                self._known[body] = self._watched(data, end)
            except UnknownColumns as error:
                self._known[body] = Unreadable("unknown_columns", str(error))
            except UNDECODABLE as error:
                self._known[body] = Unreadable("undecodable", _cannot(_name_of(data), error))
        self._maps[table_id] = self._known[body]

    def _watched(self, data: bytes, end: int) -> Watched | None:
        schema, name, _ = table_names(data)
        if (schema, name) not in self._interesting:
            return None
        table = parse_table(data, end, self._definitions)
        recorder = self._recorders.get(schema) if name in (STATES, META, ATTRIBUTES) else None
        if recorder is not None and not is_recorder(
            name, (column.name for column in table.columns)
        ):
            recorder = None
        if recorder is None and (schema, name) not in self._tables:
            return None
        return Watched(table, RowDecoder(table.columns), recorder)

    def _rows(self, watched: Watched, packet: bytes) -> None:
        kind = wire.ROW_EVENTS[packet[5]]
        decoder = watched.decoder
        try:
            if self._lazily:
                tuples = lazy_states(watched, packet, kind, self.position)
                if tuples is not None:
                    self._add(tuples)
                    return
            images = decoder.images(packet, len(packet), kind)
            if decoder.spoiled:
                images = self._unspoiled(watched, images, packet)
            events, counts = events_of(watched, kind.op, images, self._transaction, self.position)
        except UNDECODABLE as error:
            self._refuse("undecodable", _cannot(watched.table.full_name, error), packet)
            return
        for word, n in counts.items():
            self._count(word, n)
        if decoder.missing:
            self._count("partial", len(images[0] or images[1]))
            self._warn(
                f"a program writes {watched.table.full_name} with binlog_row_image=MINIMAL or"
                " NOBLOB: values that are not in the log are unknown and left out of its rows; have"
                " it write with binlog_row_image=FULL"
            )
        self._add(events)

    def _unspoiled(
        self, watched: Watched, images: tuple[Rows, Rows], packet: bytes
    ) -> tuple[Rows, Rows]:
        """The images without the rows that have a value which could not be read."""
        watched.decoder.spoiled = 0
        before, after = images
        good = []
        for n, row in enumerate(after or before):
            why = row.pop(SPOILED, None)
            if before and after:
                of_old = before[n].pop(SPOILED, None)
                if any(name not in before[n] for name in watched.table.key):
                    why = why or of_old
            if why is None:
                good.append(n)
                continue
            key = "/".join(str(row.get(name)) for name in watched.table.key)
            self._count("undecodable", 1)
            self._problem(
                Problem(
                    "undecodable",
                    f"row {key} of {watched.table.full_name} is left out: {why}",
                    msgspec.json.encode(row)[:DEAD_LETTER_BYTES],
                    f"{self._origin(packet)}#{n}",
                    self.committed,
                )
            )
        return [before[n] for n in good if before], [after[n] for n in good if after]

    def _add(self, events: Sequence[Event]) -> None:
        """Add all but the first `position.rows`, which were passed on before a reconnect."""
        transaction = self._transaction
        passed_on = self.position.rows - transaction.seen
        transaction.seen += len(events)
        if passed_on > 0:
            events = events[passed_on:]
        self.position.rows = max(self.position.rows, transaction.seen)
        self.events = joined(self.events, events)
        self.commits.append((len(events), transaction.committed))


def _name_of(table_map: bytes) -> str:
    try:
        return ".".join(table_names(table_map)[:2])
    except UNDECODABLE:
        return "a table without a readable name"


def _cannot(table: str, error: Exception) -> str:
    return f"rows of {table} cannot be decoded: {type(error).__name__}: {error}"
