"""How long an idle worker rests."""

from flows.runtime.wakeup import LONGEST_REST, SHORT_REST, Wakeup


def test_a_worker_with_nothing_to_do_rests_as_long_as_it_may() -> None:
    assert Wakeup().rest(1000.0, is_waiting=False) == LONGEST_REST


def test_it_rests_no_longer_than_until_the_first_deadline_of_a_shard() -> None:
    wakeup = Wakeup()
    wakeup.due("0", 1000.25)
    wakeup.due("1", 1000.125)
    assert wakeup.rest(1000.1171875, is_waiting=False) == 0.0078125
    assert wakeup.rest(1000.0, is_waiting=False) == LONGEST_REST


def test_a_deadline_that_is_gone_counts_no_longer() -> None:
    wakeup = Wakeup()
    wakeup.due("0", 1000.0078125)
    wakeup.due("0", None)
    assert wakeup.rest(1000.0, is_waiting=False) == LONGEST_REST


def test_a_deadline_that_has_passed_does_not_keep_it_from_resting() -> None:
    wakeup = Wakeup()
    wakeup.due("0", 999.0)
    assert wakeup.rest(1000.0, is_waiting=False) == SHORT_REST


def test_it_looks_again_soon_while_something_waits() -> None:
    wakeup = Wakeup()
    assert wakeup.rest(1000.0, is_waiting=True) == SHORT_REST
