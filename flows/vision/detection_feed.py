"""Reads the topic of pictures, from where they are not dealt with yet."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from connectors.base import Health
from connectors.kafka.admin import ensure_topic, explain, forget_topics
from connectors.kafka.client_faults import ClientFaults
from connectors.kafka.connection import TopicConnection
from connectors.kafka.log.position import Position
from connectors.kafka.log.topic_log import Change, TopicLog, id_of
from connectors.kafka.open_consumer import open_consumer
from connectors.runtime import steady_clock
from connectors.runtime.backoff import Backoff
from flows.vision.detection_positions import Positions
from operators.vision.missed import Span

log = logging.getLogger("vigie")

RECORDS_A_POLL = 64
SHORTEST_WAIT_MS = 10
LARGEST_FETCH = 16 << 20
ENOUGH = 256 << 10
"""So many bytes of pictures are worth an answer before `gather` is over."""
BUSY_SECONDS = 1.0
IDLE_PAUSE = 0.015
PROBE_SECONDS = 5.0
LOOK_FOR_PARTITIONS = 60.0

FIRST_RECORD = 5.0
"""Seconds for the first record that is passed over, which says since when they are."""

Passed = Callable[[int, int, Span | None], None]
Take = Callable[[Any, bool], None]
"""`take(record, gathered)`: a record, and whether it had gathered before reading began."""


class DetectionFeed:
    """A thread that reads all partitions.

    It begins where `positions` say, but passes over what was written more than `deadline` seconds
    ago; `passed(partition, n, span)` is told how many those are, and when they were written. The
    broker gathers pictures for `gather` seconds: an answer costs the client more CPU than a picture
    in it. While `has_room()` is false it reads nothing. It waits for a broker that is down, and
    begins anew with a topic that was made anew.
    """

    def __init__(
        self,
        connection: TopicConnection,
        topic: str,
        positions: Positions,
        take: Take,
        passed: Passed,
        has_room: Callable[[], bool],
        deadline: float,
        gather: float,
        health: Health,
        name: str,
    ) -> None:
        self._connection = connection
        self._topic = topic
        self._positions = positions
        self._take = take
        self._passed = passed
        self._has_room = has_room
        self._deadline = deadline
        self._wait_ms = max(SHORTEST_WAIT_MS, round(1000 * gather))
        self._health = health
        self._name = name
        self._gathered: dict[int, int] = {}
        self._stop = threading.Event()
        self.failure: BaseException | None = None
        self._last_record = self._last_probe = self._last_look = 0.0
        self._thread = threading.Thread(target=self._run, name=f"feed {name}", daemon=True)

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    def stop(self) -> None:
        """Stop reading, within some seconds."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        try:
            self._keep_reading()
        except BaseException as error:  # it must end the process, not only this thread
            self.failure = error
            raise

    def _keep_reading(self) -> None:
        backoff = Backoff(0.1, 5.0)
        faults = ClientFaults()
        while not self._stop.is_set():
            try:
                ensure_topic(self._connection, self._topic)
                with open_consumer(
                    self._connection,
                    max_poll_records=RECORDS_A_POLL,
                    fetch_max_wait_ms=self._wait_ms,
                    fetch_min_bytes=ENOUGH,
                    max_partition_fetch_bytes=max(4 << 20, self._connection.record_limit + 4096),
                    fetch_max_bytes=LARGEST_FETCH,
                    auto_offset_reset="none",
                ) as consumer:
                    topics = self._assign(consumer)
                    self._health.up(self._name)
                    backoff.reset()
                    while not self._stop.is_set() and not self._has_grown(topics):
                        self._poll(topics)
            except Exception as error:
                if not faults.tolerates(self._name, error):
                    raise
                self._health.degraded(self._name, explain(error, self._connection))
                forget_topics()
                self._stop.wait(backoff.pause())

    def _assign(self, consumer: KafkaConsumer) -> TopicLog:
        numbers = consumer.partitions_for_topic(self._topic)
        if not numbers:
            raise KafkaError(f"the broker does not list {self._topic}")
        partitions = [TopicPartition(self._topic, number) for number in sorted(numbers)]
        first = consumer.beginning_offsets(partitions)
        end = consumer.end_offsets(partitions)
        recent = self._recent(consumer, partitions)
        is_other = self._positions.is_other(id := id_of(consumer, self._topic))
        if is_other:
            log.warning("%s: %s was made anew", self._name, self._topic)
        starts = {
            tp: Position(
                self._begin(tp, int(first[tp]), int(end[tp]), recent.get(tp, int(end[tp])), id),
                -1,
                id,
            )
            for tp in partitions
        }
        self._positions.is_of(id)
        self._last_probe = self._last_look = time.monotonic()
        return TopicLog(consumer, starts, records="whole")

    def _recent(
        self, consumer: KafkaConsumer, partitions: list[TopicPartition]
    ) -> dict[TopicPartition, int]:
        """The first offset of each partition that is not older than the deadline."""
        since = int(1000 * (steady_clock.now() - self._deadline))
        found = consumer.offsets_for_times(dict.fromkeys(partitions, since))
        return {tp: int(at.offset) for tp, at in found.items() if at is not None}

    def _begin(self, tp: TopicPartition, first: int, end: int, recent: int, id: str | None) -> int:
        known = self._positions.next(tp.partition)
        # a broker without ids tells another topic by nothing but fewer records
        anew = known is not None and (self._positions.is_other(id) or (id is None and known > end))
        if anew:
            known = None
        start = max(recent if known is None else known, recent, first)
        if known is not None and start > known:
            until = steady_clock.now() - self._deadline
            since = self._written(tp, max(known, first)) if known < end else None
            span = None if since is None else Span(since, until)
            self._passed(tp.partition, start - known, span)
        self._positions.start(tp.partition, start, anew)
        self._gathered[tp.partition] = end
        return start

    def _written(self, tp: TopicPartition, offset: int) -> float | None:
        """When the record at an offset was written; None if it does not come.

        Asks by a client of its own: what it fetched beyond that record is not read here.
        """
        with open_consumer(self._connection, auto_offset_reset="none") as consumer:
            consumer.assign([tp])
            consumer.seek(tp, offset)
            deadline = time.monotonic() + FIRST_RECORD
            while not self._stop.is_set() and time.monotonic() < deadline:
                for records in consumer.poll(200, max_records=1).values():
                    return float(records[0].timestamp) / 1000
        return None

    def _poll(self, topics: TopicLog) -> None:
        if not self._has_room():
            self._stop.wait(IDLE_PAUSE)
            return
        quiet = time.monotonic() - self._last_record
        if quiet > BUSY_SECONDS:
            self._stop.wait(IDLE_PAUSE)
        if quiet > PROBE_SECONDS and time.monotonic() - self._last_probe > PROBE_SECONDS:
            self._probe(topics)
        polled = topics.poll(2 * self._wait_ms)
        for change in topics.changes():
            self._follow(change)
        for tp, records in polled.items():
            self._last_record = time.monotonic()
            for record in records:
                self._take(record, record.offset < self._gathered[tp.partition])

    def _follow(self, change: Change) -> None:
        """Go on where the topic goes on; raises `KafkaError` where it is another one."""
        log.warning("%s: %s", self._name, change)
        if change.kind == "anew":
            raise KafkaError("the topic was made anew")
        if change.kind == "gap":
            self._passed(change.tp.partition, change.now - change.before, None)
        self._positions.start(change.tp.partition, change.now, change.kind == "cut")

    def _probe(self, topics: TopicLog) -> None:
        """Ask the broker something, for the client waits silently for one that is gone."""
        self._last_probe = time.monotonic()
        partitions = [TopicPartition(self._topic, number) for number in self._gathered]
        ends = topics.ends(partitions)
        if topics.topic_id(self._topic) is None and any(
            int(end) < (self._positions.next(tp.partition) or 0) for tp, end in ends.items()
        ):
            raise KafkaError("the topic was made anew")
        self._health.up(self._name)

    def _has_grown(self, topics: TopicLog) -> bool:
        """Whether the topic has more partitions than are read."""
        if time.monotonic() - self._last_look < LOOK_FOR_PARTITIONS:
            return False
        self._last_look = time.monotonic()
        return len(topics.partitions(self._topic)) > len(self._gathered)
