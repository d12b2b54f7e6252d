"""The common half of sinks that talk to a service: a bounded queue, one thread, and batches."""

import collections
import logging
import time
from collections.abc import Callable
from typing import cast

from connectors.base import ConnectorContext, ConnectorError, Stopped
from connectors.runtime.backoff import Backoff
from connectors.runtime.suspicion import Suspicion
from connectors.runtime.threaded_writer import Retry, ThreadedWriter
from operators.columnar.together import together
from operators.events import Event

log = logging.getLogger("vigie")

FIRST_BACKOFF = 0.2
LONGEST_BACKOFF = 10.0
ANSWER_TIMEOUT = 10.0
"""Seconds without an answer after which a far end that holds up the flow is reported."""


class BatchWriter(ThreadedWriter):
    """A sink's writer that hands batches to `deliver` in one background thread, in order.

    A batch goes out when `max_events` are there, `max_wait` seconds after its first event, or at
    once for a `flush`.
    `deliver` returns when the far end has stored the batch, or raises `Retry`: the sink is then
    reported degraded and the same events are tried again, after a random pause of at most
    `LONGEST_BACKOFF` or when the far end asked for it. It is reported, too, where the flow waits
    for a `deliver` that does not return for `ANSWER_TIMEOUT` seconds. An event that the far end
    never takes while it takes others (`Suspicion`), or of which `deliver` can make nothing, becomes
    a dead letter. `ConnectorError` and `Stopped` end the sink. `write` blocks while `queue_bound`
    events wait. `idle`, if given, is called about once a second while there is nothing to do; it
    may keep a connection alive and may raise `Retry` too. `takes`, if given, tells after a `Retry`
    that suspects an event whether the far end takes anything at all; if not, it is an outage.
    `takes_proves` says that the far end then takes such events, and does not only answer.
    """

    def __init__(
        self,
        context: ConnectorContext,
        deliver: Callable[[list[Event]], None],
        max_events: int = 5_000,
        max_wait: float = 0.2,
        queue_bound: int = 50_000,
        idle: Callable[[], None] | None = None,
        takes: Callable[[], bool] = lambda: True,
        takes_proves: bool = False,
    ) -> None:
        super().__init__(context)
        self._deliver = deliver
        self._idle = idle
        self._takes, self._takes_proves = takes, takes_proves
        self._max_events = context.batch_events or max_events
        self._max_wait = max_wait if context.batch_wait is None else context.batch_wait
        self._bound = queue_bound
        self._queue: collections.deque[list[Event]] = collections.deque()
        self._queued = 0
        self._first_at = 0.0
        self._batch: list[Event] = []
        self._sent_at: float | None = None
        self._flushing = 0
        self._suspicion = Suspicion()
        self._start(self._run, f"writer {context.name}")

    def write(self, events: list[Event]) -> None:
        """Queue events; blocks while the queue is full.

        Raises `Stopped` if the flow is to stop while the far end is down.
        """
        if not events:
            return
        with self._changed:
            self._wait_while(lambda: self._queued >= self._bound)
            if not self._queue:
                self._first_at = time.monotonic()
            self._queue.append(events)
            self._queued += len(events)
            self._changed.notify_all()

    def flush(self) -> None:
        """Return when the far end has everything written so far."""
        with self._changed:
            self._flushing += 1
            self._changed.notify_all()
            try:
                self._wait_while(lambda: self._queue or self._batch)
            finally:
                self._flushing -= 1

    def close(self) -> None:
        """Stop the thread; what was not flushed is left to the next start."""
        self._stop(10)

    def _check(self) -> None:
        super()._check()
        if self._sent_at is not None and time.monotonic() - self._sent_at > ANSWER_TIMEOUT:
            self._context.health.degraded(
                self._context.name,
                f"no answer for {ANSWER_TIMEOUT:.0f} s; it may be overloaded or stuck",
            )
            self._context.stop_if_down()

    # The rest runs in the background thread.

    def _run(self) -> None:
        self._keep_trying(self._attempt, Backoff(FIRST_BACKOFF, LONGEST_BACKOFF))

    def _attempt(self) -> bool:
        if self._fill():
            self._sent_at = time.monotonic()
            batch = self._batch[: self._suspicion.limit]
            began = time.time()
            try:
                self._deliver(batch)
            except (ConnectorError, Stopped):
                raise
            except Exception as error:
                return self._not_taken(batch, error)
            self._context.written(batch, began)
            self._delivered(len(batch))
            return True
        if self._idle is None or self._closed:
            return False
        self._idle()
        return True

    def _not_taken(self, batch: list[Event], error: Exception) -> bool:
        """Raise `Retry`, or refuse the one event that is at fault."""
        retry = error if isinstance(error, Retry) else _of_bug(self._context.name, error)
        self._delivered(retry.delivered)
        if not retry.suspect or not self._takes():
            raise retry
        verdict = self._suspicion.failed(len(batch) - retry.delivered, self._takes_proves)
        if verdict == "refuse":
            event = self._batch[0]
            self._context.refuse(event, "not_taken", f"tried again and again: {retry.detail}")
            self._forget(1)
            return True
        raise Retry(retry.detail, after=0.0) if verdict == "halve" else retry

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
                lambda: self._closed or self._flushing or self._queued >= self._max_events,
                max(due, 0.0),
            )
            if self._closed:
                return False
            self._batch = self._next()
            self._first_at = time.monotonic()
            self._changed.notify_all()
        return True

    def _next(self) -> list[Event]:
        """The next batch off the queue; as columns where all of it is."""
        parts, left = list[list[Event]](), self._max_events
        while self._queue and left:
            some = self._queue.popleft()
            if len(some) > left:
                self._queue.appendleft(some[left:])
                some = some[:left]
            parts.append(some)
            left -= len(some)
        self._queued -= self._max_events - left
        return cast(list[Event], together(parts))

    def _delivered(self, count: int) -> None:
        if count:
            self._suspicion.taken()
        self._forget(count)

    def _forget(self, count: int) -> None:
        with self._changed:
            self._sent_at = None
            self._batch = self._batch[count:]
            if not self._batch:
                self._suspicion.whole_batch()
            self._changed.notify_all()


def _of_bug(name: str, error: Exception) -> Retry:
    log.warning("%s: an event cannot be written", name, exc_info=error)
    return Retry(f"it cannot be written: {type(error).__name__}: {error}", suspect=True)
