"""What leaves a flow for outside systems, while some of these are down: each waits by itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.base import ConnectorContext
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from infra.embedded.broker import Broker
from operators.events import Event, Reading
from tests.flow_process import FlowProcess
from tests.flows.running import site_of, write
from tests.receivers import Receiver
from tests.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.service

BODY = """\
sources: {readings: {topic: NAME.in}}
alarms:
  hot: {from: readings, when: {above: 30, clear: 28}, response: Cool it.}
sinks:
  pager: {from: alarms, webhook: {connection: pager, path: /alarms}}
  history: {from: readings, webhook: {connection: history, path: /readings}}
"""


class World:
    """A flow with an alarm and two sinks, whose receivers can be killed."""

    def __init__(self, broker: Broker, folder: Path, name: str, body: str = BODY) -> None:
        self.connection = TopicConnection(
            brokers=[broker.address], idempotence=False, prefix=f"{name}."
        )
        self.pager = Receiver(folder / "pager")
        self.history = Receiver(folder / "history")
        self._site = site_of(
            folder,
            redpanda=self.connection.model_dump(include={"brokers", "idempotence", "prefix"}),
            pager={"url": self.pager.url},
            history={"url": self.history.url},
        )
        self._definition = write(folder, "hot", body.replace("NAME", name))
        self._data = folder / "data"
        self._intake = f"{name}.in"
        context = ConnectorContext("t", "p", self.connection)
        self._producer = Producer(self.connection, context.health, "p")
        self._sent = 0

    def run(self, *options: str) -> FlowProcess:
        return FlowProcess(self._definition, self._site, self._data, *options)

    def send(self, *values: float) -> None:
        """Readings of one subject, a second apart."""
        events: list[Event] = []
        for value in values:
            self._sent += 1
            events.append(
                Reading(id=f"r{self._sent}", time=1000.0 + self._sent, subject="rack",
                        metric="temperature", value=value, unit="°C")
            )  # fmt: skip
        self._producer.send_events(self._intake, events)
        self._producer.flush()

    def close(self) -> None:
        self._producer.close()
        self.pager.kill()
        self.history.kill()


@pytest.fixture
def world(broker: Broker, tmp: Path, unique: str) -> Iterator[World]:
    world = World(broker, tmp, unique)
    yield world
    world.close()


def changes(receiver: Receiver) -> list[str]:
    return [request.json()["event"] for request in receiver.unique()]


def ids(receiver: Receiver) -> list[str]:
    return [request.json()["id"] for request in receiver.unique()]


def health_of(flow: FlowProcess) -> dict[str, Any]:
    wait_until(lambda: "status: http" in flow.log.read_text(), what="the status address")
    address = flow.log.read_text().split("status: ")[1].split("/health")[0]
    found: dict[str, Any] = httpx.get(f"{address}/health", timeout=PATIENCE).json()
    return found


def test_an_alarm_is_told_while_history_waits_for_a_store_that_is_down(world: World) -> None:
    world.pager.start()
    with world.run("--status-port", "0") as flow:
        world.send(31, 29, 27)
        wait_until(lambda: changes(world.pager) == ["activated", "returned"], what="both changes")
        health = wait_until(
            lambda: (found := health_of(flow))["status"] == "behind" and found,
            what="the flow to say",
        )
        assert list(health["waiting_for"]) == ["history"]
        assert health["sinks"]["history"]["lag"] > 0
        wait_until(lambda: health_of(flow)["sinks"]["pager"]["lag"] == 0, what="pager to be done")

        world.history.start()
        wait_until(lambda: ids(world.history) == ["r1", "r2", "r3"], what="the readings, in order")
        wait_until(lambda: health_of(flow)["status"] == "ok", what="nothing to wait")
        assert flow.stop() == 0


def test_what_waits_for_a_service_that_is_down_is_sent_after_kills_and_restarts(
    world: World,
) -> None:
    world.pager.start()
    with world.run() as flow:
        world.send(31)
        wait_until(lambda: len(world.pager.unique()) == 1, what="the alarm")
        assert flow.stop() == 0, "a sink that waits is no reason to fail"
    with world.run() as flow:
        world.send(29)
        flow.wait_running().kill()
    with world.run() as flow:
        world.send(27)
        wait_until(lambda: changes(world.pager) == ["activated", "returned"], what="both changes")
        world.history.start()
        wait_until(lambda: ids(world.history) == ["r1", "r2", "r3"], what="the readings, in order")
        assert flow.stop() == 0
    with world.run() as flow:
        world.send(26)
        wait_until(lambda: len(world.history.unique()) == 4, what="the last reading")
        assert flow.stop() == 0
    assert len(world.history.received()) == 4, "what was written is not written again"
    assert changes(world.pager) == ["activated", "returned"]


def test_a_stop_in_the_middle_loses_and_repeats_nothing(world: World) -> None:
    world.pager.start()
    world.history.start()
    with world.run() as flow:
        flow.wait_running()
        world.send(*range(20))
        wait_until(lambda: world.history.unique(), what="the first of them")
        assert flow.stop() == 0
    with world.run() as flow:
        wait_until(lambda: len(world.history.unique()) == 20, what="all of them")
        assert flow.stop() == 0
    assert len(world.history.received()) == 20
