import threading

import pytest

from connectors.base import Batch
from flows.arrivals import Arrival
from flows.engine import Input, Running, _ShardLogic, _SourcePart
from flows.graph import Plan


class Refusing:
    """A reader whose lines are all refused."""

    def __init__(self, done: list[str]) -> None:
        self._done = done

    def read(self) -> Batch | None:
        return None

    def position(self) -> object:
        self._done.append("position")
        return 7

    def close(self) -> None:
        pass


def test_what_a_source_refused_is_durable_before_the_position_after_it_is_saved() -> None:
    done: list[str] = []
    running = Running(Plan("f", (), ()), False, threading.Event(), settle=lambda: done.append("letters durable"))
    part = _SourcePart(running, Input("in", ["t/0"], lambda name, position: Refusing(done)), "t/0", None)

    assert part.snapshot() == 7
    assert done == ["position", "letters durable"]


def test_a_source_that_is_drained_sleeps_instead_of_spinning(monkeypatch: pytest.MonkeyPatch) -> None:
    stopping = threading.Event()
    running = Running(Plan("f", (), ()), False, stopping)
    running.drain.join("in:t/0")
    part = _SourcePart(running, Input("in", ["t/0"], lambda name, position: Refusing([])), "t/0", None)
    slept: list[bool] = []
    monkeypatch.setattr(running.wakeup, "idle", lambda: slept.append(True))

    stopping.set()

    assert part.next_batch() == []
    assert slept == [True]


def test_a_timer_beyond_the_calendar_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    shard = _ShardLogic(Running(Plan("f", (), ()), False, threading.Event()), None)
    shard.on_batch([("0", Arrival("in:t/0", "in", Batch([], 1.0, True)))])
    monkeypatch.setattr(shard._graph, "next_wake", lambda: 253_402_300_800.0)

    at = shard.notify_at()

    assert at is not None
    assert at.year < 3000
