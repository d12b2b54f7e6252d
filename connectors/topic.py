"""Topics of a Kafka-protocol broker (Redpanda): the source and the sink through which flows meet."""

import collections
import itertools
import logging
import threading
import time
from typing import Any, ClassVar, Literal

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from pydantic import Field

from connectors.base import Batch, ConnectorContext, ConnectorError, Reader, Sink, Source, Writer
from connectors.topic_client import TopicConnection, ensure_topic, explain
from connectors.topic_producer import Producer
from operators.events import DeadLetter, Event, decode_lines
from operators.quantity import Some

log = logging.getLogger("vigie")

READ_EVENTS = 5_000
BUFFER_RECORDS = 20_000
BUFFER_BYTES = 16 << 20
BUSY_SECONDS = 1.0
IDLE_PAUSE = 0.01  # an empty fetch costs the client a millisecond of CPU; a quiet topic is asked half as often


class Topic(Source):
    """Reads events from one or several topics, from where the flow left off.

    Records hold one JSON line an event, one or many a record. A line that is no event goes to dead letters.

    Delivery: the positions are kept in the flow's own recovery store, not with the broker; after a crash at most the last
    second is read again, and every sink makes that invisible by the events' ids.
    Back pressure: reads ahead at most 16 MiB, then leaves the rest in the topic.
    """

    NAME: ClassVar[str] = "topic"
    SHORT: ClassVar[str] = "name"
    CONNECTION: ClassVar[type[TopicConnection]] = TopicConnection
    EXAMPLES: ClassVar[tuple[str, ...]] = ("topic: site.readings", "topic: {name: vigie.rules, table: true}")

    name: Some = Field(description="Topic, or list of topics.", examples=["site.readings"])
    start: Literal["latest", "earliest"] = Field(
        "earliest", description="Where to begin when the flow has no saved position."
    )
    table: bool = Field(False, description="The topic is a table: the latest row of each key counts.")
    new_partitions: int | None = Field(
        None, ge=1, le=1000, description="Partitions of the topic if it does not exist yet; the connection's without."
    )
    connection: str = Field("redpanda", description="Connection of the site file.")

    def topics(self) -> list[str]:
        return [self.name] if isinstance(self.name, str) else list(self.name)

    def partitions(self, context: ConnectorContext) -> list[str]:
        """`TOPIC/NUMBER` of every partition; waits for a broker that is not up yet, and creates topics that do not exist."""
        backoff = 0.2
        while True:
            try:
                names = partition_names(context.connection, self.topics(), self.new_partitions)
            except (KafkaError, OSError) as error:
                context.health.degraded(context.name, explain(error, context.connection))
                if context.stopping.wait(backoff):
                    raise ConnectorError(f"stopped while {explain(error, context.connection)}") from error
                backoff = min(backoff * 2, 5.0)
            else:
                context.health.up(context.name)
                return names

    def open(self, context: ConnectorContext, partition: str, position: object | None) -> Reader:
        poller = context.shared.get("poller")
        if poller is None:
            poller = context.shared["poller"] = _Poller(context, self.start)
        topic, _, number = partition.rpartition("/")
        reader = _TopicReader(poller, context, TopicPartition(topic, int(number)), position)
        poller.add(reader)
        return reader


def partition_names(connection: TopicConnection, topics: list[str], new: int | None = None) -> list[str]:
    """`TOPIC/NUMBER` of every partition of the topics, created if need be; raises `KafkaError` while no broker answers."""
    for topic in topics:
        ensure_topic(connection, topic, new)
    consumer = KafkaConsumer(**connection.client_options(), enable_auto_commit=False, bootstrap_timeout_ms=5000)
    try:
        counts = {topic: consumer.partitions_for_topic(topic) for topic in topics}
    finally:
        consumer.close()
    if missing := [topic for topic, count in counts.items() if not count]:
        raise KafkaError(f"the broker does not list {', '.join(missing)}")
    return [f"{topic}/{number}" for topic, numbers in counts.items() for number in sorted(numbers)]


