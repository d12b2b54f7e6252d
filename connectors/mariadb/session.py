"""A reader's session with the server: connect, read the tables, follow the log.

After every failure it starts again from where it was.
"""

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pymysql.err import MySQLError

from connectors.base import ConnectorContext, ConnectorError
from connectors.mariadb.binlog.definitions import Definitions, SchemaNeeded
from connectors.mariadb.binlog.gtids import (
    Gtids,
    LogPosition,
    forgotten,
    format_gtids,
    parse_gtids,
    reached,
)
from connectors.mariadb.binlog.stream import PositionLost, ServerIdTaken, Stream
from connectors.mariadb.binlog.transactions import Problem, TransactionDecoder, UnknownEvent
from connectors.mariadb.known_tables import definitions
from connectors.mariadb.preflight import explain
from connectors.mariadb.problems import Problems
from connectors.mariadb.row_mapping import Mappings
from connectors.mariadb.server import Server, gtid_position
from connectors.mariadb.settings import Settings
from connectors.mariadb.snapshot import Snapshot, begin, pages
from connectors.mariadb.start_file import StartFile
from connectors.runtime import steady_clock
from connectors.runtime.backoff import Backoff
from operators.columnar.lazy_rows import LazyRows
from operators.events import Event

log = logging.getLogger(__name__)

SHORTEST_WAIT_S, LONGEST_WAIT_S, LONGEST_SERVER_ID_WAIT_S = 0.2, 5.0, 60.0
STEADY_S = 10.0
"""A connection that lived so long did work: the next one is tried at once."""
UP_AFTER_S = 1.5
"""A connection that lives so long is reported as up."""
LOOK_AFTER_S = 5.0
"""How often the end of the log is compared with what was read."""
COMMIT_STEP_S = 1.0
"""The log holds commit times in whole seconds: a transaction arrived by the end of its second."""
CLOCK_AHEAD_S = 60.0
"""By how much a commit time may be ahead of our clock; one further ahead counts as this."""


@dataclass
class Chunk:
    """Events that are queued together, how many arrived when, and the position after them.

    `wall` is the arrival time of the last one (epoch seconds); `live` as a `Batch` has it.
    """

    events: list[Event] | LazyRows
    arrivals: list[tuple[int, float]]
    position: dict[str, Any]
    wall: float
    live: bool


class _Closed(Exception):
    """The reader was closed while rows were passed on."""


