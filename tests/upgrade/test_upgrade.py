"""What an earlier release left is taken over; after a rollback it is refused, and not harmed."""

import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from connectors.base import Health
from connectors.kafka.producer import Producer
from connectors.runtime.private_files import unpack
from infra.embedded.broker import Broker
from infra.embedded.ports import free_port
from operators.events import AlarmTransition, Reading
from tests.flows.conftest import Watch, topic
from tests.flows.site.up import Up
from tests.waiting import PATIENCE, wait_until

__all__ = ["topic"]  # a fixture of the tests of flows

ROOT = Path(__file__).parents[2]
PREVIOUS = "7c74188"
"""The last commit of 2026-11-29; of a release from now on, its tag."""

FLOW = """\
vigie: 1
flow: cool
sources: {readings: {topic: PREFIX.in}}
alarms:
  hot: {from: readings, when: {above: 30, clear: 28}, response: Cool it.}
  long: {from: readings, when: {above: 10, for: 1h}, response: Wait.}
sinks:
  log: {from: readings, topic: PREFIX.out.NAME}
"""


@pytest.fixture(scope="session", autouse=True)
def _asked_for() -> None:
    if "VIGIE_UPGRADE" not in os.environ:
        pytest.skip("run by make test-upgrade")


@pytest.fixture(scope="session")
def previous(session_folder: Path) -> Path:
    """The sources of the release before."""
    made = subprocess.run(["git", "archive", PREVIOUS], cwd=ROOT, capture_output=True, check=True)
    with tarfile.open(fileobj=BytesIO(made.stdout)) as archive:
        unpack(archive, session_folder / "previous")
    return session_folder / "previous"


class Release:
    """Commands of one release, with what they print."""

    def __init__(self, sources: Path, folder: Path) -> None:
        self._environment = {**os.environ, "PYTHONPATH": str(sources)}
        self._folder = folder

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "flows.cli", *arguments], cwd=self._folder, text=True,
            env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def ends(self, *arguments: str) -> tuple[int, str]:
        process = self.start(*arguments)
        said, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, said

    def during(self, work: Callable[[], object], *arguments: str) -> None:
        """Run a command meanwhile, and end it as its supervisor would."""
        process = self.start(*arguments)
        try:
            work()
        finally:
            process.send_signal(signal.SIGTERM)
            said, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode in (0, -signal.SIGTERM), said  # the latter while it starts


def test_alarms_go_on_under_the_next_release_and_are_refused_after_a_rollback(
    broker: Broker, topic: Watch, tmp: Path, unique: str, previous: Path
) -> None:
    up = Up(tmp, broker.address, unique)
    up.write("cool", text=FLOW)
    old, new = Release(previous, up.folder), Release(ROOT, up.folder)
    producer = Producer(up.connection, Health(), "p")
    look = topic(up.connection, up.connection.topic_names.alarms)
    run = ("run", "cool.yaml", "--data", "data")

    def changed(value: float, *expected: tuple[str, int]) -> Callable[[], None]:
        def work() -> None:
            now = time.time()
            reading = Reading(id=f"r{now}", time=now, subject="s", metric="t", value=value)
            producer.send_events(f"{unique}.in", [reading])
            wait_until(lambda: told() == [*expected], what=f"{expected}")

        return work

    def told() -> list[tuple[str, int]]:
        return [(one.event, one.occ) for one in look() if isinstance(one, AlarmTransition)]

    first = ("activated", 1)
    over = ("returned", 1)
    old.during(changed(31, first), *run)
    new.during(changed(27, first, over), *run)
    saved = shutil.copytree(up.folder / "data", tmp / "saved")
    code, said = old.ends(*run)
    assert (code, "identity.json" in said) == (1, True), said
    manifest = Path("flows", "cool", "identity.json")
    assert (up.folder / "data" / manifest).read_bytes() == (saved / manifest).read_bytes()
    new.during(changed(33, first, over, ("activated", 2)), *run)
    producer.close()


def test_accounts_of_the_release_before_are_those_of_the_next_and_refused_after_a_rollback(
    broker: Broker, tmp: Path, unique: str, previous: Path
) -> None:
    up = Up(tmp, broker.address, unique)
    old, new = Release(previous, up.folder), Release(ROOT, up.folder)
    serve = ("api", "--site", "site.yaml", "--data", "data", "--port", str(free_port()))

    def listed(release: Release) -> Callable[[], None]:
        def work() -> None:
            wait_until(lambda: "admin" in release.ends("accounts", "list")[1], what="the account")

        return work

    old.during(listed(old), *serve)
    listed(new)()
    code, said = old.ends("accounts", "list")
    assert code != 0, said
    listed(new)()
