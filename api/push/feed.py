"""The feed: reads topics in one thread and hands updates to the event loop in batches."""

import itertools
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

import msgspec
from kafka import KafkaConsumer, TopicPartition

from api.metrics import Metrics
from api.push.cursor import partition_id
from api.push.updates import Update, from_events, from_evidence, from_push, from_site_events
from api.settings import Settings
from connectors.base import Tracing
from connectors.kafka.admin import explain
from connectors.kafka.client_faults import ClientFaults
from connectors.kafka.connection import TopicConnection
from connectors.kafka.log.content import as_lines
from connectors.kafka.log.position import Position
from connectors.kafka.log.record_batches import Chunk
from connectors.kafka.log.topic_log import TopicLog, id_of
from connectors.kafka.open_consumer import open_consumer
from connectors.runtime.backoff import Backoff
from operators.events import Event, decode_lines

LOOK_FOR_TOPICS = 2.0
LATE_ANSWER = 8.0
"""Seconds after which a broker that was asked for its topics is said to be stuck."""
RECORDS_AT_ONCE = 500
UPDATES_AT_ONCE = 1000
LONGEST_REST = 0.02
"""Seconds. After handing out, the feed rests for as long as that took: what comes meanwhile
reaches each client in one write, and a write is what a delivery costs when there are thousands."""
LATEST_ANNOUNCEMENTS = 2000
"""Records of flows that are read back; what said nothing in so many is long gone."""
FIRST_RETRY = 0.2
LAST_RETRY = 5.0
_log = logging.getLogger("vigie.api")


class Receiver(Protocol):
    """The receiver of what the feed reads; each call returns once it is processed."""

    def begin(self, partition: str, position: tuple[int, int]) -> None:
        """A partition will be read from a position on."""

    def forget(self, partitions: set[str]) -> None:
        """Partitions no longer exist."""

    def publish(self, updates: list[Update]) -> None:
        """Updates, in order."""

    def answered(self, events: list[Event]) -> None:
        """Events for the api itself: answers to commands, and declared pages."""

    def backfilled(self) -> None:
        """Everything that was in the topics at the start has been read."""


@dataclass
class _PartitionState:
    """Where one partition is read on, and the first offset whose updates are live."""

    name: str
    next: Position
    live_from: int


@dataclass
class FeedState:
    """The feed as `/health` shows it. `lag` is in records."""

    connected: bool = False
    detail: str = "not connected yet"
    caught_up: bool = False
    lag: int = 0
    topics: list[str] = field(default_factory=list)


