"""The reader of the binary log as a flow sees it: a bounded queue that a session's thread fills."""

import collections
import logging
import math
import threading

from connectors.base import Batch, ConnectorContext
from connectors.mariadb.session import Chunk, Session
from connectors.mariadb.settings import Settings
from connectors.mariadb.start_file import SURELY_SAVED, StartFile
from operators.columnar.lazy_rows import LazyRows, joined
from operators.events import Event

log = logging.getLogger(__name__)

READ_EVENTS = 5_000
QUEUE_ROWS = 20_000
JOIN_S = 5.0


class BinlogReader:
    """Reads from the queue, and never blocks; the thread starts with the first `read`."""

    def __init__(
        self, context: ConnectorContext, settings: Settings, position: object | None
    ) -> None:
        start = StartFile(
            context.folder, context.name, [sorted(settings.tables), settings.snapshot]
        )
        if position is None:
            position = start.load()
        else:
            start.forget()
        self._start = start
        self._saved = 0
        self._position = position
        self._queue: collections.deque[Chunk] = collections.deque()
        self._rows = 0
        self._room = threading.Condition()
        self._closed = threading.Event()
        self._context = context
        self._live = False
        self._failure: BaseException | None = None
        self._session = Session(context, settings, position, start, self._put, self._closed)
        self._thread: threading.Thread | None = None

    def read(self) -> Batch | None:
        """At most some 5,000 rows; raises `RuntimeError` if a fault ended the reader's thread."""
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._run, name=f"reader {self._context.name}", daemon=True
            )
            self._thread.start()
        if self._failure is not None:
            raise RuntimeError(f"the reader of {self._context.name} failed") from self._failure
        events: list[Event] | LazyRows = []
        arrivals: list[tuple[int, float]] = []
        last: Chunk | None = None
        with self._room:
            while self._queue and len(events) < READ_EVENTS:
                chunk = self._queue[0]
                if last is not None and chunk.live != last.live:
                    break
                self._queue.popleft()
                events = joined(events, chunk.events)
                arrivals += chunk.arrivals
                last = chunk
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
        """The position after the last event that `read` returned, as plain data."""
        if self._position is not None:
            self._saved += 1
            if self._saved == SURELY_SAVED:
                self._start.forget()
        return self._position

    def read_until(self) -> float:
        """The wall time up to which all there was has been read; -inf while rows are queued."""
        until = self._session.read_until  # looked at first: what comes after it is in the queue
        return -math.inf if self._queue else until

    def lag(self) -> int | None:
        """None: the server does not say how many rows its log holds."""
        return None

    def close(self) -> None:
        """End the thread and its connections."""
        self._closed.set()
        with self._room:
            self._room.notify_all()
        self._session.interrupt()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(JOIN_S)

    def _put(self, chunk: Chunk) -> None:
        with self._room:
            self._room.wait_for(lambda: self._closed.is_set() or self._rows < QUEUE_ROWS)
            if not chunk.events and self._queue and self._queue[-1].live == chunk.live:
                self._queue[-1].position = chunk.position
            else:
                self._queue.append(chunk)
                self._rows += len(chunk.events)
        self._context.arrived()

    def _run(self) -> None:
        try:
            self._session.run()
        except Exception as error:
            log.exception("the reader of %s failed", self._context.name)
            self._failure = error
            self._context.arrived()
