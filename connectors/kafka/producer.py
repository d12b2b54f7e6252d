"""Writing to topics: packed records, results checked, resent in order until the broker has them."""

import collections
import contextlib
import threading
import time
from collections.abc import Iterable, Iterator, Sequence

from kafka import KafkaProducer
from kafka.errors import MessageSizeTooLargeError, RecordListTooLargeError

from connectors.base import ConnectorError, Health, Stopped, Tracing
from connectors.kafka import producer_client
from connectors.kafka.admin import ensure_topic, explain, forget_topics
from connectors.kafka.client_faults import ClientFaults
from connectors.kafka.connection import TopicConnection
from connectors.kafka.fencing.fence import LeaseLost
from connectors.kafka.in_flight import InFlight
from connectors.kafka.log.content import Pack
from connectors.kafka.packing import (
    Durable,
    Item,
    Oversized,
    Packer,
    Record,
    TooLarge,
    refused_by_broker,
)
from connectors.runtime.backoff import Backoff
from operators.events import Event

QUEUE_BYTES = 32 << 20
LINGER = 0.005
CARRIED = 4 << 20
CARRY_AFTER = 0.2
"""Seconds after which a record under way is one that its partition's leader does not take."""
ANSWERED_WITHIN = 1.0
"""Seconds for which a client that is given up may still say what it wrote."""
SETTLE_BYTES = 256 << 10
"""What may be written before the thread looks at it though nobody waits for it."""
MOVE_AFTER = 0.2
"""Seconds between two looks whether what may lie anywhere waits for a broker that is gone."""


