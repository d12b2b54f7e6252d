"""Pictures in their topic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.vision.frames_topic import (
    BadPicture,
    PictureHead,
    head_of,
    headers_of,
    parse_reference,
    reference,
)

FRACTION = st.floats(0, 1)
HEADS = st.builds(
    PictureHead,
    id=st.text(),
    time=st.floats(0, 1e10),
    camera=st.text(),
    width=st.integers(1, 8192),
    height=st.integers(1, 8192),
    motion=st.lists(st.tuples(FRACTION, FRACTION, FRACTION, FRACTION), max_size=4),
)


@given(HEADS)
def test_what_the_headers_of_a_picture_say_is_read_as_it_was_written(head: PictureHead) -> None:
    assert head_of(headers_of(head)) == head


@pytest.mark.parametrize("missing", ["id", "time", "camera", "width", "height", "motion"])
def test_a_record_without_a_header_is_no_picture_and_the_message_names_it(missing: str) -> None:
    whole = headers_of(PictureHead("a", 1.0, "gate", 640, 360))
    with pytest.raises(BadPicture, match=f"needs the header '{missing}'"):
        head_of([entry for entry in whole if entry[0] != missing])


def test_a_header_with_nonsense_is_no_picture() -> None:
    with pytest.raises(BadPicture, match="not as expected"):
        head_of([*headers_of(PictureHead("a", 1.0, "gate", 640, 360)), ("width", b"wide")])


@given(st.text(min_size=1), st.integers(0, 99), st.integers(0))
def test_a_reference_leads_back_to_its_record(topic: str, partition: int, offset: int) -> None:
    assert parse_reference(reference(topic, partition, offset)) == (topic, partition, offset)


def test_what_is_no_reference_is_said() -> None:
    with pytest.raises(BadPicture, match="expected TOPIC/PARTITION/OFFSET, got 'frames/0'"):
        parse_reference("frames/0")
