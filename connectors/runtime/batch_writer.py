"""The common half of sinks that talk to a service: a bounded queue, one thread, batches,
patience.
"""

import collections
import threading
import time
from collections.abc import Callable

from connectors.base import ConnectorContext, ConnectorError
from connectors.runtime.backoff import Backoff
from operators.events import Event

FIRST_BACKOFF = 0.2
LONGEST_BACKOFF = 10.0
MUTE = 10.0
"""Seconds without an answer after which a far end that holds up the flow is reported."""


class Retry(Exception):
    """The far end is down or busy: what was not delivered is kept and tried again.

    `detail` is a sentence for people, with the remedy and without secrets. `delivered` is how many
    events at the start of the batch the far end has nevertheless accepted; they are not sent again.
    `after` is how many seconds the far end asked to be left alone for, if it did.
    """

    def __init__(self, detail: str, delivered: int = 0, after: float | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.delivered = delivered
        self.after = after


class BatchWriter:
    """A sink's writer that hands batches to `deliver` in one background thread, in order.

    A batch goes out when `max_events` are there, `max_wait` seconds after its first event, or at
    once for a `flush`.
    `deliver` returns when the far end has stored the batch, or raises `Retry`: the sink is then
    reported degraded and the same events are tried again, after a random pause of at most
    `LONGEST_BACKOFF` or when the far end asked for it. It is reported, too, where the flow waits for a `deliver` that does not
    return for `MUTE` seconds. Any other exception ends the sink: the next `write` or `flush` raises
    it. `write` blocks while `queue_bound` events wait. `idle`, if given, is called about once a
    second while there is nothing to do; it may keep a connection alive and may raise `Retry` too.
    """

    def __init__(
        self,
        context: ConnectorContext,
        deliver: Callable[[list[Event]], None],
        max_events: int = 5_000,
        max_wait: float = 0.2,
        queue_bound: int = 50_000,
        idle: Callable[[], None] | None = None,
    ) -> None:
        self._context = context
        self._deliver = deliver
        self._idle = idle
        self._max_events = context.batch_events or max_events
        self._max_wait = max_wait if context.batch_wait is None else context.batch_wait
        self._bound = queue_bound
        self._queue: collections.deque[Event] = collections.deque()
        self._first_at = 0.0
        self._batch: list[Event] = []
        self._began: float | None = None
        self._flushing = 0
        self._closed = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(
            target=self._run, name=f"writer {context.name}", daemon=True
        )
        self._thread.start()

    def write(self, events: list[Event]) -> None:
        """Queue events; blocks while the queue is full, raises `Stopped` if asked to stop while
        the far end is down.
        """
        if not events:
            return
        with self._changed:
            while len(self._queue) >= self._bound:
                self._check()
                self._changed.wait(0.2)
            self._raise()
            if not self._queue:
                self._first_at = time.monotonic()
            self._queue.extend(events)
            self._changed.notify_all()

    def flush(self) -> None:
        """Return when the far end has everything written so far."""
        with self._changed:
            self._flushing += 1
            self._changed.notify_all()
            try:
                while self._queue or self._batch:
                    self._check()
                    self._changed.wait(0.2)
                self._raise()
            finally:
                self._flushing -= 1

    def close(self) -> None:
        """Stop the thread; what was not flushed is left to the next start."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not threading.current_thread():
            self._thread.join(10)

    @property
    def closed(self) -> bool:
        """Whether `close` was called: a `deliver` that waits should look and give up."""
        return self._closed

    def _check(self) -> None:
        self._raise()
        if self._began is not None and time.monotonic() - self._began > MUTE:
            self._context.health.degraded(
                self._context.name, f"no answer for {MUTE:.0f} s; it may be overloaded or stuck"
            )
        self._context.stop_if_down()

    def _raise(self) -> None:
        if self._error:
            raise self._error
        if self._closed:
            raise ConnectorError(f"{self._context.name}: the sink is closed")

    # The rest runs in the background thread.

    def _run(self) -> None:
        backoff = Backoff(FIRST_BACKOFF, LONGEST_BACKOFF)
        while not self._closed:
            try:
                if self._fill():
                    self._began = time.monotonic()
                    self._deliver(self._batch)
                    self._done(len(self._batch))
                elif self._idle and not self._closed:
                    self._idle()
                else:
                    continue
                self._context.health.up(self._context.name)
                backoff.reset()
            except Retry as retry:
                self._done(retry.delivered)
                if retry.delivered:
                    backoff.reset()
                self._context.health.degraded(self._context.name, retry.detail)
                self._pause(backoff.pause(retry.after))
            except BaseException as error:  # a bug must stop the flow, not only this thread
                with self._changed:
                    self._error = error
                    self._changed.notify_all()
                return

    def _fill(self) -> bool:
        """Wait for a batch that is due; False after about a second without one, or when closing."""
        if self._batch:
            return True
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._queue, 1.0)
            if not self._queue or self._closed:
                return False
            due = self._first_at + self._max_wait - time.monotonic()
            self._changed.wait_for(
                lambda: self._closed or self._flushing or len(self._queue) >= self._max_events,
                max(due, 0.0),
            )
            if self._closed:
                return False
            queue = self._queue
            self._batch = [queue.popleft() for _ in range(min(len(queue), self._max_events))]
            self._first_at = time.monotonic()
            self._changed.notify_all()
        return True

    def _done(self, count: int) -> None:
        with self._changed:
            self._began = None
            self._batch = self._batch[count:]
            self._changed.notify_all()

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed, seconds)
