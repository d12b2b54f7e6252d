"""Topics as foreign producers may have filled them: record batches, and the lines in their
values.
"""

import struct
import threading
from collections.abc import Iterator
from typing import cast

from crc32c import crc32c
from kafka import TopicPartition
from kafka.consumer.subscription_state import SubscriptionState
from kafka.errors import KafkaError
from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from kafka.record.memory_records import MemoryRecords

from connectors.base import ConnectorContext
from connectors.kafka.consumer import TopicReader
from connectors.kafka.log.record_batches import Chunk, ChunkedRecords, KeyedChunk, KeyedRecords
from operators.events import DeadLetter, Message, decode_lines, encode_lines
from tests.fuzz import events
from tests.fuzz.mutate import json_mutator
from tests.fuzz.target import Target

PLACE = TopicPartition("foreign", 0)
_LENGTH, _MAGIC, _CRC, _BODY = 8, 16, 17, 21
CODECS = (0, 1, 3, 4)


def batches(data: bytes) -> bytes:
    """The bytes with right checksums, without which nothing behind them would be looked at."""
    fixed = bytearray(data)
    at = 0
    while at + _BODY < len(fixed):
        (length,) = struct.unpack_from(">i", fixed, at + _LENGTH)
        end = at + 12 + length
        if length <= 0 or end > len(fixed):
            break
        if fixed[at + _MAGIC] == 2:
            struct.pack_into(">I", fixed, at + _CRC, crc32c(bytes(fixed[at + _BODY : end])))
        at = end
    return bytes(fixed)


def read_records(data: bytes) -> None:
    """Chunks with what the client itself reads, or a `KafkaError`, at which the source is
    degraded.
    """
    data = batches(data)
    try:
        chunks = cast(
            list[Chunk], ChunkedRecords(_subscriptions(), 0, PLACE, MemoryRecords(data)).take()
        )
    except KafkaError:
        return
    for chunk in chunks:
        assert len(chunk.offsets) == len(chunk.values)
        assert chunk.size == sum(map(len, chunk.values))
    try:
        own = cast(
            list[KeyedChunk], KeyedRecords(_subscriptions(), 0, PLACE, MemoryRecords(data)).take()
        )
    except KafkaError:
        return
    assert [value for chunk in chunks for value in chunk.values] == [
        value for chunk in own for value in chunk.values if value is not None
    ]


def _subscriptions() -> SubscriptionState:
    found = SubscriptionState()
    found.assign_from_user([PLACE])
    found.seek(PLACE, 0)
    return found


def _record_seeds() -> Iterator[bytes]:
    lines = encode_lines(events.SOME)
    for codec in CODECS:
        builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 100_000)
        builder.append(0, 1_772_366_400_000, b"rack", lines, [])
        builder.append(1, 1_772_366_400_001, None, b"x", [("h", b"v"), ("empty", None)])
        builder.append(2, 1_772_366_400_002, b"gone", None, [])
        first = bytes(builder.build())
        yield first
        yield first + first
        assert DefaultRecordBatch(first).validate_crc()


class _NoPoller:
    def readers(self) -> int:
        return 1

    def begin(self) -> None: ...
    def records_taken(self) -> None: ...
    def close(self) -> None: ...


def read_lines(data: bytes) -> None:
    """Events, and a dead letter for each line that is none; two records when there is a record
    separator.
    """
    letters: list[DeadLetter] = []
    counted: dict[str, int] = {}

    def count(word: str, n: int) -> None:
        counted[word] = counted.get(word, 0) + n

    context = ConnectorContext(
        "f", "lines", None, threading.Event(), count=count, dead_letter=letters.append
    )
    reader = TopicReader(_NoPoller(), context, PLACE, 0)
    values = data.split(b"\x1e")
    reader.buffer.append(
        Chunk(len(values) - 1, 1_772_366_400_000, list(range(len(values))), values, len(data))
    )
    batch = reader.read()
    assert batch is not None
    assert {letter.reason for letter in letters} <= {"bad_json", "bad_shape"}
    assert sum(counted.values()) == len(letters)
    for event in batch.events:
        assert not isinstance(event, Message) or isinstance(event.payload, bytes)
    written = encode_lines(batch.events)
    assert encode_lines(decode_lines(written)) == written


def _line_seeds() -> Iterator[bytes]:
    for event in events.SOME:
        yield encode_lines([event]).rstrip()
    yield encode_lines(events.SOME[:3])
    yield (
        encode_lines(events.SOME[:2])
        + b"\x1e"
        + b"not an event\n\n"
        + encode_lines(events.SOME[2:3])
    )


TARGETS = [
    Target("topic_records", read_records, _record_seeds, longest=4096),
    Target("topic_lines", read_lines, _line_seeds, json_mutator(events.KEYS)),
]
