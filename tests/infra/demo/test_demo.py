"""The demo as `make demo` starts it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.embedded.stack import SERVICES
from tests.conftest import require
from tests.waiting import wait_until

pytestmark = pytest.mark.service

COMMAND = [sys.executable, "-m", "infra.demo", "--data"]
STARTED = 150.0


@pytest.fixture(autouse=True)
def _all_services() -> None:
    for service in SERVICES.values():
        require(service)


@contextmanager
def demo(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """A demo that goes on until it is stopped, and the file its words for people are in."""
    words = folder / "words"
    with (
        words.open("w") as file,
        subprocess.Popen([*COMMAND, str(folder / "demo")], stderr=file, text=True) as process,
    ):
        try:
            wait_until(
                lambda: "Ctrl-C ends everything" in words.read_text() or process.poll() is not None,
                STARTED,
                "the demo",
            )
            yield process, words
        finally:
            process.kill()


def processes(folder: Path) -> dict[int, str]:
    """Running processes that have the folder in their command line, but for the demo itself."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in command and "infra.demo" not in command:
            found[int(entry.name)] = command
    return found


@pytest.mark.slow
def test_a_minute_of_the_demo_loses_nothing_and_raises_and_clears_an_alarm(tmp: Path) -> None:
    done = subprocess.run(
        [*COMMAND, str(tmp / "demo"), "--seconds", "50"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert list(result) == [
        "readings", "alarms_raised", "alarms_cleared", "ws_messages", "clickhouse_rows",
        "series_points", "dead_letters",
    ]  # fmt: skip
    assert result["dead_letters"] == 0
    assert all(result[name] > 0 for name in result if name != "dead_letters")
    assert result["clickhouse_rows"] >= result["readings"]
    assert "left out" not in done.stderr
    assert processes(tmp) == {}


@pytest.mark.slow
def test_a_flow_that_dies_ends_the_demo_with_its_log(tmp: Path) -> None:
    with demo(tmp) as (process, words):
        [flow] = [pid for pid, command in processes(tmp).items() if "energy.yaml" in command]
        os.kill(flow, signal.SIGKILL)
        assert process.wait(60) == 1
        assert "the demo ends: flow energy has ended. Its log" in words.read_text()
        assert "energy: running" in words.read_text()
    assert processes(tmp) == {}


@pytest.mark.slow
def test_ctrl_c_ends_everything_and_a_killed_demo_leaves_nothing_behind(tmp: Path) -> None:
    with demo(tmp) as (process, _):
        assert len(processes(tmp)) >= 10
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert processes(tmp) == {}
    with demo(tmp) as (process, _):
        process.kill()
        process.wait()
        wait_until(lambda: not processes(tmp), what="the end of all processes")
