import email.utils

from connectors.runtime.backoff import Backoff, retry_after_seconds


def test_the_longest_pause_doubles_up_to_the_cap_and_begins_anew_after_a_success() -> None:
    backoff = Backoff(0.5, 10.0, lambda low, high: high)
    assert [backoff.pause() for _ in range(7)] == [0.5, 1, 2, 4, 8, 10, 10]
    backoff.reset()
    assert backoff.pause() == 0.5


def test_a_pause_is_anything_from_nothing_to_the_longest() -> None:
    asked: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        asked.append((low, high))
        return 0.25 * high

    backoff = Backoff(1.0, 60.0, uniform)
    assert [backoff.pause(), backoff.pause()] == [0.25, 0.5]
    assert asked == [(0.0, 1.0), (0.0, 2.0)]


def test_pauses_of_two_clients_differ() -> None:
    one, other = Backoff(1.0, 60.0), Backoff(1.0, 60.0)
    assert [one.pause() for _ in range(8)] != [other.pause() for _ in range(8)]


def test_what_the_server_asks_for_wins_and_counts_as_a_failure() -> None:
    backoff = Backoff(1.0, 60.0, lambda low, high: high)
    assert [backoff.pause(120.0), backoff.pause(0.0), backoff.pause()] == [120.0, 0.0, 4.0]


def test_a_year_of_failures_overflows_nothing() -> None:
    backoff = Backoff(0.1, 5.0, lambda low, high: high)
    assert [backoff.pause() for _ in range(5000)][-1] == 5.0


def test_retry_after_comes_in_seconds_or_as_a_date() -> None:
    now = 1_795_000_000.0
    assert retry_after_seconds("120", now) == 120
    assert retry_after_seconds(email.utils.formatdate(now + 90, usegmt=True), now) == 90
    assert retry_after_seconds(email.utils.formatdate(now - 90, usegmt=True), now) == 0
    assert retry_after_seconds("999999999999", now) == 3600
    bad = (None, "", "soon", "-5", "1.5")
    assert [retry_after_seconds(text, now) for text in bad] == [None] * len(bad)