class Session:
    """Connects and follows; holds what must survive a broken connection."""

    def __init__(
        self,
        context: ConnectorContext,
        settings: Settings,
        position: Any,
        start: StartFile,
        put: Callable[[Chunk], None],
        closed: threading.Event,
    ) -> None:
        self._context = context
        self._settings = settings
        self._problems = Problems(context, closed)
        self._server = Server(settings)
        self._tables = settings.watched()
        rows = {
            ".".join(settings.full_name(name)): mapping for name, mapping in settings.rows.items()
        }
        self._mapping = Mappings(rows, self._problems.unmapped)
        self._put = put
        self._closed = closed
        self._position: LogPosition | None = (
            LogPosition.load(position) if position and "gtid" in position else None
        )
        self._snapshot = (
            Snapshot.load(position["snapshot"]) if position and position.get("snapshot") else None
        )
        self._lost: dict[str, int] | None = None
        self._start_file = start
        self._is_first = position is None
        self._stream: Stream | None = None
        self._live = False
        self._needs_schema = False
        self._unknown = ""
        self._wall = 0.0
        self._heard = -math.inf
        self.read_until = -math.inf

    def run(self) -> None:
        """Connect again and again until closed; raises what no new connection would mend."""
        backoff = Backoff(SHORTEST_WAIT_S, LONGEST_WAIT_S)
        server_id_backoff = Backoff(SHORTEST_WAIT_S, LONGEST_SERVER_ID_WAIT_S)
        wait = 0.0
        while not self._closed.wait(wait):
            started = time.monotonic()
            try:
                self._follow()
            except _Closed:
                return
            except SchemaNeeded:
                self._needs_schema = True
                wait = 0.0
            except UnknownEvent as error:
                if str(error) != self._unknown:
                    self._context.count("unknown_event", 1)
                    self._unknown = str(error)
                self._problems.degraded(str(error))
                wait = LONGEST_WAIT_S
            except PositionLost as error:
                wait = 0.0 if self._start_over(error) else backoff.pause()
            except ConnectorError as error:
                self._problems.degraded(str(error))
                wait = (server_id_backoff if isinstance(error, ServerIdTaken) else backoff).pause()
            except (MySQLError, OSError) as error:
                is_silent = isinstance(error, TimeoutError)
                if self._heard - started > STEADY_S and not is_silent:
                    wait = 0.0  # it worked: only if the next try fails too is the server down
                    backoff.reset()
                    continue
                self._problems.degraded(explain(error, self._settings.address))
                wait = backoff.pause()

    def interrupt(self) -> None:
        """End a wait for the server, from another thread."""
        stream = self._stream
        if stream is not None:
            stream.interrupt()

    # ------------------------------------------------------------------------
    # following the log

    def _follow(self) -> None:
        """One connection's life; returns when the reader is closed."""
        control = self._server.connect()
        try:
            self._server.prepare(control, resumed=self._position is not None)
            if self._position is None or self._snapshot is not None:
                self._start(control)
            if self._position is None:
                return  # closed during the snapshot
            target = self._end_of_log(control)
            tables = definitions(
                control,
                self._server.described(),
                self._position.start(),
                self._open if self._needs_schema else None,
            )
            stream = self._open(self._position.start())
            try:
                self._read_log(stream, tables, target, control)
            finally:
                self._stream = None
                stream.close()
        finally:
            control.close()

    def _open(self, start: Gtids) -> Stream:
        self._stream = Stream(self._server.connect(), start, self._settings.server_id)
        return self._stream

    def _end_of_log(self, control: Any) -> Gtids:
        """Where the log ends; raises `PositionLost` if that is before what was read."""
        assert self._position is not None
        end = parse_gtids(gtid_position(control))
        for domain in forgotten(end, self._position.gtids):
            del self._position.gtids[domain]
        if not reached(end, self._position.gtids):
            raise PositionLost(
                f"its log ends at {format_gtids(end) or 'its beginning'}: it was reset or restored"
            )
        return end

    def _read_log(self, stream: Stream, tables: Definitions, target: Gtids, control: Any) -> None:
        assert self._position is not None
        decoder = TransactionDecoder(
            self._position,
            self._tables,
            self._server.recorders,
            tables,
            self._problems.report,
            self._context.count,
            self._pass_on,
            self._problems.warn,
            lazily=self._context.columns and not self._settings.rows,
        )
        self._live = reached(decoder.position.gtids, target)
        self._pass_on(decoder)
        opened: float | None = time.monotonic()
        looked = time.monotonic()
        while not self._closed.is_set():
            stream.receive()
            self._heard = time.monotonic()
            if opened is not None and time.monotonic() - opened > UP_AFTER_S:
                opened = None
                self._context.health.up(self._context.name)
            for data in stream.packets():
                decoder.handle(data, stream.checksum)
                if (
                    not self._live
                    and not decoder.inside
                    and reached(decoder.position.gtids, target)
                ):
                    self._pass_on(decoder)
                    self._live = True
                    self._pass_on(decoder)
            waiting = bool(decoder.events) or decoder.position != self._position
            if waiting and not decoder.inside:
                self._pass_on(decoder)
            if self._heard - looked > LOOK_AFTER_S and not decoder.inside:
                looked = self._heard
                self._end_of_log(control)  # after RESET MASTER the server sends nothing more
            if self._live and not decoder.inside:
                self.read_until = steady_clock.now()

    def _pass_on(self, decoder: TransactionDecoder) -> None:
        position = decoder.position
        self._position = position.copy()
        now = steady_clock.now()
        wall = now if self._live else min(decoder.committed or now, now)
        self._wall = max(self._wall, wall)
        commits = [
            (rows, min(at + COMMIT_STEP_S, now + CLOCK_AHEAD_S)) for rows, at in decoder.commits
        ]
        events, arrivals = self._mapping.apply(decoder.take(), commits)
        self._put(Chunk(events, arrivals, position.saved(), self._wall, self._live))
        if self._closed.is_set():
            raise _Closed

    # ------------------------------------------------------------------------
    # where to begin

    def _start(self, control: Any) -> None:
        """Begin with the tables or at the log's end; go on with an interrupted snapshot."""
        if not self._settings.snapshot and self._snapshot is None:
            position = LogPosition(parse_gtids(gtid_position(control)))
            self._save_start(position.saved())
            self._position = position
            return
        connection = self._server.connect()
        try:
            rows = self._read_tables(connection)
        finally:
            connection.close()
        if rows is None or self._snapshot is None:
            return
        self._position = LogPosition(parse_gtids(self._snapshot.gtid), 0, dict(self._snapshot.upto))
        if self._lost is not None:
            log.warning(
                "%s: read %d rows from the tables in place of the lost part of the log",
                self._context.name,
                rows,
            )
        self._snapshot = self._lost = None

    def _read_tables(self, connection: Any) -> int | None:
        """Pass on what the tables hold; returns how many rows, None when closed meanwhile."""
        if self._snapshot is None:
            tables = self._server.read_at_start()
            snapshot = begin(connection, tables, self._server.recorders, self._lost or {})
            self._save_start({"snapshot": snapshot.saved()})
            self._snapshot = snapshot
        began = self._snapshot.began
        rows = 0
        for page in pages(connection, self._snapshot, self._server.recorders):
            rows += len(page)
            self._wall = max(self._wall, began)
            events, arrivals = self._mapping.apply(page, [(len(page), began)])
            position = {"snapshot": self._snapshot.saved()}
            self._put(Chunk(events, arrivals, position, self._wall, False))
            if self._closed.is_set():
                return None
        return rows

    def _save_start(self, position: dict[str, Any]) -> None:
        if self._is_first:
            self._start_file.save(position)
            self._is_first = False

    def _start_over(self, error: PositionLost) -> bool:
        """Report the gap that a purged position leaves; True if the tables are to be read again."""
        lost = self._position or LogPosition()
        if lost.prepared:  # without them perhaps: their commits are reported when they come
            lost.prepared.clear()
            return True
        position = format_gtids(lost.gtids) or "the beginning"
        loss = (
            f"MariaDB at {self._settings.address} no longer has the binary log after {position}"
            f" ({error})"
        )
        if not self._settings.snapshot:
            self._start_file.forget()
            self._problems.degraded(
                f"{loss}; set `snapshot: true` to go on with what the tables hold, or discard the"
                " flow's saved position to go on from now"
            )
            return False
        known = ", ".join(
            f"{schema}.states after state_id {last}" for schema, last in lost.state_ids.items()
        )
        kept = f", except {known}, which is read from the table" if known else ""
        detail = (
            f"{loss}: changes between there and now are lost{kept}; to keep the log longer, set"
            " binlog_expire_logs_seconds"
        )
        self._context.count("gap", 1)
        self._problems.degraded(detail)
        self._problems.report(Problem("gap", detail, b"", position, time.time()))
        self._lost, self._position, self._snapshot = dict(lost.state_ids), None, None
        return True
