"""The ways in which a demo ends, with those of its services that start quickly."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.embedded.ports import free_port
from infra.embedded.stack import SERVICES
from tests.conftest import require
from tests.infra.demo.processes import processes
from tests.waiting import PATIENCE, wait_until

pytestmark = [pytest.mark.service, pytest.mark.system]

STARTED = 300.0
SMALL = """
import sys
from infra.demo.__main__ import main
from infra.embedded.mariadb import MariaDB
from infra.embedded.rtsp import Rtsp
MariaDB.missing = Rtsp.missing = classmethod(lambda cls: "it shall start quickly")
sys.exit(main())
"""


@contextmanager
def demo(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """A demo that goes on until it is stopped, and the file its words for people are in."""
    for service in SERVICES.values():
        require(service)
    words = folder / "words"
    command = [sys.executable, "-c", SMALL, "--data", str(folder / "demo"), "--port"]
    command.append(str(free_port()))
    with (
        words.open("w") as file,
        subprocess.Popen(command, stderr=file, text=True) as process,
    ):
        try:
            wait_until(
                lambda: "Ctrl-C ends everything" in words.read_text() or process.poll() is not None,
                STARTED,
                "the demo",
            )
            assert "left out: flow server_room, because it shall start quickly" in words.read_text()
            yield process, words
        finally:
            process.kill()


@pytest.mark.slow
def test_a_flow_that_dies_ends_the_demo_with_its_log(tmp: Path) -> None:
    with demo(tmp) as (process, words):
        [flow] = [pid for pid, command in processes(tmp).items() if "energy.yaml" in command]
        os.kill(flow, signal.SIGKILL)
        assert process.wait(PATIENCE) == 1
        assert "the demo ends: flow energy has ended. Its log" in words.read_text()
        assert "energy: running" in words.read_text()
    assert processes(tmp) == {}


@pytest.mark.slow
def test_ctrl_c_ends_everything_and_a_killed_demo_leaves_nothing_behind(tmp: Path) -> None:
    with demo(tmp) as (process, _):
        assert len(processes(tmp)) >= 8
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
    assert processes(tmp) == {}
    with demo(tmp) as (process, _):
        process.kill()
        process.wait()
        wait_until(lambda: not processes(tmp), what="the end of all processes")
