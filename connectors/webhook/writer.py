"""The running side of the webhook sink: threads that send, patience, and what becomes of
refusals.
"""

import threading
import time

import msgspec

from connectors.base import ConnectorContext, ConnectorError
from connectors.webhook.client import Answer, Requests
from connectors.webhook.outage import Outage
from connectors.webhook.retry_queue import Lane, Lanes
from operators.events import Event
from operators.model.fields import field

QUEUE_BOUND = 10_000


class WebhookWriter:
    """Sends every event in a request of its own: in order per subject, up to `concurrency` subjects
    side by side.

    `write` blocks while `QUEUE_BOUND` events wait. `flush` returns when each was accepted by the
    server, refused by it for good, or has waited longer than the context's `outbox`; the last two
    are dead letters.
    """

    def __init__(self, context: ConnectorContext, requests: Requests, concurrency: int) -> None:
        self._context = context
        self._requests = requests
        self._outage = Outage(
            context.folder / f"webhook-{context.name}.down" if context.folder else None
        )
        self._lanes = Lanes()
        self._changed = threading.Condition()
        self._closed = False
        self._error: BaseException | None = None
        self._threads = [
            threading.Thread(target=self._run, name=f"webhook {context.name} {n}", daemon=True)
            for n in range(concurrency)
        ]
        for thread in self._threads:
            thread.start()

    def write(self, events: list[Event]) -> None:
        """Queue events; raises `Stopped` if asked to stop while the queue is full and the server
        is down.
        """
        with self._changed:
            for event in events:
                while self._lanes.count >= QUEUE_BOUND:
                    self._check()
                    self._changed.wait(0.2)
                self._raise()
                self._lanes.add(str(field(event, "subject") or ""), event)
                self._changed.notify()

    def flush(self) -> None:
        """Return when nothing waits any more."""
        with self._changed:
            while self._lanes.count:
                self._check()
                self._changed.wait(0.2)
            self._raise()

    def close(self) -> None:
        """Stop the threads; what was not delivered is left to the next start."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        deadline = time.monotonic() + 2
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0.0))
        self._requests.close()

    def _check(self) -> None:
        self._raise()
        self._context.stop_if_down()

    def _raise(self) -> None:
        if self._error:
            raise self._error
        if self._closed:
            raise ConnectorError(f"{self._context.name}: the sink is closed")

    # The rest runs in the threads.

    def _run(self) -> None:
        try:
            while (lane := self._next()) is not None:
                event = lane.events[0]
                self._settle(lane, event, self._requests.send(event.id, self._body(event)))
        except BaseException as error:  # a bug must stop the flow, not only this thread
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _next(self) -> Lane | None:
        """Wait for a lane whose turn it is; None when closing."""
        with self._changed:
            while not self._closed and self._error is None:
                now = time.monotonic()
                lane = self._lanes.take(now)
                if lane is not None:
                    return lane
                due = self._lanes.next_time()
                self._changed.wait(None if due is None else max(due - now, 0.0))
        return None

    def _body(self, event: Event) -> bytes:
        return msgspec.json.encode(self._context.shape(event) if self._context.shape else event)

    def _settle(self, lane: Lane, event: Event, answer: Answer) -> None:
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
        else:
            self._context.count("retried", 1)
            with self._changed:
                self._lanes.again(lane, time.monotonic(), answer.after, answer.whole, answer.mute)
                self._changed.notify_all()
            self._context.health.degraded(self._context.name, answer.detail)
            return
        answered = answer.delivered or answer.refused
        if answered and self._lanes.failing == (lane.backoff.failures > 0):
            self._outage.ended()
            self._context.health.up(self._context.name)
        with self._changed:
            self._lanes.done(lane, sent=answered)
            self._changed.notify_all()

    def _expired(self, event: Event) -> bool:
        """Whether an event that was refused for now has waited for longer than it may. A
        device's clock may be wrong, so the event's own age alone does not tell."""
        now = time.time()
        outage = self._outage.age(now)
        return (
            self._context.outbox is not None
            and min(now - event.time, outage) > self._context.outbox
        )
