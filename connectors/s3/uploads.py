"""The store of one sink, and the threads that upload to it."""

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from connectors.base import ConnectorContext
from connectors.runtime.far_end_check import FarEndCheck, any_answer
from connectors.runtime.suspicion import TRIES
from connectors.runtime.threaded_writer import Retry
from connectors.s3.connection import ObjectStoreConnection
from connectors.s3.keys import fixed_part
from connectors.s3.settings import Settings, rule_name
from connectors.s3.store import ObjectRejected, Store
from operators.events import Event

T = TypeVar("T")


class Uploads:
    """The store of one sink and the threads that talk to it. Used by the writer's thread alone."""

    def __init__(self, context: ConnectorContext, settings: Settings, key: str) -> None:
        self.store = Store(context.connection, settings)
        self._context = context
        self._settings = settings
        self._prefix = fixed_part(key)
        connection: ObjectStoreConnection = context.connection
        self.answers = FarEndCheck(any_answer(connection.url, connection.ca, "/", "object store"))
        self._ready = False
        self._tries: Counter[str] = Counter()
        self._threads = ThreadPoolExecutor(settings.parallel, f"upload {context.name}")

    def make_ready(self) -> None:
        """Make the bucket and its life-cycle rule, once; again after an error. Raises `Retry`.

        A store that does not answer for the bucket, or that does not take something harmless
        either, is sick, whatever the events.
        """
        if self._ready:
            return
        try:
            self.store.make_ready()
            if self._settings.keep_days is not None:
                rule = rule_name(self._context.flow, self._context.name)
                self.store.expire(rule, self._prefix, self._settings.keep_days)
            if self._tries:
                self.store.probe(f"{self._prefix}.vigie-probe-{self._context.name}")
        except Retry as retry:
            raise Retry(retry.detail, after=retry.after) from retry
        self._ready = True

    def run(self, action: Callable[[T], None], items: Iterable[T]) -> None:
        """Call `action` on all items, several at a time; raise the first error, `Retry` last."""
        running: list[Future[None]] = [self._threads.submit(action, item) for item in items]
        errors = [error for future in running if (error := future.exception())]
        if errors:
            self._ready = False
            raise next((error for error in errors if not isinstance(error, Retry)), errors[0])

    def attempt(self, key: str, work: Callable[[], None]) -> None:
        """Do what concerns one key; raises `ObjectRejected` if the store will never allow it.

        A store that keeps answering an error for one key while it takes something harmless never
        takes that key: after a few tries it is refused.
        """
        try:
            work()
        except Retry as retry:
            if retry.suspect:
                self._tries[key] += 1
            if self._tries[key] >= TRIES:
                del self._tries[key]
                raise ObjectRejected(f"tried again and again: {retry.detail}") from retry
            raise Retry(retry.detail, after=retry.after) from retry
        except ObjectRejected:
            self._tries.pop(key, None)
            raise
        self._tries.pop(key, None)

    def refuse(self, events: list[Event], reason: str, detail: str) -> None:
        """Send events to dead letters."""
        for event in events:
            self._context.refuse(event, reason, detail)

    def close(self) -> None:
        """Stop the threads and close the connections; uploads that wait are left out."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.store.close()
