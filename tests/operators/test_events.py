"""What may come on a topic: anything. What is no event is refused with a word, and never with
another error.
"""

import msgspec
import pytest

from operators.events import Occurrence, Reading, decode_lines, encode_lines, received_lines


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"kind":"reading","id":"\xff","time":1,"subject":"a","metric":"b"}', "0xff"),
        (
            b'{"kind":"occurrence","id":"a","time":1,"subject":"a","type":"b","data":{"a":'
            + b"[" * 100_000,
            "deep",
        ),
        (b'{"kind":"reading","id":"a","time":1', "truncated"),
        (b"\x00", "invalid"),
    ],
)
def test_bytes_that_are_no_event_are_refused_in_one_way(line: bytes, said: str) -> None:
    with pytest.raises(msgspec.DecodeError, match=said):
        decode_lines(line)


def test_an_event_without_a_subject_is_refused() -> None:
    line = encode_lines([Reading(id="r", time=1.0, subject="", metric="temperature")])
    with pytest.raises(msgspec.ValidationError, match="subject"):
        decode_lines(line)


def test_a_command_without_a_subject_is_one_to_every_subject() -> None:
    command = Occurrence(id="c", time=1.0, subject="", type="alarm_command", data={"do": "shelve"})
    assert decode_lines(encode_lines([command])) == [command]


def test_a_time_before_1970_is_refused_where_a_topic_is_read() -> None:
    line = encode_lines([Reading(id="r", time=-1.0, subject="rack", metric="temperature")])
    assert decode_lines(line)
    with pytest.raises(msgspec.ValidationError, match="time of 0 or later, got -1"):
        received_lines(line)


@pytest.mark.parametrize("time", [1.77e12, -1e14, 1e300])
def test_a_time_that_is_no_date_is_refused_such_as_one_in_milliseconds(time: float) -> None:
    line = encode_lines([Reading(id="r", time=time, subject="rack", metric="temperature")])
    with pytest.raises(msgspec.ValidationError, match="time"):
        decode_lines(line)
