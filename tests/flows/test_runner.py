from flows.runner import line_of
from operators.events import DeadLetter, decode_lines


def letter(size: int) -> DeadLetter:
    return DeadLetter(
        id="l", time=1.0, flow="f", step="in", reason="bad_json", detail="no JSON", origin="t/0/1", payload=b"x" * size
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
