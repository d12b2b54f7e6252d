import msgspec
import pytest

from flows.runtime.dead_letter_size import line_of
from operators.events import DeadLetter, decode_lines


def letter(size: int) -> DeadLetter:
    return DeadLetter(
        id="l",
        time=1.0,
        flow="f",
        step="in",
        reason="bad_json",
        detail="no JSON",
        origin="t/0/1",
        payload=b"x" * size,
    )


def test_a_dead_letter_that_is_larger_than_a_record_is_cut_and_says_so() -> None:
    line = line_of(letter(9_990), 10_000)

    (cut,) = decode_lines(line)
    assert isinstance(cut, DeadLetter)
    assert len(line) <= 10_000
    assert cut.payload == b"x" * 5_000
    assert cut.detail == "no JSON; the payload of 9990 bytes is cut"


def test_a_dead_letter_that_fits_keeps_its_payload() -> None:
    assert decode_lines(line_of(letter(5_000), 10_000)) == [letter(5_000)]


@pytest.mark.parametrize("limit", [1_000, 10_000])
@pytest.mark.parametrize("text", ["a", "\x00", "é", "🚨"])
def test_a_dead_letter_of_long_texts_fits_into_a_record_and_keeps_ids_apart(
    limit: int, text: str
) -> None:
    long = text * limit
    names = ["id", "flow", "step", "reason", "detail", "origin", "source"]
    texts = dict.fromkeys(names, long)
    for changes in (
        *({name: long} for name in names),
        {"labels": {long: "1"}},
        {"labels": {"a": long}},
        texts,
    ):
        line = line_of(msgspec.structs.replace(letter(limit), **changes), limit)
        assert len(line) <= limit
        (cut,) = decode_lines(line)
        assert isinstance(cut, DeadLetter) and cut.cut
    one, other = (
        decode_lines(
            line_of(msgspec.structs.replace(letter(0), id=long + end, labels={"x": long}), limit)
        )[0].id
        for end in "12"
    )
    assert one != other


def test_the_short_texts_and_the_payload_of_a_cut_dead_letter_stay() -> None:
    long = msgspec.structs.replace(
        letter(10), origin="o" * 20_000, labels={"a": "1", "b": "x" * 20_000}
    )
    (cut,) = decode_lines(line_of(long, 10_000))
    assert isinstance(cut, DeadLetter)
    assert (cut.id, cut.step, cut.labels, cut.payload) == ("l", "in", {"a": "1"}, b"x" * 10)
    assert cut.detail == "no JSON; long texts are cut"
