"""Dead letters: reading `vigie.dead.FLOW`, and their replays in `vigie.replayed.FLOW`.

A letter is known by its id and the step that refused it. The same one may stand in the topic
several times: written again after a crash, or refused again after a replay. A mark says up to which
offset of the topic it was replayed.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import msgspec
from kafka import TopicPartition
from kafka.errors import KafkaError

from connectors.kafka.admin import explain
from connectors.kafka.connection import TopicConnection
from connectors.kafka.log.position import Position
from connectors.kafka.log.topic_log import TopicLog
from connectors.kafka.open_consumer import open_consumer
from operators.events import DeadLetter, decode_lines

READ_SECONDS = 20.0


class Unreachable(Exception):
    """The broker does not answer; the message is for people."""


class ReplayMark(msgspec.Struct, kw_only=True):
    """A replay of the letter (`id`, `step`) up to `offset` of `partition`, `to` where and when."""

    id: str
    step: str
    partition: int
    offset: int
    time: float
    to: str


@dataclass(frozen=True)
class Entry:
    """A letter in its topic.

    `set_aside` is when it was written (epoch seconds), `times` how often it stands there.
    `replayed` is when it was last replayed; `is_open` that this was not since it was last refused.
    """

    letter: DeadLetter
    partition: int
    offset: int
    set_aside: float
    times: int = 1
    replayed: float | None = None
    is_open: bool = True

    @property
    def key(self) -> tuple[str, str]:
        """Id and step."""
        return self.letter.id, self.letter.step


class DeadLetterTopics:
    """The dead letters of one site, read from its broker. Methods raise `Unreachable`."""

    def __init__(self, connection: TopicConnection) -> None:
        self._connection = connection

    def topic(self, flow: str) -> str:
        """The topic of a flow's dead letters."""
        return self._connection.topic_names.dead_letters(flow)

    def marks_topic(self, flow: str) -> str:
        """The topic of a flow's replays."""
        return self._connection.topic_names.replayed(flow)

    def flows(self) -> list[str]:
        """The flows that have dead letters, or had some."""
        prefix = self.topic("")
        with self._reaching(), open_consumer(self._connection) as consumer:
            return sorted(
                name.removeprefix(prefix) for name in consumer.topics() if name.startswith(prefix)
            )

    def entries(
        self,
        flow: str,
        wanted: Callable[[DeadLetter], bool] = lambda letter: True,
        last: int | None = None,
    ) -> list[Entry]:
        """The wanted letters of a flow, each once, oldest first, with all payloads in memory.

        With `last`, only that many records at the end of each partition are looked at.
        """
        marks = {(mark.id, mark.step): mark for mark in self._marks(flow)}
        found: dict[tuple[str, str], Entry] = {}
        for entry in self._letters(flow, last):
            if not wanted(entry.letter):
                continue
            earlier = found.pop(entry.key, None)
            mark = marks.get(entry.key)
            found[entry.key] = replace(
                entry,
                times=earlier.times + 1 if earlier else 1,
                replayed=mark.time if mark else None,
                is_open=mark is None
                or mark.partition != entry.partition
                or mark.offset < entry.offset,
            )
        return sorted(
            found.values(), key=lambda entry: (entry.set_aside, entry.partition, entry.offset)
        )

    def _letters(self, flow: str, last: int | None) -> Iterator[Entry]:
        for partition, offset, written, value in self._records(self.topic(flow), last):
            for event in decode_lines(value):
                if isinstance(event, DeadLetter):
                    yield Entry(event, partition, offset, written)

    def _marks(self, flow: str) -> Iterator[ReplayMark]:
        decode = msgspec.json.Decoder(ReplayMark).decode_lines
        for _, _, _, value in self._records(self.marks_topic(flow)):
            yield from decode(value)

    def _records(
        self, topic: str, last: int | None = None
    ) -> Iterator[tuple[int, int, float, bytes]]:
        """Partition, offset, time and value of a topic's records; none if it does not exist."""
        with self._reaching():
            with open_consumer(self._connection) as consumer:
                if topic not in consumer.topics():
                    return
                partitions = [
                    TopicPartition(topic, number)
                    for number in sorted(consumer.partitions_for_topic(topic) or ())
                ]
                ends = consumer.end_offsets(partitions)
                begins = consumer.beginning_offsets(partitions)
            first = {
                tp: begins[tp] if last is None else max(begins[tp], ends[tp] - last)
                for tp in partitions
                if ends[tp] > begins[tp]
            }
            positions = {tp: Position(offset) for tp, offset in first.items()}
            with open_consumer(self._connection, auto_offset_reset="none") as consumer:
                log = TopicLog(consumer, positions, records="whole")
                yield from self._read(log, topic, {tp: ends[tp] for tp in first})

    def _read(
        self, log: TopicLog, topic: str, ends: dict[TopicPartition, int]
    ) -> Iterator[tuple[int, int, float, bytes]]:
        deadline = time.monotonic() + READ_SECONDS
        while any((at := log.position(tp)) is None or at.offset < end for tp, end in ends.items()):
            polled = log.poll(200)
            if polled:
                deadline = time.monotonic() + READ_SECONDS
            elif time.monotonic() > deadline:
                raise Unreachable(f"the broker stopped answering while {topic} was read; try again")
            for records in polled.values():
                for record in records:
                    if record.value is not None:
                        written = record.timestamp / 1000
                        yield record.partition, record.offset, written, record.value

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except (KafkaError, OSError) as error:
            raise Unreachable(explain(error, self._connection)) from error
