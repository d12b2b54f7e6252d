import struct
from typing import Any

import pytest
from crc32c import crc32c
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka import TopicPartition
from kafka.consumer.subscription_state import SubscriptionState
from kafka.errors import CorruptRecordError
from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from kafka.record.memory_records import MemoryRecords

from connectors.kafka.log.record_batches import ChunkedRecords, KeyedRecords, unpack

NONE, GZIP, LZ4, ZSTD = 0, 1, 3, 4
texts = st.one_of(st.none(), st.binary(max_size=300))
headers = st.lists(st.tuples(st.text(max_size=5), texts), max_size=2)
records = st.lists(st.tuples(st.integers(0, 2**41), texts, texts, headers), min_size=1, max_size=20)


def batch(
    made: list[tuple[int, bytes | None, bytes | None, list[tuple[str, bytes | None]]]],
    codec: int,
    apart: int = 1,
) -> bytes:
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 10_000_000)
    for number, (timestamp, key, value, extra) in enumerate(made):
        builder.append(number * apart, timestamp, key, value, extra)
    return bytes(builder.build())


@settings(max_examples=200)
@given(records, st.sampled_from([NONE, GZIP]), st.integers(0, 20), st.sampled_from([1, 2, 100]))
def test_chunks_hold_what_the_client_s_own_records_hold(
    made: list[tuple[int, bytes | None, bytes | None, list[tuple[str, bytes | None]]]],
    codec: int,
    first: int,
    apart: int,
) -> None:
    """Offsets lie apart where the broker compacted a topic."""
    data = batch(made, codec, apart)

    chunk = unpack(DefaultRecordBatch(data), first)

    own = [r for r in DefaultRecordBatch(data) if r.offset >= first and r.value is not None]
    assert (chunk.offsets, chunk.values) == ([r.offset for r in own], [r.value for r in own])
    assert chunk.offset == (len(made) - 1) * apart
    assert chunk.size == sum(len(r.value) for r in own)


def take(data: bytes, kind: type[ChunkedRecords] = ChunkedRecords) -> list[Any]:
    """What a consumer would hand out of fetched bytes, whose checksums are made right."""
    fixed = bytearray(data)
    struct.pack_into(">I", fixed, 17, crc32c(bytes(fixed[21:])))
    tp = TopicPartition("t", 0)
    subscriptions = SubscriptionState()
    subscriptions.assign_from_user([tp])
    subscriptions.seek(tp, 0)
    taken: list[Any] = kind(subscriptions, 0, tp, MemoryRecords(bytes(fixed))).take()
    return taken


@pytest.mark.parametrize("codec", [GZIP, LZ4, ZSTD])
@pytest.mark.parametrize("kind", [ChunkedRecords, KeyedRecords])
def test_a_batch_that_cannot_be_uncompressed_is_corrupt(
    codec: int, kind: type[ChunkedRecords]
) -> None:
    data = bytearray(batch([(0, b"k", b"value" * 40, [])], codec))
    assert len(take(bytes(data), kind)) == 1
    data[65:] = bytes(len(data) - 65)

    with pytest.raises(CorruptRecordError):
        take(bytes(data), kind)


@pytest.mark.parametrize("records", [b"\x01" * 40, b"\x00" * 40, b"\xff" * 3_000_000])
def test_lengths_that_lead_nowhere_are_corrupt_and_take_no_time(records: bytes) -> None:
    whole = DefaultRecordBatch(batch([(0, b"k", b"v", [])], NONE))
    whole._buffer = bytes(whole._buffer[: whole._pos]) + records

    with pytest.raises(CorruptRecordError):
        unpack(whole, 0)


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_a_batch_that_ends_within_a_record_is_corrupt(cut: int) -> None:
    whole = DefaultRecordBatch(batch([(0, b"k", b"v" * 40, [])], NONE))
    whole._buffer = whole._buffer[:-cut]

    with pytest.raises(CorruptRecordError):
        unpack(whole, 0)