class Feed:
    """Reads every partition of the topics, without a consumer group.

    At the start it backfills at most `backfill_records` of each partition, to know the present
    state; those updates are not live. Topics that appear later are read from their beginning. A
    lost broker is retried for ever; then the feed resumes where it was, or at the beginning of a
    topic that was created anew (its id changed).
    """

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        receiver: Receiver,
        traces: Tracing | None = None,
    ) -> None:
        self._state = FeedState()
        self._asked_at: float | None = None
        self._settings = settings
        self._metrics = metrics
        self._receiver = receiver
        self._traces = traces
        self._partitions: dict[TopicPartition, _PartitionState] = {}
        self._started = False
        self._backfilled = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    @property
    def state(self) -> FeedState:
        """How it is now; the client itself waits for ever where a broker hangs."""
        since = self._asked_at
        if since is None or time.monotonic() - since < LATE_ANSWER or not self._state.connected:
            return self._state
        assert self._settings.broker is not None
        brokers = ", ".join(self._settings.broker.brokers)
        words = f"the broker at {brokers} takes connections and does not answer; is it stuck?"
        return replace(self._state, connected=False, detail=words)

    def start(self) -> None:
        """Start the thread, if a broker is configured."""
        if self._settings.broker is None:
            self._state.detail = (
                "no broker is configured; add connections.redpanda to the site file"
            )
            return
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread, and wait for it."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def _run(self) -> None:
        broker = self._settings.broker
        assert broker is not None
        backoff, faults = Backoff(FIRST_RETRY, LAST_RETRY), ClientFaults()
        while not self._stopping.is_set():
            try:
                self._read(broker)
            except Exception as error:
                if not faults.tolerates("feed", error):
                    raise
                if self._state.connected:
                    self._metrics.reconnects.inc()
                    _log.warning("lost the broker at %s: %s", ", ".join(broker.brokers), error)
                    backoff.reset()
                self._state.detail = explain(error, broker)  # which may take seconds
                self._state.connected, self._asked_at = False, None
                self._stopping.wait(backoff.pause())

    def _read(self, broker: TopicConnection) -> None:
        with open_consumer(
            broker,
            auto_offset_reset="none",
            max_poll_records=RECORDS_AT_ONCE,
            request_timeout_ms=6000,
            reconnect_backoff_max_ms=1000,
        ) as consumer:
            log = TopicLog(consumer, {})
            while not self._stopping.is_set():
                self._find_partitions(consumer, log)
                if not self._state.connected:
                    self._state.connected, self._state.detail = True, ""
                self._poll_until_next_look(log)

    def _find_partitions(self, consumer: KafkaConsumer, log: TopicLog) -> None:
        """Ask the broker for the topics; asking also tells whether it is still there."""
        settings = self._settings
        wanted: tuple[str, ...] = (
            settings.topics.push,
            settings.topics.alarms,
            settings.topics.alarm_replies,
        )
        wanted += (settings.topics.pages, settings.topics.flows, settings.topics.live_pictures)
        wanted += (settings.topics.evidence, settings.topics.evidence_pins)
        wanted += settings.reading_topics + settings.event_topics
        self._asked_at = time.monotonic()
        there = sorted(set(wanted) & consumer.topics())
        self._asked_at = None
        partitions = [
            TopicPartition(topic, number)
            for topic in there
            for number in consumer.partitions_for_topic(topic)
        ]
        if unknown := [each for each in partitions if each not in self._partitions]:
            first, end = log.beginnings(unknown), log.ends(unknown)
            for partition in unknown:
                live_from = first[partition] if self._started else end[partition]
                back = self._backfill_of(partition.topic)
                start = (
                    first[partition] if back is None else max(first[partition], live_from - back)
                )
                id = id_of(consumer, partition.topic)
                self._start_at(partition, Position(start, -1, id), live_from)
        for partition in set(self._partitions) - set(partitions):
            self._receiver.forget({self._partitions.pop(partition).name})
        log.assign({partition: self._partitions[partition].next for partition in partitions})
        self._started = True
        self._state.topics = there

    def _start_at(self, partition: TopicPartition, position: Position, live_from: int) -> None:
        before = self._partitions.get(partition)
        if before is not None:
            self._receiver.forget({before.name})
        state = _PartitionState(_name(partition, position.topic), position, live_from)
        self._partitions[partition] = state
        if not self._is_internal(partition):
            self._receiver.begin(state.name, (position.offset, 0))

    def _follow_changes(self, log: TopicLog) -> None:
        for change in log.changes():
            _log.warning("%s", change)
            id = log.topic_id(change.tp.topic)
            self._start_at(change.tp, Position(change.now, -1, id), change.now)

    def _is_internal(self, partition: TopicPartition) -> bool:
        """Whether a topic is for the api itself, not for its clients."""
        topics = self._settings.topics
        internal = (topics.alarm_replies, topics.pages, topics.flows, topics.evidence_pins)
        return partition.topic in internal

    def _backfill_of(self, topic: str) -> int | None:
        """How many records of a topic are read back at the start; None for all of them."""
        topics = self._settings.topics
        if topic in (topics.pages, topics.evidence_pins):
            return None
        if topic == topics.flows:
            return LATEST_ANNOUNCEMENTS
        passing = (topics.alarm_replies, topics.live_pictures, topics.evidence)
        return 0 if topic in passing else self._settings.bounds.backfill_records

    def _poll_until_next_look(self, log: TopicLog) -> None:
        until = time.monotonic() + LOOK_FOR_TOPICS
        while not self._stopping.is_set() and (left := until - time.monotonic()) > 0:
            if not self._partitions:
                self._measure(log)
                self._stopping.wait(left)
                return
            records = log.poll(int(min(left, 0.5) * 1000))
            self._follow_changes(log)
            for partition in filter(self._is_internal, tuple(records)):
                self._receiver.answered(self._answers(partition, records.pop(partition)))
            began = time.monotonic()
            updates = itertools.chain.from_iterable(
                self._decode(partition, batch) for partition, batch in records.items()
            )
            while chunk := list(itertools.islice(updates, UPDATES_AT_ONCE)):
                self._publish(chunk)
            self._measure(log)
            if records and self._state.caught_up:
                self._stopping.wait(min(time.monotonic() - began, LONGEST_REST))

    def _publish(self, updates: list[Update]) -> None:
        if self._traces is None:
            self._receiver.publish(updates)
            return
        began = self._traces.clock()
        self._receiver.publish(updates)
        end = self._traces.clock()
        for update in updates:
            if update.trace is not None and update.live:
                self._traces.span(
                    f"push {update.channel}",
                    update.trace,
                    began,
                    end,
                    "producer",
                    clients=update.reached,
                )

    def _records(
        self, partition: TopicPartition, chunks: list[Chunk]
    ) -> Iterator[tuple[int, bytes, bytes | None]]:
        """Offset and value of records, and of those of Arrow the version of their schema.

        The partition counts as read up to the one given last.
        """
        state = self._partitions[partition]
        for chunk in chunks:
            self._metrics.records.labels(partition.topic).inc(len(chunk.values))
            for offset, value in zip(chunk.offsets, chunk.values, strict=True):
                state.next = Position(offset + 1, chunk.epoch, state.next.topic)
                yield offset, value, chunk.arrow.get(offset)
            state.next = Position(chunk.offset + 1, chunk.epoch, state.next.topic)

    def _decode(self, partition: TopicPartition, chunks: list[Chunk]) -> Iterable[Update]:
        state = self._partitions[partition]
        read = self._reader(partition.topic)
        for offset, value, version in self._records(partition, chunks):
            try:
                lines = as_lines("api", value, version)
                updates = read(lines, offset >= state.live_from)
                for line, update in enumerate(updates, 1):
                    last = line == len(updates)
                    update.set_position(state.name, (offset + 1, 0) if last else (offset, line))
                    yield update
            except msgspec.MsgspecError as error:
                self._undecodable(partition, offset, error)

    def _reader(self, topic: str) -> Callable[[bytes, bool], list[Update]]:
        if topic in (self._settings.topics.push, self._settings.topics.live_pictures):
            return from_push
        if topic == self._settings.topics.evidence:
            return from_evidence
        return from_site_events if topic in self._settings.event_topics else from_events

    def _answers(self, partition: TopicPartition, chunks: list[Chunk]) -> list[Event]:
        answers: list[Event] = []
        for offset, value, _ in self._records(partition, chunks):
            try:
                answers += decode_lines(value)
            except msgspec.MsgspecError as error:
                self._undecodable(partition, offset, error)
        return answers

    def _undecodable(self, partition: TopicPartition, offset: int, error: Exception) -> None:
        self._metrics.undecodable.labels(partition.topic).inc()
        _log.debug("%s/%s offset %s: %s", partition.topic, partition.partition, offset, error)

    def _measure(self, log: TopicLog) -> None:
        lag = 0
        for partition, state in self._partitions.items():
            lag += max(0, (log.end(partition) or 0) - state.next.offset)
        self._state.lag = lag
        self._state.caught_up = lag == 0
        if not self._backfilled and all(
            state.next.offset >= state.live_from for state in self._partitions.values()
        ):
            self._backfilled = True
            self._receiver.backfilled()


def _name(partition: TopicPartition, topic_id: str | None) -> str:
    id = None if topic_id is None else uuid.UUID(topic_id)
    return partition_id(partition.topic, id, partition.partition)
