"""What the fault run of cameras takes for lost, doubled and unseen."""

import pytest

from tests.chaos.street.account import Passer, Verdict, judge, untold

PASS = Passer("gate", 100.0, 116.0)
WHOLE = [100 + n / 5 for n in range(80)]


@pytest.mark.parametrize(
    ("found", "events", "verdict"),
    [
        (WHOLE, [101.0], "told"),
        (WHOLE, [], "lost"),
        (WHOLE, [101.0, 109.0], "doubled"),
        ([], [], "unseen"),
        (WHOLE[:10], [], "unseen"),
        ([101.0, 104.0, 107.0, 110.0], [], "unseen"),
        ([], [101.0], "told"),
        ([*WHOLE[:20], *WHOLE[-20:]], [101.0, 113.0], "broken"),
        ([*WHOLE[:20], *WHOLE[-20:]], [101.0, 113.0, 114.0], "doubled"),
        (WHOLE, [80.0, 101.0, 130.0], "told"),
    ],
)
def test_a_pass_is_judged_by_the_pictures_on_which_somebody_was_found(
    found: list[float], events: list[float], verdict: Verdict
) -> None:
    assert judge(PASS, found, events) == verdict


@pytest.mark.parametrize(
    ("spans", "longest"),
    [
        ([], 16.0),
        ([(90.0, 120.0)], 0.0),
        ([(104.0, 114.0), (102.0, 109.0)], 2.0),
        ([(90.0, 101.0), (120.0, 130.0)], 15.0),
        ([(101.0, 105.0), (110.0, 116.0)], 5.0),
    ],
)
def test_what_is_not_told_of_a_pass_is_its_longest_part_in_no_span(
    spans: list[tuple[float, float]], longest: float
) -> None:
    assert untold(PASS, spans) == longest
