"""Writing to topics: packed records, results checked, resent in order until the broker has them."""

import collections
import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kafka import KafkaProducer
from kafka.errors import KafkaError, MessageSizeTooLargeError

from connectors.base import ConnectorError, Health, Stopped
from connectors.topic_client import TopicConnection, ensure_topic, explain, forget_topics, partition_of
from operators.events import Event, encode_lines

Durable = Callable[[], None]
ROWS_PER_RECORD = 500
QUEUE_BYTES = 32 << 20
LINGER = 0.005
_EVENT_BYTES = 200  # an estimate, for the bound of the queue only


class _Item(NamedTuple):
    topic: str
    key: str
    lines: bytes | list[Event]
    durable: Durable | None
    pack: bool

    def size(self) -> int:
        return len(self.lines) * (1 if isinstance(self.lines, bytes) else _EVENT_BYTES)


@dataclass(slots=True)
class _Record:
    topic: str
    partition: int
    lines: list[bytes] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    size: int = 0
    durable: list[Durable] = field(default_factory=list)
    future: Any = None


class Producer:
    """Writes events to topics from any thread; one background thread owns the client.

    Lines that are ready together and belong to one partition travel as one record, of at most `ROWS_PER_RECORD` lines.
    What comes after a pause is sent at once; from then on lines gather for `linger` seconds between two sendings.
    Delivery: every result is checked; after a failure everything unacknowledged is sent again in its order on a new
    client, so a record may arrive twice but none is lost or overtakes. Sending blocks while more than `QUEUE_BYTES`
    wait (back pressure), and raises `Stopped` if `stopping` is set while the broker is down. A line over the broker's
    limit ends the flow: `flush` and the next `send` raise.
    """

    def __init__(
        self,
        connection: TopicConnection,
        health: Health,
        name: str,
        linger: float = LINGER,
        partitions: int | None = None,
        stopping: threading.Event | None = None,
    ) -> None:
        self._stopping = stopping
        self._connection = connection
        self._health = health
        self._name = name
        self._linger = linger
        self._partitions = partitions
        self._queue: collections.deque[_Item] = collections.deque()
        self._queued = 0
        self._in_flight: collections.deque[_Record] = collections.deque()
        self._changed = threading.Condition()
        self._closed = False
        self._packing = False
        self._error: Exception | None = None
        self._client: KafkaProducer | None = None
        self._thread = threading.Thread(target=self._run, name=f"producer {name}", daemon=True)
        self._thread.start()

    def send(self, topic: str, key: str, value: bytes, on_durable: Durable | None = None, pack: bool = True) -> None:
        """Queue one line (or several, each ended by a newline) under a key; `on_durable` is called from another thread."""
        self._enqueue(_Item(topic, key, value, on_durable, pack))

    def send_events(self, topic: str, events: list[Event], pack: bool = True) -> None:
        """Queue events, each under its own key; `pack` False makes a record of each."""
        self._enqueue(_Item(topic, "", events, None, pack))

    def _enqueue(self, item: _Item) -> None:
        with self._changed:
            while self._queued >= QUEUE_BYTES and not self._closed:
                self._give_up(self._stopping)
                self._changed.wait(0.2)
            self._raise()
            self._queue.append(item)
            self._queued += item.size()
            if len(self._queue) == 1:
                self._changed.notify_all()

    def flush(self, stopping: threading.Event | None = None) -> None:
        """Return when the broker has everything sent so far; raises `Stopped` if `stopping` is set while it is down."""
        with self._changed:
            while self._queue or self._in_flight or self._packing:
                self._raise()
                self._give_up(stopping or self._stopping)
                self._changed.wait(0.2)
            self._raise()

    def check(self) -> None:
        """Raise what ended the producer, if something did."""
        with self._changed:
            self._raise()

    def _give_up(self, stopping: threading.Event | None) -> None:
        reason = self._health.down.get(self._name)
        if stopping is not None and stopping.is_set() and reason is not None:
            raise Stopped(f"{self._name}: {reason}")

    def close(self) -> None:
        """Stop without waiting for a broker that is down."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(5)

    def _raise(self) -> None:
        if self._error:
            raise self._error
        if self._closed:
            raise ConnectorError(f"{self._name}: the producer is closed")

    # The rest runs in the background thread.

    def _run(self) -> None:
        backoff = 0.1
        while not self._closed:
            try:
                self._connect()
                backoff = 0.1
                self._pump()
            except MessageSizeTooLargeError as error:
                limit = self._connection.record_limit
                self._fail(
                    ConnectorError(f"{self._name}: a record is larger than record_limit ({limit} bytes): {error}")
                )
            except (KafkaError, OSError) as error:
                self._health.degraded(self._name, explain(error, self._connection))
                self._drop_client()
                forget_topics()
                with self._changed:
                    self._changed.wait_for(lambda: self._closed, backoff)
                backoff = min(backoff * 2, 5.0)
            except BaseException as error:  # a bug must stop the flow, not only this thread
                self._fail(ConnectorError(f"{self._name}: {type(error).__name__}: {error}"))
                raise
        self._drop_client()

    def _fail(self, error: Exception) -> None:
        with self._changed:
            self._error = error
            self._closed = True
            self._changed.notify_all()

    def _connect(self) -> None:
        self._client = KafkaProducer(
            **self._connection.client_options(),
            metrics_enabled=False,
            acks="all",
            enable_idempotence=self._connection.idempotence,
            max_in_flight_requests_per_connection=5 if self._connection.idempotence else 1,
            retries=3,
            retry_backoff_ms=100,
            delivery_timeout_ms=6_000,
            request_timeout_ms=5_000,
            max_block_ms=5_000,
            bootstrap_timeout_ms=3_000,
            linger_ms=0,
            batch_size=256 << 10,
            max_request_size=max(1 << 20, self._connection.record_limit + 4096),
        )
        for record in self._in_flight:
            self._submit(record)
        self._health.up(self._name)

    def _drop_client(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(KafkaError):  # it could not end what it had under way; all of that is sent again
                client.close(timeout=0)
        for record in self._in_flight:
            record.future = None

    def _pump(self) -> None:
        gathered_until = 0.0
        while not self._closed:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._queue or self._front_is_done(), 1.0)
            if self._queue:
                time.sleep(max(0.0, gathered_until - time.monotonic()))
                gathered_until = time.monotonic() + self._linger
            with self._changed:
                items = list(self._queue)
                self._packing = bool(items)
            if items:
                records = self._pack(items)
                with self._changed:
                    self._in_flight.extend(records)
                    for item in items:
                        self._queue.popleft()
                        self._queued -= item.size()
                    self._queued += sum(record.size for record in records)
                    self._packing = False
                for record in records:
                    self._submit(record)
            self._settle()

    def _front_is_done(self) -> bool:
        return bool(self._in_flight) and bool(self._in_flight[0].future.is_done)

    def _submit(self, record: _Record) -> None:
        assert self._client is not None
        ensure_topic(self._connection, record.topic, self._partitions)
        key = next(iter(record.keys)).encode() if len(record.keys) == 1 else None
        record.future = self._client.send(record.topic, b"".join(record.lines), key, partition=record.partition)
        record.future.add_both(self._wake)

    def _wake(self, _: object) -> None:
        with self._changed:
            self._changed.notify_all()

    def _settle(self) -> None:
        """Take delivered records off the front; raises what failed, so that all is sent again in its order."""
        done: list[_Record] = []
        failed = None
        while self._in_flight and self._in_flight[0].future.is_done and not failed:
            failed = self._in_flight[0].future.exception if self._in_flight[0].future.failed() else None
            if not failed:
                done.append(self._in_flight.popleft())
        for record in done:
            for durable in record.durable:
                durable()
        if done:
            with self._changed:
                self._queued -= sum(record.size for record in done)
                self._changed.notify_all()
        if failed:
            raise failed

    def _pack(self, items: list[_Item]) -> list[_Record]:
        packer = _Packer(self._partition_count, self._connection.record_limit // 2)
        for item in items:
            if isinstance(item.lines, bytes):
                packer.add(item.topic, item.key, item.lines, item.pack, item.durable)
            else:
                packer.add_events(item.topic, item.lines, item.pack)
        return packer.records

    def _partition_count(self, topic: str) -> int:
        assert self._client is not None
        ensure_topic(self._connection, topic, self._partitions)
        deadline = time.monotonic() + 5
        while not (found := self._client.partitions_for(topic)):
            if time.monotonic() > deadline:
                raise KafkaError(f"topic {topic} was created but the broker does not list it")
            time.sleep(0.02)
        return len(found)


class _Packer:
    """Gathers lines into records, one open record a partition."""

    def __init__(self, partition_count: Callable[[str], int], size_limit: int) -> None:
        self.records: list[_Record] = []
        self._partition_count = partition_count
        self._size_limit = size_limit
        self._open: dict[tuple[str, int], _Record] = {}
        self._counts: dict[str, int] = {}

    def add(self, topic: str, key: str, line: bytes, pack: bool, durable: Durable | None) -> None:
        record = self._record(topic, partition_of(key, self._count(topic)), len(line), pack)
        record.lines.append(line)
        record.size += len(line)
        record.keys.add(key)
        if durable:
            record.durable.append(durable)

    def add_events(self, topic: str, events: list[Event], pack: bool) -> None:
        if not pack or len(events) == 1:
            for event in events:
                self.add(topic, key_of(event), encode_lines([event]), pack, None)
            return
        count = self._count(topic)
        groups: dict[int, list[Event]] = {}
        for event in events:
            groups.setdefault(partition_of(key_of(event), count), []).append(event)
        for partition, group in groups.items():
            for start in range(0, len(group), ROWS_PER_RECORD):
                chunk = group[start : start + ROWS_PER_RECORD]
                lines = encode_lines(chunk)
                if len(lines) > self._size_limit:
                    for event in chunk:
                        self.add(topic, key_of(event), encode_lines([event]), pack, None)
                    continue
                self._open.pop((topic, partition), None)
                self.records.append(_Record(topic, partition, [lines], {"", "several"}, len(lines)))

    def _count(self, topic: str) -> int:
        return self._counts.get(topic) or self._counts.setdefault(topic, self._partition_count(topic))

    def _record(self, topic: str, partition: int, size: int, pack: bool) -> _Record:
        """The record that takes a line of `size` bytes next; a large line travels alone."""
        record = self._open.get((topic, partition)) if pack else None
        if record is None or len(record.lines) >= ROWS_PER_RECORD or record.size + size > self._size_limit:
            record = _Record(topic, partition)
            self.records.append(record)
            if pack:
                self._open[topic, partition] = record
        return record


def key_of(event: Event) -> str:
    """The subject; a raw message's topic, a row's table, a dead letter's origin."""
    try:
        return event.subject  # type: ignore[union-attr]
    except AttributeError:
        return str(getattr(event, "topic", None) or getattr(event, "table", None) or getattr(event, "origin", event.id))
