"""How findings are compared with people who were drawn; needs no model."""

from tests.video.street import Found, Person, Score, compare, covering, passes, people

ONE = (0.0, 0.0, 10.0, 20.0)
BESIDE = (100.0, 0.0, 110.0, 20.0)
LOWER_HALF = (0.0, 10.0, 10.0, 20.0)


def test_boxes_cover_each_other_by_what_they_share() -> None:
    assert covering(ONE, ONE) == 1
    assert covering(ONE, BESIDE) == 0
    assert covering(ONE, LOWER_HALF) == 0.5


def test_a_person_is_found_once() -> None:
    twice = [Found(ONE, 0.9), Found(LOWER_HALF, 0.8)]
    assert compare([Person(ONE, False)], twice) == Score(right=1, wrong=1)


def test_a_person_who_is_not_found_is_missed_and_a_finding_elsewhere_is_wrong() -> None:
    assert compare([Person(ONE, False)], [Found(BESIDE, 0.9)]) == Score(wrong=1, missed=1)


def test_whom_nobody_must_find_counts_neither_way() -> None:
    hidden = [Person(ONE, True)]
    assert compare(hidden, []) == compare(hidden, [Found(ONE, 0.9)]) == Score()


def test_what_was_drawn_lies_on_the_pictures_and_not_on_those_of_the_choice_of_confidence() -> None:
    truth = people()
    assert list(truth) == list(range(40, 760, 18))
    boxes = [person.box for persons in truth.values() for person in persons]
    assert len(boxes) > 200
    assert all(0 <= box[0] < box[2] <= 768 and 0 <= box[1] < box[3] <= 576 for box in boxes)
    assert passes() == sorted(passes())