class Producer:
    """Writes events to topics from any thread; one background thread owns the client.

    Lines that are ready together and belong to one partition travel as one record, of at most
    `ROWS_PER_RECORD` lines. What comes after a pause is sent at once; from then on lines gather for
    `linger` seconds between two sendings.
    Delivery: every result is checked; after a failure everything unacknowledged is sent again in
    its order on a new client, so a record may arrive twice but none is lost or overtakes. Sending
    blocks while more than `QUEUE_BYTES` wait (back pressure), and raises `Stopped` if `stopping` is
    set while the broker is down. A line over the limit of a record, ours or the topic's, is left
    out if the `flush` is by someone who takes it from `too_large`; with `strict` it ends the flow:
    `flush` and the next `send` raise.
    """

    def __init__(
        self,
        connection: TopicConnection,
        health: Health,
        name: str,
        linger: float = LINGER,
        partitions: int | None = None,
        stopping: threading.Event | None = None,
        strict: bool = True,
        headers: Sequence[tuple[str, bytes]] = (),
        traces: Tracing | None = None,
    ) -> None:
        self._headers, self._traces = list(headers), traces
        self._strict = strict
        self._too_large: list[TooLarge] = []
        self._stopping = stopping
        self._connection = connection
        self._health = health
        self._name = name
        self._linger = linger
        self._partitions = partitions
        self._queue: collections.deque[Item | Record] = collections.deque()
        self._queued = 0
        self._in_flight = InFlight()
        self._answered = False
        self._awaited = 0
        self._changed = threading.Condition()
        self._closed = False
        self._busy = False
        self._error: Exception | None = None
        self._client: KafkaProducer | None = None
        self._thread = threading.Thread(target=self._run, name=f"producer {name}", daemon=True)
        self._thread.start()

    @property
    def is_cut_off(self) -> bool:
        """Whether the broker does not answer."""
        return self._name in self._health.down

    def send(
        self,
        topic: str,
        key: str,
        value: bytes,
        on_durable: Durable | None = None,
        pack: bool = True,
        event: Event | None = None,
        anywhere: bool = False,
    ) -> None:
        """Queue one line, or several that each end in a newline, under a key.

        `on_durable` is called from another thread. `event` is what the line was made of, for who
        asks what was `too_large`. One that may lie `anywhere` goes to another partition while its
        own has no leader, and to both where it was under way.
        """
        self._enqueue(Item(topic, key, value, pack, on_durable, event, anywhere))

    def send_events(self, topic: str, events: list[Event], pack: Pack = True) -> None:
        """Queue events, each under its own key; `pack` False makes a record of each."""
        self._enqueue(Item(topic, "", events, pack))

    def together(self) -> contextlib.AbstractContextManager[object]:
        """What is sent meanwhile is packed together: a record costs its reader most."""
        return self._changed

    def _enqueue(self, item: Item | Record) -> None:
        with self._changed:
            while self._queued >= QUEUE_BYTES and not self._closed:
                self._give_up(self._stopping)
                self._changed.wait(0.2)
            self._raise()
            self._queue.append(item)
            self._queued += item.size
            if len(self._queue) == 1:
                self._changed.notify_all()

    def flush(self, stopping: threading.Event | None = None, topic: str | None = None) -> None:
        """Return when the broker has everything, or all of one topic.

        Raises `Stopped` if stopped while it is down.
        """
        with self._changed, self._awaiting():
            while self._has(topic):
                self._raise()
                self._give_up(stopping or self._stopping)
                self._changed.wait(0.2)
            self._raise()

    @contextlib.contextmanager
    def _awaiting(self) -> Iterator[None]:
        """Have every answer looked at as soon as it is there; by who has the lock."""
        self._awaited += 1
        self._answered = True
        self._changed.notify_all()
        try:
            yield
        finally:
            self._awaited -= 1

    def _has(self, topic: str | None) -> bool:
        queued = any(topic in (None, item.topic) for item in self._queue)
        return queued or self._busy or self._in_flight.has(topic)

    def flush_or_carry(self, stopping: threading.Event) -> list[Record]:
        """Like `flush`, but leave records that wait for partitions without a leader.

        They are returned, for the caller to keep until they are written, and at most `CARRIED`
        bytes; while the process stops there are none.
        """
        with self._changed, self._awaiting():
            while self._has(None):
                self._raise()
                self._give_up(stopping)
                wait = 0.2
                if not (self._queue or self._busy or stopping.is_set()):
                    wait = self._in_flight.waits_since() + CARRY_AFTER - time.monotonic()
                    if wait <= 0 and self._queued <= CARRIED and self._client is not None:
                        return list(self._in_flight)
                self._changed.wait(min(max(wait, 0.01), 0.2))
            self._raise()
        return []

    def resume(self, records: Iterable[Record]) -> None:
        """Write records that an earlier process carried, before anything else."""
        for record in records:
            self._enqueue(record)

    def too_large(self) -> list[TooLarge]:
        """What was left out since the last call, all of it after a `flush`."""
        with self._changed:
            refused, self._too_large = self._too_large, []
        return refused

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
        backoff = Backoff(0.1, 5.0)
        client_faults = ClientFaults()
        while not self._closed:
            try:
                self._connect()
                backoff.reset()
                self._pump()
            except Oversized as error:
                self._drop_client()
                self._make_smaller(error.record, str(error.__cause__))
            except LeaseLost as error:
                self._fail(error)
            except Exception as error:
                if not client_faults.tolerates(self._name, error):
                    self._fail(ConnectorError(f"{self._name}: {type(error).__name__}: {error}"))
                    raise  # a bug must stop the flow, not only this thread
                self._health.degraded(self._name, explain(error, self._connection, "WRITE"))
                self._drop_client()
                forget_topics()
                with self._changed:
                    self._changed.wait_for(lambda: self._closed, backoff.pause())
        self._drop_client()

    def _make_smaller(self, record: Record, reason: str) -> None:
        """Send a record's lines one by one to a topic with a lower limit; refuse a single line."""
        lines = list(record.alone())
        with self._changed:
            if len(lines) > 1:
                lines[-1].durable = record.durable
            self._in_flight.replace(record, lines if len(lines) > 1 else ())
            if len(lines) > 1:
                return
        self._refuse(refused_by_broker(record, reason, self._connection.record_limit))
        with self._changed:
            self._queued -= record.size
            self._changed.notify_all()
        for durable in record.durable:
            durable()

    def _refuse(self, refused: TooLarge) -> None:
        if self._strict:
            self._fail(ConnectorError(f"{self._name}: {refused.detail}"))
            return
        with self._changed:
            self._too_large.append(refused)

    def _fail(self, error: Exception) -> None:
        with self._changed:
            self._error = error
            self._closed = True
            self._changed.notify_all()

    def _connect(self) -> None:
        self._client = producer_client.open_producer(self._connection, self._name)
        for record in self._in_flight:
            self._submit(record)
        self._health.up(self._name)

    def _drop_client(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            self._in_flight.await_answers(0.0 if self._closed else ANSWERED_WITHIN)
            self._take_written()
            producer_client.abandon(client)
        for record in self._in_flight:
            record.future = None

    def _pump(self) -> None:
        gathered_until, wait = 0.0, MOVE_AFTER
        while not self._closed:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._queue or self._answered, wait)
                self._answered = False
            if self._queue:
                if (left := gathered_until - time.monotonic()) > 0:
                    time.sleep(left)
                gathered_until = time.monotonic() + self._linger
            with self._changed:
                items = list(self._queue)
                self._busy = bool(items)
            if items:
                records = self._pack(items)
                for record in records:
                    self._keep_off_dead(record)
                with self._changed:
                    self._in_flight.add(records)
                    for item in items:
                        self._queue.popleft()
                        self._queued -= item.size
                    self._queued += sum(record.size for record in records)
                    self._busy = False
                for record in records:
                    self._submit(record)
            self._settle()
            with self._changed:
                waiting = [one for one in self._in_flight.fronts() if not one.future.is_done]
            if movable := any(one.anywhere for one in waiting):
                self._move_waiting()
            wait = MOVE_AFTER if movable else 1.0
            self._look_for_late(waiting)

    def _keep_off_dead(self, record: Record) -> bool:
        """Whether a record that may lie anywhere is given another partition, with a leader."""
        assert self._client is not None
        here = record.partition
        if record.anywhere:
            count = self._partition_count(record.topic)
            record.partition = producer_client.reachable(self._client, record.topic, here, count)
        return record.partition != here

    def _move_waiting(self) -> None:
        """Send what may lie anywhere to another partition while its own has no leader."""
        with self._changed:
            waiting = self._in_flight.movable()
        for record in waiting:
            before = record.partition
            if not self._keep_off_dead(record):
                continue
            with self._changed:
                self._in_flight.move(record, before)
            self._submit(record)

    def _look_for_late(self, waiting: Sequence[Record]) -> None:
        """Say which partitions records wait for, once; the client goes on trying."""
        assert self._client is not None
        self._client.renew(is_busy=bool(self._in_flight))
        if not producer_client.is_late(waiting):
            if self._name in self._health.down:
                self._health.up(self._name)
        elif (self._name not in self._health.down or self._client.too_few_copies) and (
            words := producer_client.why_late(self._client, waiting, self._connection)
        ):
            self._health.degraded(self._name, words)

    def _submit(self, record: Record) -> None:
        assert self._client is not None
        ensure_topic(self._connection, record.topic, self._partitions)
        producer_client.submit(self._client, record, self._headers)
        record.future.add_callback(self._written, bool(record.durable))
        record.future.add_errback(self._written, True)

    def _written(self, at_once: bool, _: object) -> None:
        """Wake the thread, unless nobody waits for the answer: it sees it at its next turn."""
        with self._changed:
            if at_once or self._awaited or self._queued > SETTLE_BYTES:
                self._answered = True
                self._changed.notify_all()

    def _settle(self) -> None:
        """Take what is written out of what is under way; raises what failed, to send it again."""
        if (failed := self._take_written()) is None:
            return
        error = failed.future.exception
        if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError):
            raise Oversized(failed) from error
        raise error

    def _take_written(self) -> Record | None:
        """Take what is written out of what is under way; return what failed first."""
        with self._changed:
            done, failed = self._in_flight.take_written()
            self._busy = bool(done)
        for record in done:
            for durable in record.durable:
                durable()
        if done:
            with self._changed:
                self._queued -= sum(record.size for record in done)
                self._busy = False
                self._changed.notify_all()
        return failed

    def _pack(self, items: list[Item | Record]) -> list[Record]:
        packer = Packer(self._partition_count, self._connection.record_limit, self._traces)
        packer.take(items)
        for refused in packer.too_large:
            self._refuse(refused)
        return packer.records

    def _partition_count(self, topic: str) -> int:
        assert self._client is not None
        ensure_topic(self._connection, topic, self._partitions)
        return producer_client.count_partitions(self._client, topic)
