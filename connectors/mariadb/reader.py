"""The reader of the binary log: a thread that connects, takes a snapshot, follows the log, and
starts again after every failure from where it was; and the bounded queue between it and the
flow."""

import collections
import logging
import math
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from pymysql.err import MySQLError

from connectors.base import Batch, ConnectorContext, ConnectorError
from connectors.mariadb.binlog.stream import (
    PositionLost,
    ServerIdTaken,
    Stream,
    format_gtids,
    parse_gtids,
    reached,
)
from connectors.mariadb.binlog.table_map import describe_with
from connectors.mariadb.binlog.transactions import CHUNK_ROWS, Follower, Place, Problem
from connectors.mariadb.components import MariadbConnection, server_id
from connectors.mariadb.homeassistant_recorder import (
    ATTRIBUTES,
    META,
    STATES,
    Recorder,
    is_recorder,
)
from connectors.mariadb.preflight import METADATA_ADVICE, check, connect, explain, names_are_logged
from connectors.mariadb.row_mapping import Mappings
from connectors.mariadb.snapshot import Snapshot, begin, pages
from connectors.mariadb.start_position import SURELY_SAVED, StartFile
from connectors.runtime.backoff import Backoff
from operators.events import DeadLetter, Event, Row

if TYPE_CHECKING:
    from connectors.mariadb.components import MariadbBinlog

log = logging.getLogger(__name__)

READ_EVENTS = 5_000
QUEUE_ROWS = 20_000
SHORTEST_WAIT_S, LONGEST_WAIT_S, LONGEST_CLASH_S = 0.2, 5.0, 60.0
STEADY_S = 10.0
WHOLE_S = 1.0
"""The log writes when a transaction was committed in whole seconds: it arrived by the end of
that second.
"""
TOLERATED = 60.0
"""Seconds by which the server's clock may be ahead of ours; later, a transaction counts as
committed then.
"""
SETTLED_S = 1.5
MOST_TOLD = 1000
JOIN_S = 5.0


@dataclass
class Unit:
    """Events that belong together, how many of them arrived when, and the position after them."""

    events: list[Event]
    arrivals: list[tuple[int, float]]
    position: dict[str, Any]
    wall: float
    live: bool


class _MustStop(Exception):
    """The definition says that a row that cannot be processed stops the flow."""


class BinlogReader:
    """What the flow sees: never blocks."""

    def __init__(
        self, source: "MariadbBinlog", context: ConnectorContext, position: object | None
    ) -> None:
        start = StartFile(context.folder, context.name, [sorted(source.tables), source.snapshot])
        if position is None:
            position = start.load()
        else:
            start.forget()
        self._start = start
        self._saved = 0
        self._position = position
        self._queue: collections.deque[Unit] = collections.deque()
        self._rows = 0
        self._room = threading.Condition()
        self._closed = threading.Event()
        self._context = context
        self._live = False
        self._failure: BaseException | None = None
        self._session = _Session(source, context, position, start, self._put, self._closed)
        self._thread: threading.Thread | None = None

    def read(self) -> Batch | None:
        """At most some 5,000 rows; raises what ended the reader's thread, if a fault in it did."""
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._run, name=f"reader {self._context.name}", daemon=True
            )
            self._thread.start()
        if self._failure is not None:
            raise RuntimeError(f"the reader of {self._context.name} failed") from self._failure
        events: list[Any] = []
        arrivals: list[tuple[int, float]] = []
        last: Unit | None = None
        with self._room:
            while self._queue and len(events) < READ_EVENTS:
                unit = self._queue[0]
                if last is not None and unit.live != last.live:
                    break
                self._queue.popleft()
                events += unit.events
                arrivals += unit.arrivals
                last = unit
            if last is None:
                return None
            self._rows -= len(events)
            self._room.notify()
        self._position = last.position
        becomes_live = last.live and not self._live
        self._live = last.live
        return (
            Batch(events, last.wall, last.live, arrivals=arrivals)
            if events or becomes_live
            else None
        )

    def position(self) -> object:
        if self._position is not None:
            self._saved += 1
            if self._saved == SURELY_SAVED:
                self._start.forget()
        return self._position

    def read_until(self) -> float:
        heard = self._session.read_until  # looked at first: what comes after it is in the queue
        return -math.inf if self._queue else heard

    def lag(self) -> int | None:
        return None

    def close(self) -> None:
        self._closed.set()
        with self._room:
            self._room.notify_all()
        self._session.interrupt()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(JOIN_S)

    def _put(self, unit: Unit) -> None:
        with self._room:
            self._room.wait_for(lambda: self._closed.is_set() or self._rows < QUEUE_ROWS)
            if not unit.events and self._queue and self._queue[-1].live == unit.live:
                self._queue[-1].position = unit.position
            else:
                self._queue.append(unit)
                self._rows += len(unit.events)
        self._context.arrived()

    def _run(self) -> None:
        try:
            self._session.run()
        except Exception as error:
            log.exception("the reader of %s failed", self._context.name)
            self._failure = error
            self._context.arrived()


