"""One consumer and one thread for all partitions of a source."""

import logging
import threading
import time
from collections.abc import Collection
from typing import Literal

from kafka import KafkaConsumer, TopicPartition

from connectors.base import ConnectorContext, ConnectorError
from connectors.kafka.admin import explain
from connectors.kafka.client_faults import ClientFaults
from connectors.kafka.connection import TopicConnection
from connectors.kafka.consumer import TopicReader
from connectors.kafka.fetch_state import Fetches
from connectors.kafka.open_consumer import open_consumer
from connectors.kafka.record_batches import Chunk, use_chunks
from connectors.runtime.backoff import Backoff

log = logging.getLogger("vigie")

MAX_CHUNKS = 100
BUFFER_BYTES = 16 << 20
LEAST_BYTES = 256 << 10
"""What a reader may have in its buffer however many there are."""
BUSY_SECONDS = 1.0
PROBE_SECONDS = 5.0
COUNT_SECONDS = 60.0
# an empty fetch costs the client a millisecond of CPU; a quiet topic is asked less often
IDLE_PAUSE = 0.015


class Poller:
    """One consumer and one thread for all partitions of a source that this process reads."""

    def __init__(
        self, context: ConnectorContext, start: Literal["latest", "earliest"], keyed: bool = False
    ) -> None:
        self._context = context
        self._keyed = keyed
        self._connection: TopicConnection = context.connection
        self._start = start
        self._readers: dict[TopicPartition, TopicReader] = {}
        self._room = threading.Condition()
        self._closed = False
        self._last_records = 0.0
        self._last_probe = 0.0
        self._last_ends = 0.0
        self._last_count = time.monotonic()
        self._grown: set[str] = set()
        self._unchecked: set[TopicPartition] = set()
        self._failure: BaseException | None = None
        self._thread: threading.Thread | None = None

    def add(self, reader: TopicReader) -> None:
        """Read this partition, too."""
        self._readers[reader.tp] = reader

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

    def records_taken(self) -> None:
        """A reader took records: there is room again."""
        with self._room:
            self._room.notify_all()

    def close(self) -> None:
        """End the thread, within 5 s."""
        self._closed = True
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
        fetched: dict[TopicPartition, int | None] = {
            tp: reader.start for tp, reader in self._readers.items()
        }
        while not self._closed:
            try:
                with open_consumer(
                    self._connection,
                    max_poll_records=MAX_CHUNKS,
                    fetch_max_wait_ms=self._connection.fetch_wait_ms,
                    check_crcs=True,
                    metadata_max_age_ms=int(1000 * COUNT_SECONDS),
                ) as consumer:
                    self._assign(consumer, fetched)
                    self._context.health.up(self._context.name)
                    backoff.reset()
                    while not self._closed:
                        self._poll(consumer, fetched)
            except ConnectorError:
                raise
            except Exception as error:
                if not client_faults.tolerates(self._context.name, error):
                    raise
                self._context.health.degraded(self._context.name, explain(error, self._connection))
                self._pause(backoff.pause())

    def _pause(self, seconds: float) -> None:
        with self._room:
            self._room.wait_for(lambda: self._closed, seconds)

    def _assign(self, consumer: KafkaConsumer, fetched: dict[TopicPartition, int | None]) -> None:
        use_chunks(consumer, self._keyed)
        self._fetches = Fetches(consumer)
        self._unchecked = (
            set() if self._keyed else {tp for tp, offset in fetched.items() if offset is not None}
        )
        self._last_probe = time.monotonic()
        consumer.assign(list(fetched))
        for tp, offset in fetched.items():
            if offset is not None:
                consumer.seek(tp, offset)
            elif self._start == "earliest":
                consumer.seek_to_beginning(tp)
            else:
                consumer.seek_to_end(tp)

    def _poll(self, consumer: KafkaConsumer, fetched: dict[TopicPartition, int | None]) -> None:
        quiet = time.monotonic() - self._last_records
        if quiet > BUSY_SECONDS:
            self._pause(IDLE_PAUSE)
        if quiet > PROBE_SECONDS and time.monotonic() - self._last_probe > PROBE_SECONDS:
            self._probe(consumer, next(iter(fetched)))
        if time.monotonic() - self._last_count > COUNT_SECONDS:
            self._look_for_new_partitions(consumer)
        self._leave_full_readers(consumer)
        asked = {tp: self._fetches.asked(tp) for tp in self._readers}
        for tp, chunks in consumer.poll(timeout_ms=2 * self._connection.fetch_wait_ms).items():
            self._last_records = time.monotonic()
            self._check_for_gap(tp, fetched[tp], chunks[0])
            reader = self._readers[tp]
            reader.bytes_in += sum(chunk.size for chunk in chunks)
            reader.buffer.extend(chunks)
            fetched[tp] = chunks[-1].offset + 1
            self._context.arrived()
        for tp, reader in self._readers.items():
            self._follow(consumer, tp, reader, fetched)
            if fetched[tp] == reader.end and not self._fetches.holds(tp):
                reader.fetched_until = asked[tp]
        self._wait_for_room(consumer)

    def _leave_full_readers(self, consumer: KafkaConsumer) -> None:
        """Fetch nothing for readers that take nothing; of them only the end is asked for."""
        full = {tp for tp, reader in self._readers.items() if self._is_full(reader)}
        paused = consumer.paused()
        consumer.pause(*(full - paused))
        consumer.resume(*(paused - full))
        if full and time.monotonic() - self._last_ends > PROBE_SECONDS:
            self._ask_for_ends(consumer, full)

    def _ask_for_ends(self, consumer: KafkaConsumer, of: Collection[TopicPartition]) -> None:
        self._last_ends = time.monotonic()
        for tp, end in consumer.end_offsets(list(of), timeout_ms=3_000).items():
            self._readers[tp].end = end

    def _wait_for_room(self, consumer: KafkaConsumer) -> None:
        """While no reader takes anything, only where the topics end is asked for now and then."""
        while not self._has_room(PROBE_SECONDS):
            self._ask_for_ends(consumer, self._readers)

    def _has_room(self, seconds: float) -> bool:
        with self._room:
            return self._room.wait_for(
                lambda: self._closed or not all(map(self._is_full, self._readers.values())), seconds
            )

    def _follow(
        self,
        consumer: KafkaConsumer,
        tp: TopicPartition,
        reader: TopicReader,
        fetched: dict[TopicPartition, int | None],
    ) -> None:
        """Notice where reading began, that it caught up, and that the topic is another one."""
        high = consumer.highwater(tp)
        if high is None:
            return
        if fetched[tp] is None:
            fetched[tp] = consumer.position(tp)
            reader.start_at(int(fetched[tp] or 0))
        at = fetched[tp] or 0
        # what ends a transaction is no record
        reader.end = at if at < high <= consumer.position(tp) else high
        if at > high:
            self._restart(consumer, tp, fetched, high)
        elif not reader.caught_up and at == reader.end:
            reader.caught_up = True
            self._context.arrived()

    def _probe(self, consumer: KafkaConsumer, tp: TopicPartition) -> None:
        """Ask the broker something, for the client waits silently for one that is gone.

        Raises `KafkaError`.
        """
        self._last_probe = time.monotonic()
        consumer.end_offsets([tp], timeout_ms=3_000)
        self._context.health.up(self._context.name)

    def _look_for_new_partitions(self, consumer: KafkaConsumer) -> None:
        """Warn once of partitions added while the flow runs; a restart reads them whole."""
        self._last_count = time.monotonic()
        for topic, count in self._context.shared.get("partitions", {}).items():
            now = len(consumer.partitions_for_topic(topic) or ())
            if now > count and topic not in self._grown:
                self._grown.add(topic)
                self._context.count("new_partitions", now - count)
                log.warning(
                    "%s: topic %s has %d partitions now, and this run reads of the %d it began"
                    " with; nothing is lost, but "
                    "restart the flow to read the others",
                    self._context.flow, topic, now, count,
                )  # fmt: skip

    def _check_for_gap(self, tp: TopicPartition, expected: int | None, first: Chunk) -> None:
        """Count what the broker's retention removed before it was read; after connecting."""
        if tp not in self._unchecked:
            return
        self._unchecked.discard(tp)
        if expected is not None and first.offsets and first.offsets[0] > expected:
            missing = first.offsets[0] - expected
            log.warning(
                "%s: %s/%d: the records from %d to %d are no longer in the topic (its retention"
                " is shorter than this "
                "flow was away, or it is compacted)",
                self._context.flow, tp.topic, tp.partition, expected, first.offsets[0] - 1,
            )  # fmt: skip
            self._context.count("gap", missing)

    def _restart(
        self,
        consumer: KafkaConsumer,
        tp: TopicPartition,
        fetched: dict[TopicPartition, int | None],
        high: int,
    ) -> None:
        """Read from the start a topic that ends before our position: it is another one."""
        log.warning(
            "%s: %s/%d ends at %d, before the saved position %d: the topic was made anew; reading"
            " it from its start",
            self._context.flow, tp.topic, tp.partition, high, fetched[tp],
        )  # fmt: skip
        self._context.count("topic_made_anew", 1)
        fetched[tp] = 0
        self._readers[tp].on_recreated()
        consumer.seek_to_beginning(tp)

    def _is_full(self, reader: TopicReader) -> bool:
        """Whether a reader has its part of the buffer, so that one that waits stops no other."""
        part = max(BUFFER_BYTES // len(self._readers), min(BUFFER_BYTES, LEAST_BYTES))
        return reader.bytes_in - reader.bytes_out > part


def open_reader(
    context: ConnectorContext,
    kind: type[TopicReader],
    partition: str,
    position: object | None,
    start: Literal["latest", "earliest"],
    keyed: bool,
) -> TopicReader:
    """A reader of the partition `TOPIC/NUMBER`; all of a source share one poller."""
    poller = context.shared.get("poller")
    if poller is None:
        poller = context.shared["poller"] = Poller(context, start, keyed)
    topic, _, number = partition.rpartition("/")
    reader = kind(poller, context, TopicPartition(topic, int(number)), position)
    poller.add(reader)
    return reader
