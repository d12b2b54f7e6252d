"""Gathering lines into the records of topics."""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from connectors.base import Tracing
from connectors.kafka.admin import partition_of
from connectors.kafka.log.content import (
    Pack,
    decode_arrow,
    encode_arrow,
    encode_columns,
    is_arrow,
)
from operators.columnar.lazy import LazyEvents
from operators.events import Event, Message, Reading, encode_lines

if TYPE_CHECKING:
    from operators.columnar.reading_columns import ReadingColumns

Durable = Callable[[], None]
ROWS_PER_RECORD = 500
ROWS_PER_ARROW = 4000
"""A record of columns has a cost of its own, of some ten rows."""
EVENT_BYTES = 200


class TooLarge(NamedTuple):
    """A line that no record may hold, the event it was made of, if known, and what forbids it."""

    topic: str
    line: bytes
    event: Event | None
    detail: str


class Item(NamedTuple):
    """What is to be written under a key: lines, or events that each have a key of their own."""

    topic: str
    key: str
    lines: bytes | list[Event]
    pack: Pack
    durable: Durable | None = None
    event: Event | None = None
    anywhere: bool = False

    @property
    def size(self) -> int:
        """How much it is, about, for the bound of a queue."""
        return len(self.lines) * (1 if isinstance(self.lines, bytes) else EVENT_BYTES)


@dataclass(slots=True)
class Record:
    """Lines on their way as one record; `event` is what the last one was made of, if known."""

    topic: str
    partition: int
    lines: list[bytes] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    size: int = 0
    durable: list[Durable] = field(default_factory=list)
    event: Event | None = None
    future: Any = None
    sent: float = math.inf
    anywhere: bool = False
    """Whether another partition will do where this one has no leader."""
    trace: str | None = None
    """The `traceparent` of the first event in it that is followed."""

    def headers(self) -> list[tuple[str, bytes]]:
        """What the record says of itself alone."""
        return [] if self.trace is None else [("traceparent", self.trace.encode())]

    def alone(self) -> "Iterator[Record]":
        """Each line as a record of its own; of columns, each half."""
        if is_arrow(self.lines[0]):
            yield from self._halves()
            return
        for line in b"".join(self.lines).split(b"\n"):
            if line:
                yield Record(
                    self.topic,
                    self.partition,
                    [line + b"\n"],
                    set(self.keys),
                    len(line) + 1,
                    anywhere=self.anywhere,
                )

    def _halves(self) -> "Iterator[Record]":
        events = decode_arrow("a packed record", b"".join(self.lines))
        middle = len(events) // 2
        for half in (events[:middle], events[middle:]):
            lines = encode_lines(half) if len(half) == 1 else encode_arrow("", half)
            if half:
                yield Record(self.topic, self.partition, [lines], set(self.keys), len(lines))


def refused_by_broker(record: Record, reason: str, limit: int) -> TooLarge:
    """A record of one line, that is larger than its topic allows."""
    return TooLarge(
        record.topic,
        b"".join(record.lines),
        record.event,
        f"the broker refuses a record of {record.size} bytes ({reason}); raise max.message.bytes of"
        f" the topic {record.topic}, which should allow record_limit ({limit})",
    )


class Oversized(Exception):
    """A record that its topic cannot hold."""

    def __init__(self, record: Record) -> None:
        super().__init__(record.topic)
        self.record = record


