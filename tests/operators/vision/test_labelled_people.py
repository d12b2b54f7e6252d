"""`track` on labelled people, against what ByteTrack of `trackers` 2.6.1 reaches on the same boxes.

`python -m tests.bench tracking` measures both anew.
"""

import pytest

from tests.operators.vision.labelled import CASES, Box_, Case, Score, followed, found, people, score

BYTETRACK = [
    Score(0.99, 0), Score(0.86, 2), Score(0.66, 1), Score(0.94, 0), Score(0.73, 4), Score(0.70, 0),
    Score(1.00, 0), Score(0.94, 0), Score(0.74, 5), Score(0.98, 0), Score(0.92, 0), Score(0.74, 0),
]  # fmt: skip


@pytest.mark.parametrize(("case", "peer"), list(zip(CASES, BYTETRACK, strict=True)))
def test_people_are_followed_as_well_as_bytetrack_does(case: Case, peer: Score) -> None:
    ours = score(people(case), followed(found(case)))

    assert ours.idf1 >= peer.idf1 - 0.03
    assert ours.switches <= peer.switches + 1


def test_a_restart_after_every_picture_changes_no_track() -> None:
    case = Case("TUD-Campus", 5, 0.1, 0.05)

    assert followed(found(case), restarts=True) == followed(found(case))


def test_the_score_counts_what_is_taken_for_another() -> None:
    box, other = (0.1, 0.1, 0.1, 0.3), (0.6, 0.1, 0.1, 0.3)
    truth = [Box_(n, who, at) for n in range(4) for who, at in (("a", box), ("b", other))]

    assert score(truth, truth) == (1.0, 0)
    swapped = [Box_(n, "ab"[(who == "a") ^ (n < 2)], at) for n, who, at in truth]
    assert score(truth, swapped) == (0.5, 2)
    assert score(truth, [one for one in truth if one.who == "a"]) == (2 * 4 / 12, 0)
