"""Reading a partition of a topic: records become events, and what is no event is a dead letter."""

import collections
import itertools
import logging
import math
from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

import msgspec
from kafka import TopicPartition

from connectors.base import Batch, ConnectorContext
from connectors.kafka.log.content import arrow_columns
from connectors.kafka.log.position import Position
from connectors.kafka.log.record_batches import Chunk
from connectors.kafka.log.record_time import written_at
from connectors.runtime import steady_clock
from operators.events import DeadLetter, Event, received_lines

log = logging.getLogger("vigie")

READ_BYTES = 512 << 10
ALL_READ_BYTES = 4 << 20
"""What the readers of a source may hand out together: events take several times as much memory."""


class Polling(Protocol):
    """The part of a poller that its readers use."""

    def begin(self) -> None:
        """Start reading, at the first call."""

    def readers(self) -> int:
        """How many partitions are read together."""

    def records_taken(self) -> None:
        """A reader took records: there is room again."""

    def retention(self, topic: str) -> float | None:
        """Seconds for which a topic keeps a record; None for ever, or where it is not known."""

    def checkpointed(self, tp: TopicPartition, offset: int) -> None:
        """A position became part of the flow's saved state."""

    def leave(self, tp: TopicPartition) -> None:
        """Read a partition no more."""

    def close(self) -> None:
        """Stop reading."""


class Restart(NamedTuple):
    """In a buffer: what follows begins at another position than where the records before it end."""

    position: Position


