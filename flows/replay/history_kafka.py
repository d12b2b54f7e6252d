"""History from topics: the events of a span of time, read once, without a position that is kept."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from connectors.base import Batch, ConnectorContext, ConnectorError
from connectors.config.suggestion import near
from connectors.kafka.admin import explain
from connectors.kafka.components import Topic
from connectors.kafka.connection import TopicConnection
from connectors.kafka.log.content import as_lines
from connectors.kafka.log.position import Position
from connectors.kafka.log.record_batches import Chunk
from connectors.kafka.log.topic_log import TopicLog
from connectors.kafka.open_consumer import open_consumer
from flows.replay.merge import HistoryDown, as_one, in_order
from flows.replay.player import Piece
from flows.replay.time_arguments import iso
from operators.events import DeadLetter, Event, Reading, decode_lines

READ_BYTES = 4 << 20
LATE = 600.0
"""Records appended so long after the end of the span end the reading once one holds nothing of
the span, in seconds.
"""


class TopicHistory:
    """The events of topics from `start` to before `end` (epoch seconds), by partition in order.

    An event counts by its own time, whenever it was appended; one that was appended more than
    `ahead` seconds before its own time takes that of the record and quality `bad`, as it did live.
    What is no event is left out and reported to `warn`. Raises `ConnectorError` for a topic that is
    not there or has nothing left of the span, `HistoryDown` for a broker that does not answer.
    """

    def __init__(
        self, connection: TopicConnection, topics: list[str], start: float, end: float,
        ahead: float,
        zone: ZoneInfo, warn: Callable[[str], None] = lambda text: None,
    ) -> None:  # fmt: skip
        self._connection, self._topics = connection, topics
        self._start, self._end, self._ahead, self._warn = start, end, ahead, warn
        self._zone = zone
        self._bad = 0
        self._done: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._firsts: dict[TopicPartition, int] = {}
        self._find()

    @property
    def size(self) -> int:
        """Offsets to read."""
        return sum(end - self._firsts[place] for place, end in self._ends.items())

    @property
    def share(self) -> float:
        """How much has been read, from 0 to 1."""
        return sum(self._done.values()) / self.size if self.size else 1.0

    def pieces(self) -> Iterator[Piece]:
        """The events, in pieces, in the order of time."""
        yield from as_one(
            [
                self._partition(place)
                for place, end in self._ends.items()
                if end > self._firsts[place]
            ]
        )
        if self._bad:
            self._warn(
                f"{', '.join(self._topics)}: {self._bad} lines were no events and are left out"
            )

    # ------------------------------------------------------------------------
    # what there is
    def _find(self) -> None:
        """Where each partition's part of the span lies; warns of what the topics no longer have."""
        with _reading(self._connection) as consumer:
            known = consumer.topics()
            for topic in self._topics:
                if topic not in known:
                    hint = near(topic, known) or f"known: {', '.join(sorted(known)[:20]) or 'none'}"
                    raise ConnectorError(
                        f"there is no topic {topic!r} at"
                        f" {', '.join(self._connection.brokers)} ({hint})"
                    )
                self._find_topic(consumer, topic)

    def _find_topic(self, consumer: KafkaConsumer, topic: str) -> None:
        numbers = consumer.partitions_for_topic(topic) or ()
        places = [TopicPartition(topic, number) for number in sorted(numbers)]
        lows = consumer.beginning_offsets(places)
        highs = consumer.end_offsets(places)
        begins: list[float] = []
        for place in places:
            self._ends[place] = highs[place]
            self._firsts[place] = min(self._first(consumer, place, lows[place]), highs[place])
            if lows[place] > 0:
                begins.append(self._appended(consumer, place, 0.0))
        if not begins:
            return
        if len(begins) == len(places) and min(begins) >= self._end:
            oldest = (
                "it is empty"
                if math.isinf(min(begins))
                else f"its oldest record is of {self._shown(min(begins))}"
            )
            raise ConnectorError(
                f"the topic {topic!r} has nothing left from before {self._shown(self._end)}:"
                f" {oldest}; read that time from a table of ClickHouse (--input"
                " NAME=clickhouse:TABLE), and let the topic keep more"
            )
        if max(begins) > self._start and not math.isinf(max(begins)):
            self._warn(
                f"the topic {topic!r} begins at {self._shown(max(begins))}: what came before is no"
                " longer there"
            )

    def _first(self, consumer: KafkaConsumer, place: TopicPartition, low: int) -> int:
        """The first record appended since `start`, or a little before: clocks may run ahead."""
        if math.isinf(self._start):
            return low
        found = self._found(consumer, place, max(0.0, self._start - self._ahead))
        return int(found.offset) if found is not None else int(self._ends[place])

    def _appended(self, consumer: KafkaConsumer, place: TopicPartition, since: float) -> float:
        """When the first record was appended that is not older; infinity if there is none."""
        found = self._found(consumer, place, since)
        return math.inf if found is None else float(found.timestamp) / 1000

    def _found(self, consumer: KafkaConsumer, place: TopicPartition, since: float) -> Any:
        """Offset and time of the first record appended since then; None if there is none.

        Brokers say in several ways that there is none.
        """
        found = consumer.offsets_for_times({place: int(since * 1000)}).get(place)
        return None if found is None or found.timestamp < 0 else found

    # ------------------------------------------------------------------------
    # reading
    def _partition(self, place: TopicPartition) -> Iterator[Piece]:
        newest = -math.inf
        with _reading(
            self._connection,
            auto_offset_reset="none",
            max_partition_fetch_bytes=max(READ_BYTES, self._connection.record_limit + 4096),
        ) as c:
            end, at = self._ends[place], self._firsts[place]
            topic = TopicLog(c, {place: Position(at)})
            while at < end:
                chunks = topic.poll(1000).get(place, ())
                for change in topic.changes():
                    self._warn(str(change))
                    end = end if change.kind == "gap" else min(end, change.now)
                if not chunks:
                    continue
                at = chunks[-1].offset + 1
                self._done[place] = min(at, end) - self._firsts[place]
                events = [event for chunk in chunks for event in self._events(chunk)]
                if events:
                    piece = in_order(events, newest)
                    newest = piece.times[-1]
                    yield piece
                elif chunks[0].timestamp / 1000 > self._end + LATE and self._is_past(chunks[-1]):
                    break
            self._done[place] = end - self._firsts[place]

    def _events(self, chunk: Chunk) -> list[Event]:
        """The events of a batch of records that are of the span."""
        start, end = self._start, self._end
        ahead = chunk.timestamp / 1000 + self._ahead
        events = self._decoded(chunk)
        for event in events:
            if event.time > ahead and not isinstance(event, DeadLetter):
                event.time = chunk.timestamp / 1000
                if isinstance(event, Reading):
                    event.quality = "bad"
        return [event for event in events if start <= event.time < end]

    def _decoded(self, chunk: Chunk) -> list[Event]:
        values = []
        for offset, value in zip(chunk.offsets, chunk.values, strict=True):
            try:
                values.append(as_lines("replay", value, chunk.arrow.get(offset)))
            except msgspec.DecodeError:
                self._bad += 1
        try:
            return decode_lines(b"\n".join(values))
        except msgspec.DecodeError:
            events: list[Event] = []
            for line in b"\n".join(values).split(b"\n"):
                try:
                    events += decode_lines(line) if line.strip() else []
                except msgspec.DecodeError:
                    self._bad += 1
            return events

    def _shown(self, at: float) -> str:
        return iso(round(at), self._zone)

    def _is_past(self, chunk: Chunk) -> bool:
        return all(event.time >= self._end for event in self._decoded(chunk))


