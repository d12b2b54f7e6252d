"""`vigie up` as an operator meets it: real processes on a real broker."""

import os
import signal
import time

import msgspec
import pytest

from connectors.base import Health
from connectors.kafka.producer import Producer
from connectors.runtime.announcement import Announcement
from operators.events import AlarmTransition, Reading, Row
from tests.flows.conftest import Watch
from tests.flows.site.up import FLOW, Up, is_alive
from tests.waiting import wait_until

pytestmark = pytest.mark.service


def readings(*values: float) -> list[Reading]:
    now = time.time()
    return [
        Reading(id=f"r{now}{n}", time=now, subject="rack", metric="temperature", value=value)
        for n, value in enumerate(values)
    ]


def test_a3_a_changed_definition_takes_over_the_state_and_a_bad_one_leaves_the_old_running(
    up: Up, unique: str, topic: Watch
) -> None:
    up.write("cool")
    up.start()
    first = up.wait_running("cool")
    producer = Producer(up.connection, Health(), "p")
    alarms = topic(up.connection, up.connection.topic_names.alarms)
    producer.send_events(f"{unique}.in", readings(31))
    wait_until(alarms, what="the alarm")

    up.write("cool", limit="30 furlongs")
    bad = up.wait("cool", lambda one: one.error, "refused")
    assert (bad.state, bad.version, bad.pid) == ("running", first.version, first.pid)
    assert "cool.yaml:5:" in str(bad.error) and "furlongs" in str(bad.error)

    up.write("cool", limit=29)
    second = up.wait_running("cool", not_version=first.version)
    assert second.error is None and second.reloads == {"ok": 2, "refused": 1}
    producer.send_events(f"{unique}.in", readings(27))
    wait_until(
        lambda: [e.event for e in alarms() if isinstance(e, AlarmTransition)][-1] == "returned",
        what="the return of the alarm",
    )
    changes = [(e.event, e.occ) for e in alarms() if isinstance(e, AlarmTransition)]
    assert changes == [("activated", 1), ("rule_changed", 1), ("returned", 1)]

    (up.folder / "cool.yaml").unlink()
    removed = up.wait("cool", lambda one: one.state == "removed", "removed")
    assert removed.is_well
    up.write("cool")
    up.wait_running("cool")
    (up.folder / "renamed.yaml").write_text((up.folder / "cool.yaml").read_text())

    def twice() -> bool:
        status = up.status()
        return status is not None and "already in" in status.files.get("renamed.yaml", "")

    wait_until(twice, what="the copy to be told")
    (up.folder / "cool.yaml").unlink()
    up.wait("cool", lambda one: (one.file, one.state) == ("renamed.yaml", "running"), "of the copy")
    assert up.stop() == 0
    producer.close()


def test_a_test_that_fails_keeps_a_definition_from_running_and_its_report_is_shown(up: Up) -> None:
    wrong = FLOW + (
        "tests:\n"
        "  - test: cold is hot\n"
        "    play:\n"
        "      - {at: 0s, given: {readings: {subject: a, metric: temperature, value: 1}}}\n"
        "      - {at: 1s, expect: {hot: unacked}}\n"
    )
    up.write("cool", text=wrong)
    up.start()
    refused = up.wait("cool", lambda one: one.error, "refused")
    assert refused.state == "stopped"
    assert "FAILED" in str(refused.error) and f"{up.folder}/cool.yaml:9" in str(refused.error)


def test_a10_processes_end_with_a_killed_supervisor_and_one_that_is_killed_comes_back(
    up: Up,
) -> None:
    up.write("one")
    up.write("two", limit=40)
    up.start()
    first, second = up.wait_running("one"), up.wait_running("two")
    assert first.pid is not None and second.pid is not None
    os.kill(first.pid, signal.SIGKILL)
    again = up.wait("one", lambda one: one.state == "running" and one.pid != first.pid, "back")
    assert again.restarts == 1
    assert again.pid is not None
    up.kill()
    wait_until(lambda: not is_alive(again.pid or 0) and not is_alive(second.pid or 0), what="ends")

    (up.folder / "one.yaml").write_text("vigie: 1\nflow: [")
    up.start()
    kept = up.wait("one", lambda one: one.state == "running" and one.error, "the version it ran")
    assert kept.version == again.version
    assert up.stop() == 0
    assert not is_alive(kept.pid or 0)


def test_a3_a_flow_announces_itself_and_says_when_it_stops(up: Up, topic: Watch) -> None:
    up.write("cool")
    up.start()
    running = up.wait_running("cool")
    said = topic(up.connection, up.connection.topic_names.flows)

    def latest() -> Announcement | None:
        rows = [one for one in said() if isinstance(one, Row)]
        return msgspec.convert(rows[-1].values, Announcement) if rows else None

    wait_until(lambda: (one := latest()) and one.status == "ok", what="that it is well")
    first = latest()
    assert first is not None
    assert (first.id, first.version, first.address) == ("cool", running.version, running.address)
    assert up.stop() == 0
    wait_until(lambda: (one := latest()) and one.status == "stopped", what="that it stopped")