class _TopicReader:
    """One partition. The poller's thread fills the buffer; the flow takes whole records from it."""

    def __init__(
        self, poller: "_Poller", context: ConnectorContext, place: TopicPartition, position: object | None
    ) -> None:
        self.place = place
        self.start = None if position is None else int(str(position))
        self.buffer: collections.deque[Any] = collections.deque()
        self.buffered_bytes = 0
        self.caught_up = False
        self._poller = poller
        self._context = context
        self._next = self.start
        self._live = False

    def read(self) -> Batch | None:
        self._poller.begin()
        buffer = self.buffer
        if not buffer:
            if self.caught_up and not self._live:
                self._live = True
                return Batch([], time.time(), True)
            return None
        records = []
        rows = 0
        while buffer and rows < READ_EVENTS:
            record = buffer.popleft()
            records.append(record)
            self.buffered_bytes -= len(record.value or b"")
            rows += (record.value or b"").count(b"\n") or 1
        self._poller.took()
        self._next = records[-1].offset + 1
        return Batch(self._decode(records), records[-1].timestamp / 1000, self._live)

    def _decode(self, records: list[Any]) -> list[Event]:
        try:
            return decode_lines(b"".join([r.value if r.value[-1:] == b"\n" else r.value + b"\n" for r in records]))
        except (msgspec.DecodeError, TypeError):
            return list(itertools.chain.from_iterable(self._decode_lines(record) for record in records))

    def _decode_lines(self, record: Any) -> list[Event]:
        events: list[Event] = []
        for number, line in enumerate((record.value or b"").split(b"\n")):
            if not line.strip():
                continue
            try:
                events += decode_lines(line)
            except msgspec.DecodeError as error:
                self._refuse(record, number, line, error)
        return events

    def _refuse(self, record: Any, number: int, line: bytes, error: msgspec.DecodeError) -> None:
        origin = f"{self.place.topic}/{self.place.partition}/{record.offset}"
        reason = "bad_shape" if isinstance(error, msgspec.ValidationError) else "bad_json"
        self._context.count(reason, 1)
        self._context.dead_letter(
            DeadLetter(
                id=f"{origin}/{number}",
                time=record.timestamp / 1000,
                flow=self._context.flow,
                step=self._context.name,
                reason=reason,
                detail=f"expected one event as a JSON object a line: {error}",
                origin=origin,
                payload=line,
            )
        )

    def position(self) -> object:
        return self._next

    def close(self) -> None:
        self._poller.close()


