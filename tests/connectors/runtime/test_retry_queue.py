"""The retry queue under a virtual clock; every pause is the longest one."""

import pytest

from connectors.runtime.retry_queue import RetryQueue, SubjectQueue
from tests.connectors.recorder import ids, reading


@pytest.fixture
def queue() -> RetryQueue:
    return RetryQueue(lambda low, high: high)


def fill(queue: RetryQueue, **keys: int) -> None:
    for key, count in keys.items():
        for n in range(count):
            queue.add(key, reading(n, subject=key))


def taken(queue: RetryQueue, now: float) -> SubjectQueue:
    one = queue.take(now)
    assert one is not None
    return one


def test_a_subject_has_one_event_under_way_at_a_time(queue: RetryQueue) -> None:
    fill(queue, a=2, b=1)
    first, second = taken(queue, 0), taken(queue, 0)
    assert (first.subject, second.subject) == ("a", "b")
    assert queue.take(0) is None and queue.next_time() is None
    queue.done(first)
    assert taken(queue, 0) is first and ids(list(first.events)) == ["r1"]


def test_pauses_double_up_to_ten_seconds_and_begin_anew_after_a_success(queue: RetryQueue) -> None:
    fill(queue, a=2)
    now, pauses = 0.0, []
    for _ in range(7):
        queue.retry(taken(queue, now), now)
        due = queue.next_time()
        assert due is not None and queue.take(due - 0.01) is None
        pauses.append(due - now)
        now = due
    assert pauses == [0.5, 1, 2, 4, 8, 10, 10]
    queue.done(taken(queue, now))
    queue.retry(taken(queue, now), now)
    assert queue.next_time() == now + 0.5


def test_retry_after_is_honoured_for_all_when_the_server_is_busy(queue: RetryQueue) -> None:
    fill(queue, a=1, b=1)
    queue.retry(taken(queue, 100), 100, after=60, server_down=True)
    assert queue.take(159) is None and queue.next_time() == 160
    probe = taken(queue, 160)
    assert queue.take(160) is None and queue.next_time() is None
    queue.done(probe)
    assert taken(queue, 160)


def test_while_the_server_is_down_one_subject_asks_at_a_time_and_its_success_frees_all(
    queue: RetryQueue,
) -> None:
    fill(queue, a=1, b=1, c=1, d=1)
    under_way = [taken(queue, 0) for _ in range(3)]
    for one in under_way:
        queue.retry(one, 0, server_down=True)
    assert queue.next_time() == 0.5 and queue.failing == 3
    probe = taken(queue, 0.5)
    assert queue.take(0.5) is None
    queue.retry(probe, 0.5, server_down=True)
    assert queue.next_time() == 1.5
    saviour = taken(queue, 1.5)
    queue.done(saviour)
    assert {taken(queue, 1.5).subject for _ in range(3)} == {"a", "b", "c", "d"} - {saviour.subject}
    assert queue.take(1.5) is None


def test_one_subject_that_fails_does_not_hold_the_others(queue: RetryQueue) -> None:
    fill(queue, bad=1, good=3)
    queue.retry(taken(queue, 0), 0)
    for _ in range(3):
        one = taken(queue, 0)
        assert one.subject == "good"
        queue.done(one)
    assert queue.take(0) is None and queue.failing == 1 and queue.count == 1


def test_an_answer_that_never_comes_says_nothing_about_the_others(queue: RetryQueue) -> None:
    fill(queue, mute=1, good=1)
    queue.retry(taken(queue, 0), 0, timed_out=True)
    queue.done(taken(queue, 0))
    assert queue.next_time() == 0.5


def test_a_server_that_answers_errors_to_all_is_to_blame_and_one_that_takes_others_is_not(
    queue: RetryQueue,
) -> None:
    fill(queue, a=1, b=1, c=1)
    first, second, third = (taken(queue, 0) for _ in range(3))
    for one in (first, second):
        queue.retry(one, 0)
    assert not any(queue.is_guilty(first) for _ in range(1_000))
    queue.add("c", reading(2, subject="c"))
    queue.done(third)
    assert not any(queue.is_guilty(first) for _ in range(1_000)), "it took nothing more"
    verdicts = []
    for number in range(12):
        queue.add("c", reading(number, subject="c"))
        queue.done(taken(queue, 0))
        verdicts.append(queue.is_guilty(first))
    assert verdicts == [*[False] * 10, True, True]