class _Session:
    """Connects and follows; holds what must survive a broken connection."""

    def __init__(
        self,
        source: "MariadbBinlog",
        context: ConnectorContext,
        position: Any,
        start: StartFile,
        put: Any,
        closed: threading.Event,
    ) -> None:
        connection: MariadbConnection = context.connection
        self._source = source
        self._context = context
        self._address = connection.address()
        self._ca = connection.ca
        self._server_id = connection.server_id or server_id(context.flow, context.name)
        split = (self._full_name(name).split(".") for name in source.tables)
        self._tables = frozenset((schema, table) for schema, table in split)
        rows = {self._full_name(name): mapping for name, mapping in source.rows.items()}
        self._mapping = Mappings(rows, self._unmapped)
        self._put = put
        self._closed = closed
        self._place: Place | None = (
            Place.load(position) if position and "gtid" in position else None
        )
        self._snapshot = (
            Snapshot.load(position["snapshot"]) if position and position.get("snapshot") else None
        )
        self._lost: dict[str, int] | None = None
        self._start_file = start
        self._is_first = position is None
        self._recorders: dict[str, Recorder] = {}
        self._stream: Stream | None = None
        self._live = False
        self._wall = 0.0
        self.read_until = -math.inf
        self._advised = False
        self._told: set[str] = set()

    def run(self) -> None:
        backoff = Backoff(SHORTEST_WAIT_S, LONGEST_WAIT_S)
        clashes = Backoff(SHORTEST_WAIT_S, LONGEST_CLASH_S)
        wait = 0.0
        while not self._closed.wait(wait):
            started = time.monotonic()
            try:
                self._follow()
            except PositionLost as error:
                wait = 0.0 if self._lose(error) else backoff.pause()
            except ConnectorError as error:
                self._report(str(error))
                wait = (clashes if isinstance(error, ServerIdTaken) else backoff).pause()
            except (MySQLError, OSError) as error:
                if time.monotonic() - started > STEADY_S:
                    wait = 0.0  # it worked: only if the next try fails too is the server down
                    backoff.reset()
                    continue
                self._report(explain(error, self._address))
                wait = backoff.pause()

    def interrupt(self) -> None:
        stream = self._stream
        if stream is not None:
            stream.interrupt()

    def _report(self, detail: str) -> None:
        if self._closed.is_set():
            return
        before = self._context.health.down.get(self._context.name)
        self._context.health.degraded(self._context.name, detail)
        if before is not None and before != detail:
            log.warning("%s: %s", self._context.name, detail)

    def _follow(self) -> None:
        """One connection's life; returns when the reader is closed."""
        control = connect(self._address, self._ca)
        try:
            check(control, self._address, sorted(self._tables), self._server_id)
            self._know_recorders(control)
            self._advise(control)
            if self._place is None or self._snapshot is not None:
                self._start(control)
            if self._place is None:
                return  # closed during the snapshot
            target = parse_gtids(_gtid_position(control))
            if not reached(target, self._place.gtids):
                raise PositionLost(
                    f"its log ends at {format_gtids(target) or 'its beginning'}: it was reset or"
                    " restored"
                )
            stream = Stream(connect(self._address, self._ca), self._place.gtids, self._server_id)
            try:
                self._stream = stream
                self._read_log(stream, control, target)
            finally:
                self._stream = None
                stream.close()
        finally:
            control.close()

    def _read_log(self, stream: Stream, control: Any, target: Any) -> None:
        assert self._place is not None
        follower = Follower(
            self._place,
            self._tables,
            self._recorders,
            describe_with(control),
            self._problem,
            self._context.count,
        )
        self._live = reached(follower.place.gtids, target)
        self._pass_on(follower)
        opened: float | None = time.monotonic()
        while not self._closed.is_set():
            stream.receive()
            if opened is not None and time.monotonic() - opened > SETTLED_S:
                opened = None
                self._context.health.up(self._context.name)
            for data in stream.packets():
                follower.handle(data, stream.checksum)
                if len(follower.events) >= CHUNK_ROWS:
                    self._pass_on(follower)
                if not self._live and not follower.inside and reached(follower.place.gtids, target):
                    self._pass_on(follower)
                    self._live = True
                    self._pass_on(follower)
            waiting = bool(follower.events) or follower.place.gtids != self._place.gtids
            if waiting and not follower.inside:
                self._pass_on(follower)
            if self._live and not follower.inside:
                self.read_until = time.time()

    def _pass_on(self, follower: Follower) -> None:
        place = follower.place
        self._place = Place(dict(place.gtids), place.rows, dict(place.state_ids))
        now = time.time()
        wall = now if self._live else min(follower.committed or now, now)
        self._wall = max(self._wall, wall)
        commits = [(rows, min(at + WHOLE_S, now + TOLERATED)) for rows, at in follower.commits]
        self._put(
            Unit(
                *self._mapping.apply(follower.take(), commits),
                place.saved(),
                self._wall,
                self._live,
            )
        )

    def _unmapped(self, row: Row, why: str) -> None:
        self._context.count("unmapped", 1)
        self._problem(Problem("unmapped", why, msgspec.json.encode(row.values), row.id, row.time))

    def _full_name(self, name: str) -> str:
        return name if "." in name else f"{self._address.database}.{name}"

    def _start(self, control: Any) -> None:
        """Begin where the settings say: with what the tables hold, or now. Goes on with a
        snapshot that was interrupted.
        """
        if not self._source.snapshot and self._snapshot is None:
            place = Place(parse_gtids(_gtid_position(control)))
            self._begun(place.saved())
            self._place = place
            return
        frozen = connect(self._address, self._ca)
        try:
            tables = sorted(table for table in self._tables if not self._is_helper(table))
            if self._snapshot is None:
                snapshot = begin(frozen, tables, self._recorders, self._lost or {})
                self._begun({"snapshot": snapshot.saved()})
                self._snapshot = snapshot
            began = self._snapshot.began
            rows = 0
            for page in pages(frozen, self._snapshot, self._recorders):
                rows += len(page)
                self._wall = max(self._wall, began)
                self._put(
                    Unit(
                        *self._mapping.apply(page, [(len(page), began)]),
                        {"snapshot": self._snapshot.saved()},
                        self._wall,
                        False,
                    )
                )
                if self._closed.is_set():
                    return
        finally:
            frozen.close()
        self._place = Place(parse_gtids(self._snapshot.gtid), 0, dict(self._snapshot.upto))
        if self._lost is not None:
            log.warning(
                "%s: read %d rows from the tables in place of the lost part of the log",
                self._context.name,
                rows,
            )
        self._snapshot = self._lost = None

    def _begun(self, position: dict[str, Any]) -> None:
        if self._is_first:
            self._start_file.save(position)
            self._is_first = False

    def _lose(self, error: PositionLost) -> bool:
        """The server has purged the position: report the gap. True if the tables are to be read
        again.
        """
        place = self._place or Place()
        position = place.saved()["gtid"] or "the beginning"
        loss = f"MariaDB at {self._address} no longer has the binary log after {position} ({error})"
        if not self._source.snapshot:
            self._start_file.forget()
            self._report(
                f"{loss}; set `snapshot: true` to go on with what the tables hold, or discard the"
                " flow's saved position to go on from now"
            )
            return False
        known = ", ".join(
            f"{schema}.states after state_id {last}" for schema, last in place.state_ids.items()
        )
        kept = f", except {known}, which is read from the table" if known else ""
        detail = (
            f"{loss}: changes between there and now are lost{kept}; to keep the log longer, set"
            " binlog_expire_logs_seconds"
        )
        self._context.count("gap", 1)
        self._report(detail)
        self._problem(Problem("gap", detail, b"", position, time.time()))
        self._lost, self._place, self._snapshot = dict(place.state_ids), None, None
        return True

    def _know_recorders(self, control: Any) -> None:
        describe = describe_with(control)
        helpers = []
        for schema in sorted({schema for schema, table in self._tables if table == STATES}):
            if not is_recorder(STATES, (column.name for column in describe(schema, STATES))):
                continue
            helpers += [(schema, META), (schema, ATTRIBUTES)]
            recorder = self._recorders.setdefault(schema, Recorder(schema))
            check(control, self._address, helpers, self._server_id)
            recorder.seed(control)

    def _is_helper(self, table: tuple[str, str]) -> bool:
        return table[0] in self._recorders and table[1] in (META, ATTRIBUTES)

    def _advise(self, control: Any) -> None:
        if not self._advised and not names_are_logged(control):
            log.warning(METADATA_ADVICE, self._address)
            self._advised = True

    def _problem(self, problem: Problem) -> None:
        if problem.detail not in self._told and len(self._told) < MOST_TOLD:
            self._told.add(problem.detail)
            log.warning("%s: %s", self._context.name, problem.detail)
        letter = DeadLetter(
            id=f"{self._context.name}/{problem.origin}/{problem.reason}",
            time=problem.time,
            flow=self._context.flow,
            step=self._context.name,
            reason=problem.reason,
            detail=problem.detail,
            origin=problem.origin,
            payload=problem.payload,
        )
        try:
            self._context.dead_letter(letter)
        except ConnectorError as error:  # not one to connect again for
            raise _MustStop(str(error)) from error


def _gtid_position(control: Any) -> str:
    with control.cursor() as cursor:
        cursor.execute("SELECT @@global.gtid_binlog_pos")
        return str(cursor.fetchone()[0] or "")
