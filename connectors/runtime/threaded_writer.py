"""What writers with threads of their own share: waiting, ending, and trying again."""

import threading
import time
from collections.abc import Callable

from connectors.base import ConnectorContext, ConnectorError
from connectors.runtime.backoff import Backoff


class Retry(Exception):
    """The far end is down or busy: what was not delivered is kept and tried again.

    `detail` is a sentence for people, with the remedy and without secrets. `delivered` is how many
    events at the start of the batch the far end has nevertheless accepted; they are not sent again.
    `after` is how many seconds the far end asked to be left alone for, if it did. `suspect` says
    that the far end answered, so that one of the events may be what it does not take.
    """

    def __init__(
        self,
        detail: str,
        delivered: int = 0,
        after: float | None = None,
        suspect: bool = False,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.delivered = delivered
        self.after = after
        self.suspect = suspect


class ThreadedWriter:
    """Base of writers that queue in `write` and send in background threads.

    All that the threads share is guarded by the condition `_changed`. An exception that ends a
    thread ends the sink: the next `write` or `flush` raises it.
    """

    def __init__(self, context: ConnectorContext) -> None:
        self._context = context
        self._changed = threading.Condition()
        self._closed = False
        self._error: BaseException | None = None
        self._threads: list[threading.Thread] = []

    @property
    def closed(self) -> bool:
        """Whether the writer was closed: whoever waits in its thread should look and give up."""
        return self._closed

    def _start(self, run: Callable[[], None], *names: str) -> None:
        """Run `run` in a thread of each name."""
        self._threads = [
            threading.Thread(target=self._guarded, args=(run,), name=name, daemon=True)
            for name in names
        ]
        for thread in self._threads:
            thread.start()

    def _stop(self, seconds: float) -> None:
        """Mark the writer as closed and wait for the threads, at most so long."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(deadline - time.monotonic(), 0.0))

    def _wait_while(self, condition: Callable[[], object]) -> None:
        """Wait, holding `_changed`, while the condition is true.

        Raises `Stopped` if the flow is to stop while the far end is down, or what ended the sink.
        """
        while condition():
            self._check()
            self._changed.wait(0.2)
        self._raise()

    def _check(self) -> None:
        """Raise what ends a wait, from time to time while one lasts."""
        self._raise()
        self._context.stop_if_down()

    def _raise(self) -> None:
        if self._error:
            raise self._error
        if self._closed:
            raise ConnectorError(f"{self._context.name}: the sink is closed")

    # The rest runs in the background threads.

    def _guarded(self, run: Callable[[], None]) -> None:
        try:
            run()
        except BaseException as error:  # a bug must stop the flow, not only this thread
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _keep_trying(self, attempt: Callable[[], bool], backoff: Backoff) -> None:
        """Call `attempt` until the writer is closed.

        It returns whether the far end was reached, or raises `Retry`: the sink is then reported
        degraded, and the next attempt is after a pause.
        """
        while not self._closed:
            try:
                if not attempt():
                    continue
                self._context.health.up(self._context.name)
                backoff.reset()
            except Retry as retry:
                if retry.delivered:
                    backoff.reset()
                self._context.health.degraded(self._context.name, retry.detail)
                pause = backoff.pause(retry.after)
                with self._changed:
                    self._changed.wait_for(lambda: self._closed, pause)