class _Poller:
    """One consumer and one thread for all partitions of a source that this process reads."""

    def __init__(self, context: ConnectorContext, start: Literal["latest", "earliest"]) -> None:
        self._context = context
        self._connection: TopicConnection = context.connection
        self._start = start
        self._readers: dict[TopicPartition, _TopicReader] = {}
        self._room = threading.Condition()
        self._closed = False
        self._last_records = 0.0
        self._thread: threading.Thread | None = None

    def add(self, reader: _TopicReader) -> None:
        self._readers[reader.place] = reader

    def begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"reader {self._context.name}", daemon=True)
            self._thread.start()

    def took(self) -> None:
        with self._room:
            self._room.notify_all()

    def close(self) -> None:
        self._closed = True
        self.took()
        if self._thread and self._thread is not threading.current_thread():
            self._thread.join(5)

    def _run(self) -> None:
        backoff = 0.1
        fetched: dict[TopicPartition, int | None] = {place: reader.start for place, reader in self._readers.items()}
        while not self._closed:
            consumer = None
            try:
                consumer = self._connect(fetched)
                self._context.health.up(self._context.name)
                backoff = 0.1
                while not self._closed:
                    self._poll(consumer, fetched)
            except (KafkaError, OSError) as error:
                self._context.health.degraded(self._context.name, explain(error, self._connection))
                self._context.stopping.wait(backoff)
                backoff = min(backoff * 2, 5.0)
            finally:
                if consumer is not None:
                    consumer.close(autocommit=False)

    def _connect(self, fetched: dict[TopicPartition, int | None]) -> KafkaConsumer:
        consumer = KafkaConsumer(
            **self._connection.client_options(),
            metrics_enabled=False,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=10_000,
            fetch_max_wait_ms=self._connection.fetch_wait_ms,
            max_partition_fetch_bytes=max(2 << 20, self._connection.record_limit + 4096),
            check_crcs=True,
            bootstrap_timeout_ms=5_000,
        )
        consumer.assign(list(fetched))
        for place, offset in fetched.items():
            if offset is not None:
                consumer.seek(place, offset)
            elif self._start == "earliest":
                consumer.seek_to_beginning(place)
            else:
                consumer.seek_to_end(place)
        return consumer

    def _poll(self, consumer: KafkaConsumer, fetched: dict[TopicPartition, int | None]) -> None:
        if time.monotonic() - self._last_records > BUSY_SECONDS:
            self._context.stopping.wait(IDLE_PAUSE)
        for place, records in consumer.poll(timeout_ms=2 * self._connection.fetch_wait_ms).items():
            self._last_records = time.monotonic()
            reader = self._readers[place]
            reader.buffered_bytes += sum(len(record.value or b"") for record in records)
            reader.buffer.extend(records)
            fetched[place] = records[-1].offset + 1
            self._context.arrived()
        for place, reader in self._readers.items():
            high = consumer.highwater(place)
            if high is None:
                continue
            if (fetched[place] or 0) > high:
                self._begin_again(consumer, place, fetched, high)
            elif not reader.caught_up and (fetched[place] or 0) == high:
                reader.caught_up = True
                self._context.arrived()
        with self._room:
            self._room.wait_for(lambda: self._closed or not self._is_full())

    def _begin_again(
        self, consumer: KafkaConsumer, place: TopicPartition, fetched: dict[TopicPartition, int | None], high: int
    ) -> None:
        """A topic that ends before our position is another one: the broker lost its data or the topic was made anew."""
        log.warning(
            "%s: %s/%d ends at %d, before the saved position %d: the topic was made anew; reading it from its start",
            self._context.flow, place.topic, place.partition, high, fetched[place],
        )  # fmt: skip
        self._context.count("topic_made_anew", 1)
        fetched[place] = 0
        consumer.seek_to_beginning(place)

    def _is_full(self) -> bool:
        readers = self._readers.values()
        return (
            sum(len(reader.buffer) for reader in readers) > BUFFER_RECORDS
            or sum(reader.buffered_bytes for reader in readers) > BUFFER_BYTES
        )


class TopicSink(Sink):
    """Writes events to a topic, for other flows, the push layer and other programs.

    Delivery: at least once, in order per key; every record's result is checked. The events' ids make a second delivery
    visible to whoever reads the topic.
    Back pressure: blocks the flow while the broker is down or slow.
    """

    NAME: ClassVar[str] = "topic"
    SHORT: ClassVar[str] = "name"
    CONNECTION: ClassVar[type[TopicConnection]] = TopicConnection
    EXAMPLES: ClassVar[tuple[str, ...]] = ("topic: site.readings", "topic: {name: site.rules, pack: false}")

    name: str = Field(description="Topic to write to; created if it does not exist.", examples=["site.readings"])
    key: Literal["subject"] = Field("subject", description="What decides the partition.")
    pack: bool = Field(
        True, description="Put events that are ready together into one record, one JSON line each; off: a record each."
    )
    new_partitions: int | None = Field(
        None, ge=1, le=1000, description="Partitions of the topic if it does not exist yet; the connection's without."
    )
    connection: str = Field("redpanda", description="Connection of the site file.")

    def open(self, context: ConnectorContext) -> Writer:
        return _TopicWriter(self, context)


class _TopicWriter:
    def __init__(self, sink: TopicSink, context: ConnectorContext) -> None:
        self._topic = sink.name
        self._pack = sink.pack
        self._context = context
        self._producer = Producer(context.connection, context.health, context.name, partitions=sink.new_partitions)

    def write(self, events: list[Event]) -> None:
        if self._context.shape is None:
            self._producer.send_events(self._topic, events, self._pack)
            return
        for event in events:
            line = msgspec.json.encode(self._context.shape(event)) + b"\n"
            self._producer.send(self._topic, str(getattr(event, "subject", "")), line, pack=self._pack)

    def flush(self) -> None:
        self._producer.flush(self._context.stopping)

    def close(self) -> None:
        self._producer.close()