class TopicReader:
    """One partition. The poller's thread fills the buffer; the flow takes whole records from it."""

    def __init__(
        self,
        poller: Polling,
        context: ConnectorContext,
        tp: TopicPartition,
        position: object | None,
    ) -> None:
        self.tp = tp
        self.start = None if position is None else Position.parse(position)
        self.buffer: collections.deque[Chunk | Restart] = collections.deque()
        self.bytes_in = 0  # written by the poller's thread only
        self.bytes_out = 0  # written by the flow's thread only
        self.caught_up = False
        self.end: int | None = None
        self.fetched_until = self._taken_until = -math.inf
        self._poller = poller
        self._context = context
        self._next = self.start
        self._restarted = False
        self.topic_id: str | None = None  # written by the poller's thread, before what it is of
        self._live = False
        self._cuts: set[int] = set()

    def cut_at(self, offsets: Collection[int]) -> None:
        """Let a batch end at these offsets; each is where a reader's position was."""
        self._cuts = set(offsets)

    def read(self) -> Batch | None:
        """The events that came; None if there are none."""
        self._poller.begin()
        caught_up = self.caught_up  # looked at first: what lands after it is live
        chunks = self._take()
        if not chunks:
            if caught_up and not self._live:
                self._live = True
                return Batch([], steady_clock.now(), True)
            return None
        self._poller.records_taken()
        restarted, self._restarted = self._restarted, False
        parts: list[Sequence[Event]] = []
        arrivals: list[tuple[int, float]] = []
        now = steady_clock.now()
        for chunk in chunks:
            some = self._decode(chunk)
            parts.append(some)
            arrivals.append((len(some), written_at(chunk.timestamp, now)))
        assert self._next is not None
        return Batch(
            self._joined(parts),
            arrivals[-1][1],
            self._live,
            next_offset=self._next.offset,
            recreated=restarted,
            arrivals=arrivals,
        )

    def _take(self) -> list[Chunk]:
        """Chunks with records off the buffer; those without only move the position."""
        buffer, chunks, size = self.buffer, list[Chunk](), 0
        most = min(READ_BYTES, ALL_READ_BYTES // self._poller.readers())
        while buffer and size < most:
            if chunks and self._cuts and self._next is not None and self._next.offset in self._cuts:
                break
            taken = buffer[0]
            if isinstance(taken, Restart):
                if chunks:
                    break
                self._next, self._restarted = taken.position, True
            else:
                self._next = Position(taken.offset + 1, taken.epoch, self._topic())
                size += taken.size
                if taken.values:
                    self._taken_until = taken.timestamp / 1000
                    chunks.append(taken)
            buffer.popleft()
        self.bytes_out += size
        return chunks

    def _decode(self, chunk: Chunk) -> Sequence[Event]:
        try:
            if not chunk.arrow:
                return received_lines(b"\n".join(chunk.values))
        except msgspec.DecodeError:
            pass
        return self._decode_apart(chunk)

    def _joined(self, parts: list[Sequence[Event]]) -> Sequence[Event]:
        """Parts as one, as columns if they are that."""
        if len(parts) == 1:
            return parts[0]
        if all(isinstance(part, list) for part in parts):
            return list(itertools.chain.from_iterable(parts))
        from operators.columnar.reading_columns import joined

        return joined([part for part in parts if part] or [[]])

    def _decode_apart(self, chunk: Chunk) -> Sequence[Event]:
        parts: list[Sequence[Event]] = []
        for offset, value in zip(chunk.offsets, chunk.values, strict=True):
            if (version := chunk.arrow.get(offset)) is not None:
                try:
                    parts += arrow_columns(self._context.name, value, version)
                except msgspec.DecodeError as error:
                    self._refuse_arrow(offset, chunk.timestamp, value, error)
                continue
            events: list[Event] = []
            parts.append(events)
            for number, line in enumerate(value.split(b"\n")):
                if not line.strip():
                    continue
                try:
                    events += received_lines(line)
                except msgspec.DecodeError as error:
                    self._refuse(offset, chunk.timestamp, number, line, error)
        return self._joined(parts)

    def _refuse(
        self, offset: int, timestamp: int, number: int, line: bytes, error: msgspec.DecodeError
    ) -> None:
        reason = "bad_shape" if isinstance(error, msgspec.ValidationError) else "bad_json"
        detail = f"expected one event as a JSON object a line: {error}"
        self._dead_letter(reason, detail, offset, timestamp, number, line)

    def _refuse_arrow(
        self, offset: int, timestamp: int, value: bytes, error: msgspec.DecodeError
    ) -> None:
        reason = "bad_shape" if isinstance(error, msgspec.ValidationError) else "bad_arrow"
        detail = f"expected readings as an Arrow stream: {error}"
        self._dead_letter(reason, detail, offset, timestamp, 0, value)

    def _dead_letter(
        self, reason: str, detail: str, offset: int, timestamp: int, number: int, line: bytes
    ) -> None:
        origin = f"{self.tp.topic}/{self.tp.partition}/{offset}"
        self._context.count(reason, 1)
        self._context.dead_letter(
            DeadLetter(
                id=f"{origin}/{number}",
                time=written_at(timestamp, steady_clock.now()),
                flow=self._context.flow,
                step=self._context.name,
                reason=reason,
                detail=detail,
                origin=origin,
                payload=line,
            )
        )

    def _topic(self) -> str | None:
        """The id of the topic of what is taken; the newest may belong to what is behind it."""
        return (self._next and self._next.topic) or self.topic_id

    def start_at(self, position: Position) -> None:
        """Take where reading starts, before anything is buffered."""
        self._next = position

    def restart(self, position: Position) -> None:
        """Offsets begin anew at a position; called by the poller's thread."""
        self.buffer.append(Restart(position))

    def prepare(self, chunks: Sequence[Chunk]) -> None:
        """Make ready for what is handed out next, from the poller's thread; it may wait."""

    def position(self) -> object:
        """The position of the next record to read."""
        return self._next

    def read_until(self) -> float:
        """Wall time up to which all records have been read; -inf while some are buffered."""
        fetched_until = self.fetched_until  # looked at first: what comes after it is in the buffer
        return -math.inf if self.buffer else fetched_until

    def lag(self) -> int | None:
        """Records that are not read yet; None if unknown."""
        end, at = self.end, self._next
        return None if end is None or at is None else max(0, end - at.offset)

    def checkpointed(self, position: object) -> None:
        """Show the position to other programs, once the checkpoint holds."""
        if isinstance(position, Position):
            self._poller.checkpointed(self.tp, position.offset)

    def behind(self) -> float | None:
        """Seconds since the oldest record was written that is not read; None if unknown."""
        if not (lag := self.lag()):
            return lag
        waiting = next((one for one in list(self.buffer) if isinstance(one, Chunk)), None)
        if waiting is not None:
            since = waiting.timestamp / 1000
        else:
            since = max(self._taken_until, self.fetched_until)
        return None if since == -math.inf else max(0.0, steady_clock.now() - since)

    def retention(self) -> float | None:
        """Seconds for which the topic keeps a record; None for ever, or where it is not known."""
        return self._poller.retention(self.tp.topic)

    def leave(self) -> None:
        """Read the partition no more, and the others of its source on."""
        self._poller.leave(self.tp)

    def close(self) -> None:
        """Stop reading."""
        self._poller.close()
