"""Pictures on their way to the frames topic: bounded in bytes, the newest first to be kept."""

import collections
import contextlib
import threading
import time
from typing import NamedTuple, Protocol

from kafka import KafkaProducer
from kafka.errors import KafkaError

from connectors.base import Health
from connectors.kafka.admin import ensure_topic, explain, forget_topics
from connectors.kafka.client_faults import ClientFaults
from connectors.kafka.connection import TopicConnection
from connectors.runtime import steady_clock
from connectors.runtime.backoff import Backoff
from flows.vision.frames_topic import PictureHead, headers_of
from flows.vision.unwatched import Unwatched

MOST_BYTES = 16 << 20
"""Of pictures that wait."""
LINGER_MS = 20
"""A request costs as much CPU as a picture: those of several cameras share one."""
UNDER_WAY = 4 << 20
"""Of pictures that were sent and are not answered yet."""

TICK = 10.0
"""Seconds after which it is told that pictures are taken again."""


class Counter(Protocol):
    """Where skipped pictures are counted."""

    def count(self, word: str, n: int = 1) -> None:
        """Add to a counter."""


class Waiting(NamedTuple):
    """A picture that waits."""

    head: PictureHead
    jpeg: bytes

    @property
    def camera(self) -> str:
        """Whose picture it is."""
        return self.head.camera


class Queue:
    """Pictures that wait, at most `most_bytes`: a new one takes the place of the oldest.

    That is the oldest of the camera with the most bytes, so that a large camera costs no small one
    its pictures. Not thread-safe.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._order: collections.deque[Waiting] = collections.deque()
        self._bytes: collections.Counter[str] = collections.Counter()
        self.total = 0

    def __len__(self) -> int:
        return len(self._order)

    def put(self, picture: Waiting) -> list[Waiting]:
        """Add a picture; those it took the place of."""
        self._order.append(picture)
        self._count(picture, 1)
        dropped = []
        while self.total > self._most_bytes and len(self._order) > 1:
            largest = self._bytes.most_common(1)[0][0]
            oldest = next(waiting for waiting in self._order if waiting.camera == largest)
            self._order.remove(oldest)
            self._count(oldest, -1)
            dropped.append(oldest)
        return dropped

    def take(self) -> Waiting:
        """Take the oldest."""
        picture = self._order.popleft()
        self._count(picture, -1)
        return picture

    def _count(self, picture: Waiting, sign: int) -> None:
        self.total += sign * len(picture.jpeg)
        self._bytes[picture.camera] += sign * len(picture.jpeg)
        if self._bytes[picture.camera] <= 0:
            del self._bytes[picture.camera]


class FramesOutbox:
    """Sends pictures from one thread of its own; `put` never waits.

    A picture that the broker does not take in time is lost, and counted: what comes after it is
    more to the point.
    """

    def __init__(
        self,
        connection: TopicConnection,
        topic: str,
        health: Health,
        name: str,
        counter: Counter,
        unwatched: Unwatched,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._unwatched = unwatched
        self._connection = connection
        self._topic = topic
        self._health = health
        self._name = name
        self._counter = counter
        self._queue = Queue(most_bytes)
        self._changed = threading.Condition()
        self._closed = False
        self._under_way = 0
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def put(self, picture: Waiting) -> None:
        """Queue a picture; it may cost an older one its place."""
        with self._changed:
            dropped = self._queue.put(picture)
            self._changed.notify_all()
        for lost in dropped:
            self._skip(lost.head)

    def close(self) -> None:
        """Send what waits if that is quick, and end."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(3)

    def _skip(self, head: PictureHead) -> None:
        self._unwatched.missed(head)
        self._counter.count("frames_skipped", 1)
        self._counter.count(f"frames_skipped {head.camera}", 1)

    # The rest runs in the outbox's thread.

    def _run(self) -> None:
        backoff, faults = Backoff(0.1, 5.0), ClientFaults()
        while not self._closed:
            client = None
            try:
                client = self._connect()
                backoff.reset()
                self._pump(client)
            except Exception as error:
                if not faults.tolerates(self._name, error):
                    raise
                self._health.degraded(self._name, explain(error, self._connection))
                forget_topics()
                with self._changed:
                    self._changed.wait_for(lambda: self._closed, backoff.pause())
            finally:
                if client is not None:
                    with contextlib.suppress(KafkaError, OSError, ValueError):
                        client.close(timeout=2 if self._closed else 0)

    def _connect(self) -> KafkaProducer:
        ensure_topic(self._connection, self._topic)
        client = KafkaProducer(
            **self._connection.client_options(),
            metrics_enabled=False,
            acks=1,
            enable_idempotence=False,
            retries=0,
            max_in_flight_requests_per_connection=5,
            delivery_timeout_ms=5_000,
            request_timeout_ms=4_000,
            max_block_ms=3_000,
            bootstrap_timeout_ms=3_000,
            linger_ms=LINGER_MS,
            max_request_size=max(1 << 20, self._connection.record_limit + 4096),
        )
        with self._changed:
            self._under_way, self._failed = 0, None
        self._health.up(self._name)
        return client

    def _pump(self, client: KafkaProducer) -> None:
        next_tick = time.monotonic() + TICK
        while True:
            if time.monotonic() >= next_tick:
                self._unwatched.tick()
                next_tick = time.monotonic() + TICK
            with self._changed:
                self._changed.wait_for(
                    lambda: (
                        self._closed
                        or self._failed is not None
                        or (len(self._queue) and self._under_way < UNDER_WAY)
                    ),
                    1.0,
                )
                if self._failed is not None:
                    raise self._failed
                if self._closed and not len(self._queue):
                    return
                if not len(self._queue) or self._under_way >= UNDER_WAY:
                    continue
                picture = self._queue.take()
                self._under_way += len(picture.jpeg)
            future = client.send(
                self._topic,
                picture.jpeg,
                picture.camera.encode(),
                headers=headers_of(picture.head),
                timestamp_ms=round(steady_clock.now() * 1000),
            )
            future.add_callback(self._sent, picture)
            future.add_errback(self._lost, picture)

    def _sent(self, picture: Waiting, _: object) -> None:
        with self._changed:
            self._under_way -= len(picture.jpeg)
            self._changed.notify_all()
        self._unwatched.looked(picture.head)

    def _lost(self, picture: Waiting, error: BaseException) -> None:
        with self._changed:
            self._under_way -= len(picture.jpeg)
            if isinstance(error, KafkaError):
                self._failed = error
            self._changed.notify_all()
        self._skip(picture.head)
