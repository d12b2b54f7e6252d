"""When it is told that nobody looked at the pictures of a camera."""

from operators.vision.missed import MissedPictures, Span


def test_pictures_that_are_missed_in_a_row_are_one_span_and_single_ones_are_none() -> None:
    pictures = MissedPictures()
    for number in range(40):
        pictures.missed("gate", number / 5)
        assert pictures.looked("yard", number / 5) is None
    assert pictures.looked("gate", 9.0) == Span(0.0, 7.8)
    for number in range(100):
        pictures.missed("gate", 10 + number / 5)
        assert pictures.looked("gate", 10.1 + number / 5) is None
    assert pictures.tick() == ({}, ["gate"])


def test_while_it_lasts_it_is_told_at_each_tick_as_long_as_it_is_then_and_at_last_its_end() -> None:
    pictures = MissedPictures()
    for begin in (0, 10):
        for number in range(10):
            pictures.missed("gate", float(begin + number))
        assert pictures.tick() == ({"gate": Span(0.0, begin + 9.0)}, [])
    assert pictures.tick() == ({}, ["gate"])
    assert pictures.tick() == ({}, [])
    assert pictures.looked("gate", 30.0) is None


def test_a_picture_that_was_under_way_does_not_end_what_is_missed_after_it() -> None:
    pictures = MissedPictures()
    for number in range(10):
        pictures.missed("gate", 1.0 + number)
    assert pictures.looked("gate", 0.5) is None
    assert pictures.looked("gate", 6.0) == Span(1.0, 6.0)
    assert pictures.looked("gate", 11.0) == Span(6.0, 10.0)
