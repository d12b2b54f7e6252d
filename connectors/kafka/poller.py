"""One consumer and one thread for all partitions of a source."""

import collections
import contextlib
import logging
import threading
import time
from collections.abc import Collection
from functools import partial
from typing import Literal

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaConnectionError, KafkaTimeoutError, UnknownTopicOrPartitionError

from connectors.base import ConnectorContext, ConnectorError
from connectors.kafka.access.refusals import waiting_words
from connectors.kafka.admin import ensure_topic, explain, forget_topics
from connectors.kafka.client_faults import ClientFaults
from connectors.kafka.connection import TopicConnection
from connectors.kafka.consumer import TopicReader
from connectors.kafka.log.position import Position
from connectors.kafka.log.topic_log import Records, TopicLog
from connectors.kafka.net.client import in_callers_thread
from connectors.kafka.open_consumer import open_consumer
from connectors.kafka.topics.group import GroupPositions
from connectors.kafka.topics.retention import Retention
from connectors.runtime.backoff import Backoff

log = logging.getLogger("vigie")

MAX_CHUNKS = 100
POLL_BYTES = 4 << 20
"""What a poll may bring, as far as the sizes of earlier batches tell."""
BUFFER_BYTES = 16 << 20
LEAST_BYTES = 128 << 10
"""What a reader may have in its buffer however many there are."""
POLL_MS = 500
BRIEF_POLL_MS = 20
"""While a reader is full: it must not wait for the others once there is room again. And while the
flow stops: who empties an outbox waits to hear that nothing is left.
"""
PROBE_SECONDS = 5.0
SILENT_SECONDS = 8.0
"""Longer than the client's knowledge of topics lasts."""
COUNT_SECONDS = 2.0
NEAR = 0.5
"""The part of a topic's retention by which a reader may be behind before it is said."""


