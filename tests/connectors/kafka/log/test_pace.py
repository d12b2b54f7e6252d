"""When a broker is asked to gather records instead of handing out each as it comes."""

import pytest

from connectors.kafka.log.pace import Pace


def paced(pace: Pace, every: float, times: int, now: float = 0.0, some: bool = True) -> float:
    for _ in range(times):
        now += every
        pace.answered(now, some)
    return now


def test_records_that_come_now_and_then_are_handed_out_at_once() -> None:
    pace = Pace()
    paced(pace, 0.02, 100)
    assert not pace.is_fast


@pytest.mark.parametrize("together", [1, 2, 3])
def test_a_few_records_in_quick_succession_are_handed_out_at_once(together: int) -> None:
    pace, now = Pace(), 0.0
    for _ in range(20):
        now = paced(pace, 0.0005, together, now + 0.5)
    assert not pace.is_fast


def test_records_that_come_faster_than_every_5_ms_are_gathered_until_they_come_more_slowly() -> (
    None
):
    pace = Pace()
    now = paced(pace, 0.001, 20)
    assert pace.is_fast
    now = paced(pace, 0.0065, 100, now)  # the wait of the broker, and the way there and back
    assert pace.is_fast
    paced(pace, 0.02, 10, now)
    assert not pace.is_fast


def test_answers_without_records_end_the_gathering() -> None:
    pace = Pace()
    now = paced(pace, 0.001, 20)
    paced(pace, 0.005, 10, now, some=False)
    assert not pace.is_fast


def test_one_late_answer_changes_nothing() -> None:
    pace = Pace()
    now = paced(pace, 0.001, 20)
    paced(pace, 0.5, 1, now)
    assert pace.is_fast
