"""Processes that work for a flow: what they tell it, and when they end."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.base import ConnectorContext, Health
from connectors.runtime import steady_clock
from flows.vision.child_process import ChildProcess
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

Told = list[tuple[str, bool]]
MODULE = "tests.flows.vision.counting_child"


@pytest.fixture
def counts() -> Counter[str]:
    return Counter()


@pytest.fixture
def told() -> Told:
    """What the flow's health reported."""
    return []


@pytest.fixture
def context(counts: Counter[str], told: Told) -> ConnectorContext:
    return ConnectorContext(
        flow="yard",
        name="video",
        connection=None,
        health=Health(lambda name, up, detail: told.append((name, up))),
        count=lambda word, n: counts.update({word: n}),
    )


@pytest.fixture
def child(context: ConnectorContext) -> Iterator[ChildProcess]:
    child = ChildProcess(MODULE, {"name": "camera door"}, context)
    child.start()
    yield child
    child.stop()


def test_the_clock_of_a_child_goes_on_from_the_parents_though_the_hosts_was_set_back(
    context: ConnectorContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = steady_clock.SteadyClock(lambda: time.time() + 3600)
    monkeypatch.setattr(steady_clock, "now", before)
    child = ChildProcess(MODULE, {"name": "camera door"}, context)
    child.start()
    try:
        wait_until(lambda: context.health.detectors, what="the child's clock")
        assert float(context.health.detectors["clock"]["ahead"]) == pytest.approx(3600, abs=30)
    finally:
        child.stop()


def test_a_child_gets_its_settings_and_what_it_tells_reaches_the_flow(
    child: ChildProcess, counts: Counter[str], context: ConnectorContext
) -> None:
    wait_until(lambda: context.health.down, what="the child to tell of the gate")
    assert counts["started"] == 1
    assert context.health.down == {"camera gate": "no route to host"}


def test_a_child_that_is_killed_is_told_counted_and_all_is_well_once_it_runs_again(
    child: ChildProcess, counts: Counter[str], context: ConnectorContext, told: Told
) -> None:
    wait_until(lambda: counts["started"] == 1, what="the child to start")
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    wait_until(lambda: counts["started"] == 2, what="the child to start again")
    assert counts["restarts"] == 1
    assert [up for name, up in told if name == "video counting_child"] == [False, True]
    assert "video counting_child" not in context.health.down


def test_a_child_ends_when_asked_and_may_say_its_last_words(
    child: ChildProcess, counts: Counter[str]
) -> None:
    wait_until(lambda: counts["started"] == 1, what="the child to start")
    child.stop()
    assert child.pid is None
    assert counts["ended"] == 1
    assert counts["restarts"] == 0


def test_a_child_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    program = (
        "import threading\n"
        "from connectors.base import ConnectorContext\n"
        "from flows.vision.child_process import ChildProcess\n"
        f"settings = {{'name': 'x', 'pid_file': {str(pid_file)!r}}}\n"
        f"ChildProcess({MODULE!r}, settings, ConnectorContext('f', 'v', None)).start()\n"
        "threading.Event().wait()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program])
    wait_until(lambda: pid_file.exists() and pid_file.read_text(), what="the child to start")
    parent.kill()
    parent.wait()
    wait_until(lambda: not _runs(int(pid_file.read_text())), what="the child to end")


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_child_that_dies_while_it_is_told_something_is_started_again(
    child: ChildProcess, counts: Counter[str]
) -> None:
    for start in (1, 2):
        wait_until(lambda start=start: counts["started"] == start, what="the child to start")
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        while child.pid is not None:
            child.say({"seen": "gate"})
        child.say({"seen": "gate"})
    wait_until(lambda: counts["started"] == 3, what="the child to start")


def test_a_child_that_is_stopped_holds_up_nobody_who_tells_it_something(
    child: ChildProcess, counts: Counter[str]
) -> None:
    wait_until(lambda: counts["started"] == 1, what="the child to start")
    assert child.pid is not None
    os.kill(child.pid, signal.SIGSTOP)
    for _ in range(3000):
        child.say({"seen": "gate" * 20})
    os.kill(child.pid, signal.SIGCONT)
    child.stop()
    assert child.pid is None


def test_a_child_that_cannot_be_started_is_told_and_tried_again(
    context: ConnectorContext, counts: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    child = ChildProcess(MODULE, {"name": "camera door"}, context)
    child.start()
    wait_until(lambda: context.health.down, what="the failure to be told")
    assert "cannot be started" in context.health.down["video counting_child"]
    monkeypatch.undo()
    wait_until(lambda: counts["started"] == 1, what="the child to start")
    child.stop()