class Poller:
    """One consumer and one thread for all partitions of a source that this process reads."""

    def __init__(
        self,
        context: ConnectorContext,
        start: Literal["latest", "earliest"],
        keyed: bool = False,
        records: Records = "chunks",
    ) -> None:
        self._context = context
        self._keyed = keyed
        self._records: Records = "keyed" if keyed else records
        self._connection: TopicConnection = context.connection
        self._start = start
        self._readers: dict[TopicPartition, TopicReader] = {}
        self._room = threading.Condition()
        self._closed = False
        self._last_probe = 0.0
        self._chunk_bytes = POLL_BYTES / MAX_CHUNKS
        self._last_ends = 0.0
        self._last_count = time.monotonic()
        self._last_retention = 0.0
        self._retention: Retention | None = None
        self._group: GroupPositions | None = None
        self._near: set[TopicPartition] = set()
        self._left: collections.deque[TopicPartition] = collections.deque()
        self._added: collections.deque[TopicReader] = collections.deque()
        self._positions: dict[TopicPartition, Position | None] = {}
        self._failure: BaseException | None = None
        self._thread: threading.Thread | None = None

    def add(self, reader: TopicReader) -> None:
        """Read this partition, too; also while the others are read."""
        self._added.append(reader)
        if self._thread is None:
            self._take_added()

    def leave(self, tp: TopicPartition) -> None:
        """Read a partition no more, also while the others are read."""
        self._left.append(tp)
        self.records_taken()

    def _take_added(self) -> bool:
        """Whether there are partitions that were added, or left."""
        some = bool(self._added or self._left)
        while self._left:
            tp = self._left.popleft()
            del self._readers[tp], self._positions[tp]
        while self._added:
            reader = self._added.popleft()
            self._readers[reader.tp] = reader
            self._positions[reader.tp] = reader.start
        return some

    def begin(self) -> None:
        """Start the thread at the first call; raises what ended it."""
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._run, name=f"reader {self._context.name}", daemon=True
            )
            self._thread.start()
        if isinstance(self._failure, ConnectorError):
            raise ConnectorError(f"{self._context.name}: {self._failure}") from self._failure
        if self._failure:
            raise ConnectorError(
                f"{self._context.name}: {type(self._failure).__name__}: {self._failure}"
            ) from self._failure

    def readers(self) -> int:
        """How many partitions are read together."""
        return max(1, len(self._readers))

    def retention(self, topic: str) -> float | None:
        """Seconds for which a topic keeps a record; None for ever, or where it is not known."""
        if self._retention is None:
            topics = {tp.topic for tp in self._readers}
            self._retention = Retention(self._connection, topics)
        return self._retention.seconds(topic)

    def checkpointed(self, tp: TopicPartition, offset: int) -> None:
        """A position became part of the flow's saved state."""
        if self._group is None:
            name = f"{self._connection.prefix}{self._context.flow}"
            failed = partial(self._context.count, "group_not_committed", 1)
            self._group = GroupPositions(self._connection, name, failed)
        self._group.saved(tp, offset)

    def records_taken(self) -> None:
        """A reader took records: there is room again."""
        with self._room:
            self._room.notify_all()

    def close(self) -> None:
        """End the thread, within 5 s."""
        self._closed = True
        if self._group is not None:
            self._group.close()
        self.records_taken()
        if self._thread and self._thread is not threading.current_thread():
            self._thread.join(5)

    def _run(self) -> None:
        try:
            self._keep_reading()
        except BaseException as error:  # it must end the flow, not only this thread
            self._failure = error
            self._context.arrived()

    def _keep_reading(self) -> None:
        backoff = Backoff(0.1, 5.0)
        client_faults = ClientFaults()
        while not self._closed:
            try:
                with open_consumer(
                    self._connection,
                    len(self._readers),
                    auto_offset_reset="none",
                    max_poll_records=MAX_CHUNKS,
                    kafka_client=in_callers_thread,
                ) as consumer:
                    topics = self._begin(consumer)
                    self._context.health.up(self._context.name)
                    backoff.reset()
                    while not self._closed:
                        self._poll(topics)
            except ConnectorError:
                raise
            except Exception as error:
                if not client_faults.tolerates(self._context.name, error):
                    raise
                self._context.health.degraded(
                    self._context.name, explain(error, self._connection, "READ")
                )
                self._pause(backoff.pause())

    def _pause(self, seconds: float) -> None:
        with self._room:
            self._room.wait_for(lambda: self._closed, seconds)

    def _begin(self, consumer: KafkaConsumer) -> TopicLog:
        self._last_probe = time.monotonic()
        self._take_added()  # while no broker answered
        try:
            return TopicLog(consumer, self._positions, self._start, self._records)
        except UnknownTopicOrPartitionError:  # of a broker without a disk, or deleted
            forget_topics()
            counts = self._context.shared.get("partitions", {})
            for topic in {tp.topic for tp in self._readers}:
                ensure_topic(self._connection, topic, counts.get(topic), compact=self._keyed)
            raise

    def _poll(self, topics: TopicLog) -> None:
        if time.monotonic() - self._last_probe > PROBE_SECONDS:
            self._look_for_silence(topics)
        if time.monotonic() - self._last_count > COUNT_SECONDS:
            self._look_for_new_partitions(topics)
        self._look_at_retention()
        if self._take_added():
            topics.assign(self._positions, self._start)
        full = self._leave_full_readers(topics)
        asked = {tp: topics.asked(tp) for tp in self._readers}
        is_brief = full or self._context.stopping.is_set()
        polled = topics.poll(BRIEF_POLL_MS if is_brief else POLL_MS, max_records=self._most())
        self._measure([chunk.size for chunks in polled.values() for chunk in chunks])
        self._follow_changes(topics)
        for tp, chunks in polled.items():
            reader = self._readers[tp]
            reader.topic_id = topics.topic_id(tp.topic)
            reader.prepare(chunks)
            if self._positions[tp] is None:
                first = next(iter(chunks[0].offsets), chunks[0].offset)
                reader.start_at(Position(first, -1, reader.topic_id))
            reader.bytes_in += sum(chunk.size for chunk in chunks)
            reader.buffer.extend(chunks)
            self._context.arrived()
        for tp, reader in self._readers.items():
            self._follow(topics, tp, reader, asked[tp])
        self._wait_for_room(topics)

    def _most(self) -> int:
        """How many batches a poll may bring; all may be of one reader."""
        buffered = sum(reader.bytes_in - reader.bytes_out for reader in self._readers.values())
        room = POLL_BYTES if buffered < BUFFER_BYTES else self._part()
        return min(MAX_CHUNKS, max(1, int(room / self._chunk_bytes)))

    def _measure(self, sizes: list[int]) -> None:
        """Follow how large batches are, unpacked, so that a poll brings no more than it may."""
        if sizes:
            self._chunk_bytes = max(1.0, sum(sizes) / len(sizes), 0.9 * self._chunk_bytes)

    def _leave_full_readers(self, topics: TopicLog) -> bool:
        """Fetch nothing for readers that take nothing; of them only the end is asked for.

        Whether there are any.
        """
        full = {tp for tp, reader in self._readers.items() if self._is_full(reader)}
        topics.leave(full)
        if full and time.monotonic() - self._last_ends > PROBE_SECONDS:
            self._ask_for_ends(topics, full)
        return bool(full)

    def _ask_for_ends(self, topics: TopicLog, of: Collection[TopicPartition]) -> None:
        self._last_ends = time.monotonic()
        with contextlib.suppress(KafkaTimeoutError):  # some have no leader now
            for tp, end in topics.ends(of).items():
                self._readers[tp].end = end

    def _wait_for_room(self, topics: TopicLog) -> None:
        """While no reader takes anything, only where the topics end is asked for now and then."""
        while not self._has_room(PROBE_SECONDS):
            self._ask_for_ends(topics, self._readers)
            self._look_at_retention()

    def _look_at_retention(self) -> None:
        """Warn of partitions whose oldest unread records will soon be removed, once each."""
        if time.monotonic() - self._last_retention < PROBE_SECONDS:
            return
        self._last_retention = time.monotonic()
        for tp, reader in self._readers.items():
            behind, kept = reader.behind(), self.retention(tp.topic)
            if behind is None or kept is None or behind <= NEAR * kept:
                self._near.discard(tp)
            elif tp not in self._near:
                self._near.add(tp)
                self._context.count("near_retention", 1)
                log.warning(
                    "%s: %s/%d is %.0f s behind, and the topic keeps records for %.0f s only: what"
                    " is not read by then is lost; mend what makes the reader wait, or raise"
                    " retention.ms of the topic",
                    self._context.flow, tp.topic, tp.partition, behind, kept,
                )  # fmt: skip

    def _has_room(self, seconds: float) -> bool:
        with self._room:
            return self._room.wait_for(
                lambda: self._closed or not all(map(self._is_full, self._readers.values())), seconds
            )

    def _follow(
        self, topics: TopicLog, tp: TopicPartition, reader: TopicReader, asked: float
    ) -> None:
        """Notice where reading began, and that it caught up."""
        position, end = topics.position(tp), topics.end(tp)
        if position is None:
            return
        if reader.position() is None:
            reader.start_at(position)
        self._positions[tp] = position
        if end is None:
            return
        reader.end = max(end, position.offset)
        if position.offset < end:
            return
        if not topics.holds(tp):
            reader.fetched_until = asked
        if not reader.caught_up:
            reader.caught_up = True
            self._context.arrived()

    def _look_for_silence(self, topics: TopicLog) -> None:
        """Say which partitions wait; the client waits silently for a broker that is gone.

        Raises `KafkaError` where no broker answers at all.
        """
        self._last_probe = time.monotonic()
        silent, name = topics.silent(SILENT_SECONDS), self._context.name
        if not silent:
            self._context.health.up(name)
        elif not topics.knows(SILENT_SECONDS):
            raise KafkaConnectionError("no broker answers")
        else:
            self._context.health.degraded(name, waiting_words(silent, len(self._readers)))

    def _look_for_new_partitions(self, topics: TopicLog) -> None:
        """Tell the flow of partitions that came to a topic; it opens a reader for each."""
        self._last_count = time.monotonic()
        counts = self._context.shared.get("partitions", {})
        for topic, count in list(counts.items()):
            now = len(topics.partitions(topic))
            if now <= count:
                continue
            counts[topic] = now
            self._context.count("new_partitions", now - count)
            log.warning(
                "%s: topic %s has %d partitions now, %d before; the new ones are read, too",
                self._context.flow, topic, now, count,
            )  # fmt: skip
            grown = self._context.shared.setdefault("grown", collections.deque())
            grown.extend(f"{topic}/{number}" for number in range(count, now))
            self._context.arrived()

    def _follow_changes(self, topics: TopicLog) -> None:
        """Say and count what is not read on where it was expected, and let its reader know."""
        said: set[str] = set()
        for change in topics.changes():
            tp, reader = change.tp, self._readers[change.tp]
            words = str(change)
            if words not in said:
                said.add(words)
                log.warning("%s: %s", self._context.flow, words)
                self._context.count(*change.counted())
            if self._keyed:  # a table is what stands in its topic, and is read whole again
                topics.begin(tp)
            if self._keyed or change.kind != "gap":
                reader.caught_up = False
                reader.restart(Position(change.now, -1, topics.topic_id(tp.topic)))

    def _is_full(self, reader: TopicReader) -> bool:
        """Whether a reader has its part of the buffer, so that one that waits stops no other."""
        return reader.bytes_in - reader.bytes_out > self._part()

    def _part(self) -> int:
        """What a reader may have in its buffer."""
        return max(BUFFER_BYTES // len(self._readers), min(BUFFER_BYTES, LEAST_BYTES))


def open_reader(
    context: ConnectorContext,
    kind: type[TopicReader],
    partition: str,
    position: object | None,
    start: Literal["latest", "earliest"],
    keyed: bool,
    records: Records = "chunks",
) -> TopicReader:
    """A reader of the partition `TOPIC/NUMBER`; all of a source share one poller.

    `keyed` says that the topic is a table.
    """
    poller = context.shared.get("poller")
    if poller is None:
        poller = context.shared["poller"] = Poller(context, start, keyed, records)
    topic, _, number = partition.rpartition("/")
    reader = kind(poller, context, TopicPartition(topic, int(number)), position)
    poller.add(reader)
    return reader
