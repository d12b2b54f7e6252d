"""The night in which the clocks change, lived by a flow on a host clock of its own: `make test-night`."""

import json
import os
import struct
import subprocess
import time
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from connectors.kafka.connection import TopicConnection
from infra.embedded.broker import Broker
from infra.embedded.ports import free_port
from operators.events import AlarmTransition
from tests.flow_process import FlowProcess
from tests.flows.conftest import Watch
from tests.flows.running import write
from tests.waiting import wait_until

SOURCE = Path(__file__).with_name("host_clock.c")
NIGHT = """\
sources: {s: {http: {path: /in, subject: x, metric: motion, value: "{motion}"}}}
alarms:
  evening: {from: s, when: {is: on}, armed: {hours: 22:00-02:30}, response: Look.}
  morning: {from: s, when: {is: on}, armed: {hours: 02:30-06:00}, response: Look.}
"""
HOUR = 3600.0
TOKEN = "t" * 32

pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif("VIGIE_NIGHT" not in os.environ, reason="takes minutes: make test-night"),
]


class HostClock:
    """The clock of a process; it can be set while that runs."""

    def __init__(self, folder: Path, set_to: float) -> None:
        self._file, self._library = folder / "ahead", folder / "host_clock.so"
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-O1", "-o", self._library, SOURCE, "-lm"], check=True
        )
        self._ahead = set_to - time.time()
        self._file.write_bytes(struct.pack("d", self._ahead))

    def jump(self, by: float) -> None:
        """Set the clock ahead or back."""
        self._ahead += by
        with self._file.open("r+b") as file:
            file.write(struct.pack("d", self._ahead))

    def env(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self._library), "CLOCK_AHEAD": str(self._file)}


class Night:
    """A flow in a night, on a clock of its own."""

    def __init__(self, folder: Path, name: str, broker: Broker, starts: float) -> None:
        self.port = free_port()
        self.clock = HostClock(folder, starts)
        self._folder, self._site = folder, folder / "site.yaml"
        connections = {
            "redpanda": {
                "brokers": [broker.address],
                "prefix": f"{name}.",
                "idempotence": False,
            },
            "http": {"port": self.port, "tokens": {"probe": TOKEN}},
        }
        site = {"vigie": 1, "site": "test", "timezone": "Europe/Paris", "connections": connections}
        self._site.write_text(json.dumps(site))
        self._flow = write(folder, name, NIGHT)

    def start(self, monkeypatch: pytest.MonkeyPatch) -> FlowProcess:
        with monkeypatch.context() as patch:
            for key, value in self.clock.env().items():
                patch.setenv(key, value)
            return FlowProcess(self._flow, self._site, self._folder / "data")

    def post(self, motion: str) -> None:
        def is_taken() -> bool:
            try:
                answer = httpx.post(
                    f"http://127.0.0.1:{self.port}/in",
                    json={"motion": motion},
                    headers={"Authorization": f"Bearer {TOKEN}"},
                )
            except httpx.TransportError:
                return False
            return answer.status_code == 202

        wait_until(is_taken, what="the post to be taken")


@pytest.mark.parametrize(
    ("before", "edge"),
    [
        ("2026-10-25T02:29:00+01:00", "2026-10-25T02:30:00+01:00"),  # in the second such hour
        ("2026-03-29T01:59:00+01:00", "2026-03-29T03:00:00+02:00"),  # the leap is the edge
    ],
)
def test_alarms_change_over_at_the_edge_through_a_jump_of_the_clock_and_a_kill(
    before: str,
    edge: str,
    broker: Broker,
    tmp: Path,
    unique: str,
    topic: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    night = Night(tmp, unique, broker, datetime.fromisoformat(before).timestamp())
    at_edge = datetime.fromisoformat(edge).timestamp()
    connection = TopicConnection(brokers=[broker.address], idempotence=False, prefix=f"{unique}.")

    def said() -> dict[tuple[str, str], float]:
        """When each change of the two alarms was; the last of each kind."""
        return {
            (event.alarm, event.event): event.time
            for event in look()
            if isinstance(event, AlarmTransition)
        }

    process = night.start(monkeypatch).wait_running()
    look = topic(connection, connection.topic_names.alarms)
    night.post("on")
    wait_until(lambda: {("evening", "activated"), ("morning", "activated")} <= said().keys())
    night.clock.jump(2 * HOUR)
    wait_until(lambda: "has jumped" in process.log.read_text(), what="the jump to be told")
    night.clock.jump(-2 * HOUR)
    process.kill()
    process = night.start(monkeypatch).wait_running()
    wait_until(lambda: ("evening", "suppressed") in said(), what="the edge")
    wait_until(lambda: ("morning", "unsuppressed") in said(), what="the edge")
    night.post("off")
    wait_until(lambda: {("evening", "returned"), ("morning", "returned")} <= said().keys())
    found = said()
    assert process.stop() == 0

    assert found["evening", "activated"] < at_edge < found["evening", "returned"]
    assert found["evening", "suppressed"] == at_edge
    assert found["morning", "unsuppressed"] == at_edge
    assert max(found.values()) < at_edge + HOUR
