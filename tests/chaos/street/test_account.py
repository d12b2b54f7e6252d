"""What the fault run of cameras takes for lost, doubled and unseen."""

import pytest

from tests.chaos.street.account import Passer, Verdict, judge

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