def table_rows(connection: TopicConnection, source: Topic, name: str) -> list[Event]:
    """The rows of a table in a topic as it stands."""
    context = ConnectorContext(flow="replay", name=name, connection=connection)
    with _reading(connection) as consumer:
        known = consumer.topics()
    if missing := [topic for topic in source.topics() if topic not in known]:
        raise ConnectorError(
            f"there is no topic {missing[0]!r} of the table {name!r}; give its rows as --input"
            f" {name}=FILE"
        )
    rows: list[Event] = []
    for part in source.partitions(context):
        reader = source.open(context, part, None)
        try:
            rows += _whole(reader, context, connection).events
        finally:
            reader.close()
    return rows


def _whole(reader: Any, context: ConnectorContext, connection: TopicConnection) -> Batch:
    while True:
        batch: Batch | None = reader.read()
        if batch is not None and batch.whole:
            return batch
        if context.name in context.health.down:
            raise HistoryDown(context.health.down[context.name])
        context.stopping.wait(0.01)


@contextmanager
def _reading(connection: TopicConnection, **options: Any) -> Iterator[KafkaConsumer]:
    try:
        with open_consumer(connection, max_poll_records=100, **options) as consumer:
            yield consumer
    except (KafkaError, OSError) as error:
        raise HistoryDown(explain(error, connection)) from error
