"""Processes that linger, that nobody looks after, and saves that come faster than they run."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from selectors import DefaultSelector

import msgspec
import pytest

from connectors.base import Health
from connectors.kafka.producer import Producer
from flows.site.children import Children
from flows.site.process import started_at
from infra.embedded.ports import HOST, free_port
from operators.events import Reading
from tests.flows.conftest import Watch
from tests.flows.site.up import Up, is_alive
from tests.waiting import PATIENCE, wait_until

POSTED = """\
vigie: 1
flow: NAME
sources: {posts: {http: {path: /in, subject: "{s}", value: "{v}"}}}
sinks: {log: {from: posts, topic: PREFIX.out}}
"""


def children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.service
def test_a2_a_port_that_another_program_has_stops_both_versions_until_it_is_free(up: Up) -> None:
    tokens = {"probe": "of-a-length-that-is-enough"}
    up.write_site(http={"port": free_port(), "tokens": tokens})
    up.write("cool", text=POSTED)
    up.start()
    up.wait_running("cool")
    port = free_port()
    with socket.create_server((HOST, port)):
        up.write_site(http={"port": port, "tokens": tokens})
        down = up.wait("cool", lambda one: one.state == "waiting" and one.down, "down")
        assert str(port) in str(down.down)
        assert not down.is_well
    free = up.wait_running("cool")
    assert free.is_well, free.error
    assert up.stop() == 0


@pytest.mark.service
def test_a3_a4_of_saves_that_follow_each_other_the_last_one_runs_and_no_reading_is_lost(
    up: Up, topic: Watch
) -> None:
    up.write("cool")
    up.start()
    up.wait_running("cool")
    producer = Producer(up.connection, Health(), "p")
    for number in range(40):
        reading = Reading(id=f"r{number}", time=time.time(), subject="a", metric="m", value=1.0)
        producer.send_events(f"{up.prefix}.in", [reading])
        if number % 4 == 0:
            up.write("cool", limit=31 + number)
    up.write("cool", limit=99)

    def limit() -> str:
        one = up.flow("cool")
        assert one is not None
        kept = up.data / "versions" / "cool" / str(one.version) / "cool.yaml"
        return kept.read_text() if one.state == "running" and kept.exists() else ""

    wait_until(lambda: "above: 99" in limit(), what="the last save to run")
    look = topic(up.connection, f"{up.prefix}.out.cool")
    wait_until(lambda: len({one.id for one in look()}) == 40, what="all readings")
    assert up.stop() == 0
    producer.close()


@pytest.mark.service
def test_a10_what_hangs_when_all_is_to_end_is_killed_after_the_grace(up: Up) -> None:
    up.write("one")
    up.write("two", limit=40)
    up.start("--no-api", "--grace", "1")
    pids = [up.wait_running(name).pid or 0 for name in ("one", "two")]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    assert up.stop() == 0
    assert not any(map(is_alive, pids))
    assert up.log.read_text().count("did not end within 1 s and is killed") == 2


def test_a10_what_an_earlier_supervisor_left_is_ended_and_no_other_process(tmp_path: Path) -> None:
    left, other = (subprocess.Popen(["sleep", "600"]) for _ in range(2))
    file = tmp_path / "children.json"
    known = {left.pid: started_at(left.pid), other.pid: "of another process with this number"}
    file.write_bytes(msgspec.json.encode(known))
    said: list[str] = []
    try:
        with DefaultSelector() as selector:
            Children(selector, file, lambda name, line: None).end_orphans(said.append)
        assert left.wait(PATIENCE) == -signal.SIGKILL
        assert said == [f"process {left.pid} of an earlier start still runs: it is ended"]
        assert other.poll() is None
    finally:
        for one in (left, other):
            one.kill()
            one.wait()


@pytest.mark.service
def test_a10_as_process_1_it_buries_whom_nobody_waits_for_and_ends_when_asked(up: Up) -> None:
    alone = ["unshare", "--pid", "--fork", "--kill-child"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this account may not make a process namespace")
    up.write("cool")
    command = [sys.executable, "-m", "flows.cli", "up", str(up.folder)]
    command += ["--data", str(up.data), "--no-api", "--no-watch"]
    with up.log.open("wb") as log:
        outer = subprocess.Popen(
            [*alone, "sh", "-c", '(true &); exec "$@"', "sh", *command],
            stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        wait_until(lambda: "running version" in up.log.read_text(), what="the flow to run")
        (first,) = children(outer.pid)
        wait_until(lambda: all(map(is_alive, children(first))), what="the dead to be buried")
        os.kill(first, signal.SIGTERM)
        assert outer.wait(PATIENCE) == 0
    finally:
        outer.kill()
        outer.wait()


SLOW = """\
vigie: 1
flow: NAME
sources: {readings: {topic: PREFIX.in}}
alarms:
  hot: {from: readings, when: {above: 30, for: 1s}, response: Cool it.}
sinks: {log: {from: readings, topic: PREFIX.out}}
tests:
  - test: It is checked for a while.
    play:
      - at: 0s
        every: 1s
        until: 20min
        given: {readings: {subject: a, metric: m, value: 1}}
"""


@pytest.mark.service
def test_a10_who_is_told_to_end_while_it_checks_what_ran_before_starts_nothing(up: Up) -> None:
    up.write("cool", text=SLOW)
    up.start()
    up.wait_running("cool")
    assert up.stop() == 0
    up.start()
    wait_until(lambda: children(up.pid), what="the check to begin")
    assert up.stop() == 0