class Packer:
    """Gathers lines into records, one open record a partition.

    Several lines fill at most half of what a record may hold.
    """

    def __init__(
        self,
        partition_count: Callable[[str], int],
        record_limit: int,
        traces: Tracing | None = None,
    ) -> None:
        self.records: list[Record] = []
        self.too_large: list[TooLarge] = []
        self._partition_count = partition_count
        self._record_limit = record_limit
        self._traces = traces
        self._size_limit = record_limit // 2
        self._open: dict[tuple[str, int], Record] = {}
        self._counts: dict[str, int] = {}

    def take(self, items: "Iterable[Item | Record]") -> None:
        """Add all of these; records stay as they are."""
        for one in items:
            if isinstance(one, Record):
                self.records.append(one)
            elif isinstance(one.lines, bytes):
                self.add(
                    one.topic, one.key, one.lines, one.pack, one.durable, one.event, one.anywhere
                )
            else:
                self.add_events(one.topic, one.lines, one.pack)

    def add(
        self,
        topic: str,
        key: str,
        line: bytes,
        pack: Pack,
        durable: Durable | None,
        event: Event | None = None,
        anywhere: bool = False,
    ) -> None:
        """Add a line; one that no record can hold goes to `too_large`."""
        if detail := why_too_large(key, line, self._record_limit):
            self.too_large.append(TooLarge(topic, line, event, detail))
            return
        record = self._record(topic, partition_of(key, self._count(topic)), len(line), pack)
        record.lines.append(line)
        record.size += len(line)
        record.keys.add(key)
        record.event = event
        record.anywhere = anywhere
        if self._traces is not None and event is not None:
            self._follow(record, [event], self._traces)
        if durable:
            record.durable.append(durable)

    def add_events(self, topic: str, events: list[Event], pack: Pack) -> None:
        """Add events, a line each; with `arrow`, readings that are together as columns."""
        arrow = pack == "arrow"
        if arrow and isinstance(events, LazyEvents):
            self._add_columns(topic, cast("ReadingColumns", events))
            return
        if not pack or (len(events) == 1 and not arrow):
            for event in events:
                self.add(topic, key_of(event), encode_lines([event]), pack, None, event)
            return
        count = self._count(topic)
        groups = {0: events} if count == 1 else dict[int, list[Event]]()
        for event in events if count > 1 else ():
            groups.setdefault(partition_of(key_of(event), count), []).append(event)
        for partition, group in groups.items():
            if not arrow:
                self._add_run(topic, partition, group, False)
                continue
            for is_reading, run in itertools.groupby(group, _is_reading):
                self._add_run(topic, partition, list(run), is_reading)

    def _add_columns(self, topic: str, events: "ReadingColumns") -> None:
        count = self._count(topic)
        for partition, some in events.shared_out(lambda name: partition_of(name, count)).items():
            for start in range(0, len(some), ROWS_PER_ARROW):
                chunk = some.take(slice(start, start + ROWS_PER_ARROW))
                streams = encode_columns(f"topic {topic}", chunk)
                if max(map(len, streams)) > self._size_limit:
                    self._add_run(topic, partition, chunk.made(), True)
                    continue
                self._open.pop((topic, partition), None)
                self.records += (
                    Record(topic, partition, [stream], {"", "several"}, len(stream))
                    for stream in streams
                )

    def _add_run(self, topic: str, partition: int, events: list[Event], arrow: bool) -> None:
        most = ROWS_PER_ARROW if arrow else ROWS_PER_RECORD
        for start in range(0, len(events), most):
            chunk = events[start : start + most]
            lines = encode_arrow(f"topic {topic}", chunk) if arrow else encode_lines(chunk)
            if len(lines) <= self._size_limit:
                self._open.pop((topic, partition), None)
                record = Record(topic, partition, [lines], {"", "several"}, len(lines))
                self.records.append(record)
                if self._traces is not None:
                    self._follow(record, chunk, self._traces)
            elif arrow and len(chunk) > 1:
                middle = len(chunk) // 2
                self._add_run(topic, partition, chunk[:middle], True)
                self._add_run(topic, partition, chunk[middle:], True)
            else:
                for event in chunk:
                    self.add(topic, key_of(event), encode_lines([event]), True, None, event)

    @staticmethod
    def _follow(record: Record, events: list[Event], traces: Tracing) -> None:
        """Let spans of the events that are followed end once the broker has the record."""
        followed = [event.trace for event in events if event.trace is not None]
        if not followed:
            return
        record.trace = record.trace or followed[0]
        began = traces.clock()

        def written() -> None:
            end = traces.clock()
            for trace in followed:
                traces.span(f"send {record.topic}", trace, began, end, "producer")

        record.durable.append(written)

    def _count(self, topic: str) -> int:
        return self._counts.get(topic) or self._counts.setdefault(
            topic, self._partition_count(topic)
        )

    def _record(self, topic: str, partition: int, size: int, pack: Pack) -> Record:
        """The record that takes a line of `size` bytes next; a large line travels alone."""
        record = self._open.get((topic, partition)) if pack else None
        if (
            record is None
            or len(record.lines) >= ROWS_PER_RECORD
            or record.size + size > self._size_limit
        ):
            record = Record(topic, partition)
            self.records.append(record)
            if pack:
                self._open[topic, partition] = record
        return record


def _is_reading(event: Event) -> bool:
    return isinstance(event, Reading)


def why_too_large(key: str, line: bytes, limit: int) -> str | None:
    """Why no record of at most `limit` bytes can hold a line with its key; None if one can."""
    size = len(line) + len(key.encode())
    if size <= limit:
        return None
    of_key = f", {size - len(line)} of them its key" if len(line) <= limit else ""
    return f"expected at most {limit} bytes as a record (record_limit), got {size}{of_key}"


def key_of(event: Event) -> str:
    """The subject; a raw message's topic (or the key it had), a row's table, a letter's origin."""
    try:
        return event.subject  # type: ignore[union-attr]
    except AttributeError:
        return str(
            (isinstance(event, Message) and event.labels.get("key"))
            or getattr(event, "topic", None)
            or getattr(event, "table", None)
            or getattr(event, "origin", event.id)
        )
