"""Writers that send each event in a request of its own, again and again until it is taken."""

import logging
import time
from collections.abc import Callable
from typing import NamedTuple

from connectors.base import ConnectorContext
from connectors.runtime.outage import Outage
from connectors.runtime.retry_queue import RetryQueue, SubjectQueue
from connectors.runtime.threaded_writer import ThreadedWriter
from operators.events import Event
from operators.model.fields import field

log = logging.getLogger("vigie")

QUEUE_BOUND = 10_000
TRY_AGAIN = frozenset((408, 425, 429))
"""HTTP statuses from 400 to 499 by which a server asks for another try."""
LOCKED_OUT = frozenset((401, 407))
"""HTTP statuses that say nothing of the event: we are not let in."""
OF_THE_ADDRESS = frozenset((402, 403, 404, 405, 410, 415, 421, 426, 451))
"""HTTP statuses that may be about the event, or about the address to which all are sent."""
SERVER_DOWN = frozenset((408, 429, 502, 503, 504))
"""HTTP statuses of a server that takes no other event either."""


class Answer(NamedTuple):
    """The outcome of a request.

    `delivered`, else `refused` for good with `detail` for the dead letter, else to be sent again,
    not before `after` seconds if the server said so. `server_down` says that the server as such is
    down or busy, not only for this event; `timed_out` that it gave no answer in time; `doubtful`
    that it refused this event, or whatever we send there.
    """

    delivered: bool = False
    refused: bool = False
    detail: str = ""
    after: float | None = None
    server_down: bool = False
    timed_out: bool = False
    doubtful: bool = False


def refusal(status: int, detail: str) -> Answer | None:
    """What an HTTP status from 400 to 499 says of the event that was sent; None for others."""
    if not 400 <= status < 500 or status in TRY_AGAIN:
        return None
    doubtful, locked_out = status in OF_THE_ADDRESS, status in LOCKED_OUT
    return Answer(
        refused=not doubtful and not locked_out,
        detail=detail,
        server_down=locked_out,
        doubtful=doubtful,
    )


class SubjectWriter(ThreadedWriter):
    """Sends every event by `send`, in order for each subject; `kind` names the sort of sink.

    Up to `concurrency` subjects have a request under way, each in a thread that calls `send`.

    `write` blocks while `QUEUE_BOUND` events wait. `flush` returns when each was accepted by the
    server, refused by it for good, or has waited longer than the context's `outbox`; the last two
    are dead letters.
    """

    def __init__(
        self,
        context: ConnectorContext,
        kind: str,
        send: Callable[[Event], Answer],
        concurrency: int,
        release: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(context)
        self._send, self._release = send, release
        self._outage = Outage(
            context.folder / f"{kind}-{context.name}.down" if context.folder else None
        )
        self._queue = RetryQueue()
        self._start(self._run, *(f"{kind} {context.name} {n}" for n in range(concurrency)))

    def write(self, events: list[Event]) -> None:
        """Queue events; blocks while the queue is full.

        Raises `Stopped` if the flow is to stop while the server is down.
        """
        with self._changed:
            for event in events:
                self._wait_while(lambda: self._queue.count >= QUEUE_BOUND)
                self._queue.add(str(field(event, "subject") or ""), event)
                self._changed.notify()

    def flush(self) -> None:
        """Return when nothing waits any more."""
        with self._changed:
            self._wait_while(lambda: self._queue.count)

    def close(self) -> None:
        """Stop the threads; what was not delivered is left to the next start."""
        self._stop(2)
        self._release()

    # The rest runs in the threads.

    def _run(self) -> None:
        while (queue := self._next()) is not None:
            event = queue.events[0]
            began = time.time()
            answer = self._answer_to(event)
            if answer.delivered:
                self._context.written([event], began)
            self._settle(queue, event, answer)

    def _answer_to(self, event: Event) -> Answer:
        try:
            return self._send(event)
        except Exception as error:  # a bug must not keep back what else waits
            log.warning("%s: an event cannot be sent", self._context.name, exc_info=error)
            return Answer(detail=f"it cannot be sent: {type(error).__name__}: {error}")

    def _next(self) -> SubjectQueue | None:
        """Wait for a subject whose turn it is; None when closing."""
        with self._changed:
            while not self._closed and self._error is None:
                now = time.monotonic()
                queue = self._queue.take(now)
                if queue is not None:
                    return queue
                due = self._queue.next_time()
                self._changed.wait(None if due is None else max(due - now, 0.0))
        return None

    def _settle(self, queue: SubjectQueue, event: Event, answer: Answer) -> None:
        guilty = False
        if answer.delivered:
            self._context.count("sent", 1)
        elif answer.refused:
            self._context.refuse(event, "refused", answer.detail)
        elif self._expired(event):
            self._context.refuse(
                event,
                "expired",
                f"the server did not take it within {self._context.outbox:g} s: {answer.detail}",
            )
        elif guilty := self._is_guilty(queue, answer):
            if answer.doubtful:
                self._context.refuse(event, "refused", answer.detail)
            else:
                detail = f"tried again and again: {answer.detail}"
                self._context.refuse(event, "not_taken", detail)
        else:
            self._context.count("retried", 1)
            with self._changed:
                self._queue.retry(
                    queue, time.monotonic(), answer.after, answer.server_down, answer.timed_out
                )
                self._changed.notify_all()
            self._context.health.degraded(self._context.name, answer.detail)
            return
        answered = answer.delivered or answer.refused
        if (answered or guilty) and self._queue.failing == (queue.backoff.failures > 0):
            self._outage.ended()
            self._context.health.up(self._context.name)
        with self._changed:
            self._queue.done(queue, answered)
            self._changed.notify_all()

    def _is_guilty(self, queue: SubjectQueue, answer: Answer) -> bool:
        """Whether the server answers, and yet never takes this event."""
        if answer.server_down or answer.timed_out:
            return False
        with self._changed:
            return self._queue.is_guilty(queue, answer.doubtful)

    def _expired(self, event: Event) -> bool:
        """Whether an event that was refused for now has waited for longer than it may.

        A device's clock may be wrong, so the event's own age alone does not tell.
        """
        now = time.time()
        outage = self._outage.age(now)
        return (
            self._context.outbox is not None
            and min(now - event.time, outage) > self._context.outbox
        )
