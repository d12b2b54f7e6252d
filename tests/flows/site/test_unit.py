"""Swapping versions, on a virtual clock and with processes that do as they are told."""

import errno
from collections import deque
from typing import Any

import pytest

from flows.site.restarts import Restarts
from flows.site.site_status import status_of
from flows.site.unit import PROBATION, TRIAL, Unit
from flows.site.version import Version

A, B, C = (
    Version("cool", name, "", name, "cool.yaml", states) for name, states in
    (("a", ("cool/x",)), ("b", ("cool/x", "cool/y")), ("c", ("cool/x",)))
)  # fmt: skip


class Process:
    pid = 1

    def __init__(self, began: float) -> None:
        self.began = began
        self.last = deque(["the last line"])
        self.asked = self.killed = False

    def ask_to_end(self) -> None:
        self.asked = True

    def kill(self) -> None:
        self.killed = True


class Bench:
    """A unit with its clock; `started` are the versions that were started, with what they drop."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.started: list[tuple[str, tuple[str, ...]]] = []
        self.answers: list[str | None] = []
        self.said: list[str] = []
        self.unit = Unit("cool", self._start, self.said.append, 10.0, lambda: self.now)

    def _start(self, version: Version, drop: tuple[str, ...]) -> Any:
        self.started.append((version.hash, drop))
        return Process(self.now)

    @property
    def process(self) -> Any:
        return self.unit.process

    def offer(self, version: Version) -> None:
        self.unit.offer(version, self.answers.append)

    def runs(self, version: Version) -> "Bench":
        self.offer(version)
        self.unit.told({"running": True})
        self.now += 100
        return self

    def after(self, seconds: float) -> None:
        self.now += seconds
        self.unit.tick()


def test_the_old_version_drains_before_the_new_one_starts() -> None:
    bench = Bench().runs(A)
    bench.offer(B)
    assert bench.process.asked and bench.started == [("a", ())]
    bench.unit.ended(75)
    assert bench.started[-1] == ("b", ())
    assert bench.answers == [None]
    bench.unit.told({"running": True})
    assert bench.answers == [None, None] and bench.unit.current == B


def test_a1_what_does_not_drain_is_killed_after_the_grace() -> None:
    bench = Bench().runs(A)
    bench.offer(B)
    bench.after(9.9)
    assert not bench.process.killed
    bench.after(0.1)
    assert bench.process.killed
    bench.unit.ended(-9)
    assert bench.started[-1][0] == "b"


@pytest.mark.parametrize("how", ["ends", "hangs", "fails soon"])
def test_the_old_version_comes_back_and_gives_up_the_states_of_the_new_one(how: str) -> None:
    bench = Bench().runs(A)
    bench.offer(B)
    bench.unit.ended(0)
    if how == "hangs":
        bench.after(TRIAL)
        assert bench.process.asked
    elif how == "fails soon":
        bench.unit.told({"running": True})
        bench.after(PROBATION - 1)
    bench.unit.ended(1)
    assert bench.started[-1] == ("a", ("cool/y",))
    bench.unit.told({"running": True})
    assert bench.unit.current == A and bench.unit.state == "running"
    assert "the last line" in str(bench.unit.error)
    if how != "fails soon":
        assert bench.answers[-1] == bench.unit.error


def test_a2_neither_starts_and_the_old_one_is_tried_again_later_and_later() -> None:
    bench = Bench().runs(A)
    bench.offer(B)
    bench.unit.ended(0)
    bench.unit.ended(1)
    bench.unit.ended(70)
    assert "neither" not in str(bench.unit.error) and "does not start either" in str(
        bench.answers[-1]
    )
    assert bench.unit.state == "waiting" and bench.unit.down and bench.unit.error
    count = len(bench.started)
    for pause in (1, 2, 4, 8):
        bench.after(pause - 0.01)
        assert len(bench.started) == count
        bench.after(0.01)
        count += 1
        assert len(bench.started) == count and bench.started[-1][0] == "a"
        bench.unit.ended(70)


def test_a4_of_edits_during_a_swap_the_last_one_wins_and_everybody_is_answered() -> None:
    bench = Bench().runs(A)
    bench.offer(B)
    bench.offer(C)
    bench.unit.ended(0)
    assert bench.started[-1][0] == "c"
    bench.offer(B)
    assert bench.process.asked
    bench.unit.ended(0)
    assert bench.started[-1][0] == "b"
    bench.unit.told({"running": True})
    assert len(bench.answers) == 4 and bench.answers[-1] is None


def test_an_edit_that_mends_what_never_ran_is_given_all_the_time_it_needs() -> None:
    bench = Bench()
    bench.offer(A)
    bench.unit.ended(1)
    assert bench.unit.state == "waiting"
    bench.offer(B)
    assert bench.started[-1][0] == "b"
    bench.after(10 * TRIAL)
    assert not bench.process.asked
    bench.unit.told({"running": True})
    assert bench.unit.current == B and bench.unit.error is None


def test_a10_a_flow_that_ends_by_itself_with_0_is_not_started_again() -> None:
    bench = Bench().runs(A)
    bench.unit.ended(0)
    bench.after(1000)
    assert bench.unit.state == "ended" and len(bench.started) == 1


@pytest.mark.parametrize("before", [None, Version("cool", "other", "its site", "a", "cool.yaml")])
def test_what_failed_at_first_and_has_nothing_to_go_back_to_is_well_once_it_runs(
    before: Version | None,
) -> None:
    bench = Bench()
    if before is not None:
        bench.runs(before)
        bench.offer(A)
        bench.unit.ended(0)
    else:
        bench.offer(A)
    came: list[Version] = []
    bench.unit.accepted = came.append
    bench.unit.ended(70)
    assert (bench.unit.state, bench.unit.current) == ("waiting", A)
    assert bench.unit.error is not None and bench.unit.down is not None
    bench.after(1)
    bench.unit.told({"running": True})
    assert (bench.unit.error, bench.unit.down, came) == (None, None, [A])


def test_a_flow_that_another_machine_runs_stands_by_and_that_is_well() -> None:
    bench = Bench()
    bench.offer(A)
    bench.unit.told({"standby": "two/7f runs the flow"})
    bench.after(100)
    status = status_of(bench.unit, None)
    assert bench.answers == [None], "it cannot be tried while another machine runs it"
    assert (status.state, status.owner, status.is_well) == ("standby", "two/7f runs the flow", True)
    bench.unit.told({"running": True})
    status = status_of(bench.unit, None)
    assert (status.state, status.owner) == ("running", None)


def test_a10_a_machine_that_makes_no_process_is_asked_again_later() -> None:
    bench = Bench().runs(A)
    made = bench.unit._start

    def full(version: Version, drop: tuple[str, ...]) -> Any:
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    bench.unit._start = full
    bench.offer(B)
    bench.unit.ended(0)
    assert (bench.unit.state, bench.unit.current) == ("waiting", A)
    assert "no process can be made" in str(bench.unit.down)
    assert bench.answers == [None, f"{bench.unit.error}\nand the version before does not start"
                             f" either: {bench.unit.down}"]  # fmt: skip
    bench.unit._start = made
    bench.after(1)
    bench.unit.told({"running": True})
    assert (bench.unit.state, bench.unit.current) == ("running", A)


def test_a_flow_that_leaves_starts_no_more() -> None:
    bench = Bench().runs(A)
    bench.offer(B)
    bench.unit.leave()
    bench.unit.ended(0)
    bench.after(1000)
    assert bench.unit.state == "stopped" and len(bench.started) == 1
    assert bench.answers[-1] == "it was taken away"


def test_a10_pauses_grow_to_five_minutes_and_a_steady_run_begins_anew() -> None:
    restarts = Restarts()
    pauses = [restarts.pause(1) for _ in range(11)]
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert restarts.pause(3600) == 1
