"""Readings as Arrow: what is encoded comes back, and what is no batch is refused in words."""

import contextlib
import math
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.columnar import arrow_batch
from operators.columnar.arrow_batch import decode_events, encode, stream_of
from operators.events import GOOD, Reading
from tests.operators.columnar.random_readings import random_readings

words = st.text(st.characters(codec="utf-8"), max_size=6)
names = words.filter(bool)
readings = random_readings(words, names, words, 253_402_300_799, trace=st.none() | words)


def columns(**changed: Any) -> bytes:
    given = {"id": ["a"], "time": [1.5], "subject": ["room"], "metric": ["t"]} | changed
    return stream_of(pa.record_batch({name: v for name, v in given.items() if v is not None}))


@settings(max_examples=60, deadline=None)
@given(st.lists(readings, min_size=1, max_size=8))
def test_what_is_encoded_comes_back(some: list[Reading]) -> None:
    assert decode_events(encode(some)) == some


def test_a_number_that_json_cannot_write_is_none() -> None:
    some = [
        Reading(id="a", time=1.0, subject="s", metric="m", value=value)
        for value in (math.nan, math.inf, -math.inf)
    ]

    back = decode_events(encode(some))

    assert back == msgspec.json.Decoder(Reading).decode_lines(
        msgspec.json.Encoder().encode_lines(some)
    )


def test_a_newer_column_is_passed_over_and_a_missing_one_has_its_default() -> None:
    (reading,) = decode_events(columns(colour=["red"]))

    assert reading == Reading(id="a", time=1.5, subject="room", metric="t")
    assert isinstance(reading, Reading) and reading.quality is GOOD


def test_columns_that_others_write_in_their_own_types_are_read() -> None:
    data = columns(
        subject=pa.array(["room"], pa.large_string()),
        unit=pa.array(["°C"]).dictionary_encode(),
        value=pa.array([21], pa.int16()),
        text=pa.nulls(1),
        time=pa.array([7], pa.int64()),
    )

    assert decode_events(data) == [
        Reading(id="a", time=7.0, subject="room", metric="t", value=21.0, unit="°C")
    ]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"subject": None}, "Expected a column `subject`"),
        ({"id": [None]}, "Expected no nulls - in column `id`|Expected string, got"),
        (
            {"subject": pa.DictionaryArray.from_arrays(pa.array([0]), pa.array([None], "string"))},
            "Expected no nulls - in column `subject`",
        ),
        ({"subject": [""]}, "length >= 1 - in column `subject`"),
        ({"time": [-1.0]}, "in column `time`"),
        ({"time": [math.nan]}, "in column `time`"),
        ({"time": ["noon"]}, "Expected double, got string - in column `time`"),
        ({"value": ["25"]}, "Expected double, got string - in column `value`"),
        ({"quality": ["fine"]}, "good, stale or bad - in column `quality`"),
        ({"labels": ["room"]}, "in column `labels`"),
    ],
)
def test_a_column_that_is_not_what_its_field_asks_is_refused(
    changed: dict[str, Any], words: str
) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        decode_events(columns(**changed))


def test_damaged_bytes_are_refused_or_are_readings_and_nothing_else() -> None:
    data = encode(
        [
            Reading(id=f"r{n}", time=1.0, subject="s", metric="m", value=2.0, labels={"a": "b"})
            for n in range(3)
        ]
    )
    for place in range(0, len(data), 5):
        flipped = data[:place] + bytes([data[place] ^ 255]) + data[place + 1 :]
        for damaged in (data[:place], flipped):
            with contextlib.suppress(msgspec.DecodeError):
                decode_events(damaged)


def test_every_field_of_a_reading_has_a_column() -> None:
    assert set(arrow_batch._TYPES) == set(Reading.__struct_fields__)
