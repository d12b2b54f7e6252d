import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.errors import CorruptRecordError
from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from connectors.topic_records import unpack

NONE, GZIP = 0, 1
texts = st.one_of(st.none(), st.binary(max_size=300))
headers = st.lists(st.tuples(st.text(max_size=5), texts), max_size=2)
records = st.lists(st.tuples(st.integers(0, 2**41), texts, texts, headers), min_size=1, max_size=20)


def batch(made: list[tuple[int, bytes | None, bytes | None, list[tuple[str, bytes | None]]]], codec: int) -> bytes:
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 10_000_000)
    for offset, (timestamp, key, value, extra) in enumerate(made):
        builder.append(offset, timestamp, key, value, extra)
    return bytes(builder.build())


@settings(max_examples=200, deadline=None)
@given(records, st.sampled_from([NONE, GZIP]), st.integers(0, 20))
def test_chunks_hold_what_the_client_s_own_records_hold(
    made: list[tuple[int, bytes | None, bytes | None, list[tuple[str, bytes | None]]]], codec: int, first: int
) -> None:
    data = batch(made, codec)

    chunk = unpack(DefaultRecordBatch(data), first)

    own = [r for r in DefaultRecordBatch(data) if r.offset >= first and r.value is not None]
    assert (chunk.offsets, chunk.values) == ([r.offset for r in own], [r.value for r in own])
    assert chunk.offset == len(made) - 1
    assert chunk.size == sum(len(r.value) for r in own)


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_a_batch_that_ends_within_a_record_is_corrupt(cut: int) -> None:
    whole = DefaultRecordBatch(batch([(0, b"k", b"v" * 40, [])], NONE))
    whole._buffer = whole._buffer[:-cut]

    with pytest.raises(CorruptRecordError):
        unpack(whole, 0)
