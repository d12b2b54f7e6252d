"""Reading ahead changes when history is read, and nothing else."""

import threading

import pytest

from flows.replay.prefetch import ahead
from tests.waiting import PATIENCE


def readers():
    return [thread for thread in threading.enumerate() if thread.name == "read-ahead"]


def test_items_come_in_their_order_and_no_more_than_agreed_are_read_before_they_are_wanted():
    asked, third = [], threading.Event()

    def read():
        for number in range(1000):
            asked.append(number)
            if number == 3:
                third.set()
            yield number

    items = ahead(read, most=2)
    assert next(items) == 0
    assert third.wait(60), "nothing is read while the first item is worked on"
    assert len(asked) <= 4  # one given, two waiting, one in the reader's hand
    assert [0, *items] == list(range(1000))


def test_an_error_comes_after_what_was_read_before_it():
    def read():
        yield 1
        raise OSError("the server is gone")

    items = ahead(read, most=5)
    assert next(items) == 1
    with pytest.raises(OSError, match="the server is gone"):
        next(items)


def test_who_stops_early_leaves_no_thread_behind():
    def read():
        yield from range(1000)

    items = ahead(read, most=1)
    assert next(items) == 0
    ours = readers()
    items.close()
    for thread in ours:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in ours)
