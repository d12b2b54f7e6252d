"""One subject, one state, wherever its records lie: foreign producers, and runs that are killed."""

import time
from pathlib import Path

import msgspec
import pytest

from connectors.kafka.admin import partition_of
from connectors.kafka.connection import TopicConnection
from flows.dataflow.routing import PROOF
from flows.site.plans.plan_text import text
from flows.site.plans.planning import make_plan
from infra.embedded.broker import Broker
from operators.events import Reading, encode_lines
from tests.flow_process import FlowProcess
from tests.flows.conftest import Watch
from tests.flows.foreign_producer import PARTITIONS, Foreign, changes, expected
from tests.flows.running import HOT, site_of, write
from tests.flows.two_topics import FLOW, TwoTopics, check_that_kills_change_no_alarm
from tests.waiting import wait_until


def hot_flow(
    broker: Broker, tmp: Path, unique: str, more: str = ""
) -> tuple[TopicConnection, Path, Path]:
    """A connection, the site file with it, and a definition with an alarm for what is hot."""
    connection = TopicConnection(brokers=[broker.address], idempotence=False, prefix=f"{unique}.")
    fields = {"brokers", "idempotence", "prefix"}
    site = site_of(tmp, redpanda=connection.model_dump(include=fields))
    # so that a slow machine does not let event time follow the wall clock
    body = HOT.replace("NAME", unique) + "clock: {idle: 1h}\n" + more
    return connection, site, write(tmp, "hot", body)


def start(definition: Path, site: Path, data: Path, processes: int) -> list[FlowProcess]:
    flows = [
        FlowProcess(definition, site, data, "--process", f"{number + 1}/{processes}")
        for number in range(processes)
    ]
    for flow in flows:
        flow.wait_running()
    return flows


@pytest.mark.parametrize("processes", [[2, 2, 2], [1, 2, 1]], ids=["two", "one, two, one"])
def test_several_processes_have_one_alarm_for_a_subject_that_lies_in_partitions_of_all(
    broker: Broker, tmp: Path, unique: str, topic: Watch, processes: list[int]
) -> None:
    connection, site, definition = hot_flow(broker, tmp, unique)
    foreign = Foreign(broker.address, f"{unique}.in")
    alarms = topic(connection, connection.topic_names.alarms)
    for count in processes:
        foreign.send(400)
        flows = start(definition, site, tmp / "data", count)
        wait_until(
            lambda: sum(map(len, changes(alarms()).values())) >= len(foreign.sent),
            what="a change of an alarm for each reading",
        )
        for flow in flows:
            flow.kill()
    foreign.close()
    assert changes(alarms()) == expected(foreign.sent)


DECODING = """\
sources: {records: {topic: {name: NAME.in, messages: true}}}
dialects:
  plant:
    topics: ["NAME.in/#"]
    subject: "{serial}"
    time: at
    readings: [{metric: temperature, value: t}]
streams: {readings: {from: records, steps: [{decode: {as: plant}}]}}
alarms:
  hot: {from: readings, when: {above: 30, clear: 28}, response: Cool it.}
clock: {idle: 1h}
sinks: {log: {from: readings, topic: NAME.out}}
"""


class Plant(Foreign):
    """Writes each record under a key of its own, which is not the device's serial number."""

    began = int(time.time()) - 2000

    def _send(self, event: Reading) -> None:
        at = self.began + event.time  # a device's time is believed from the year 2000 on
        document = {"serial": event.subject, "at": at, "t": event.value}
        self._producer.send(
            self._topic,
            msgspec.json.encode(document),
            key=f"order-{len(self.sent)}".encode(),
            timestamp_ms=int(1000 * at),
        )


def test_subjects_that_decode_finds_have_one_state_each_whatever_the_keys_of_the_records(
    broker: Broker, tmp: Path, unique: str, topic: Watch
) -> None:
    connection, site, _ = hot_flow(broker, tmp, unique)
    definition = write(tmp, "plant", DECODING.replace("NAME", unique))
    plant = Plant(broker.address, f"{unique}.in")
    alarms = topic(connection, connection.topic_names.alarms)
    plant.send(200)
    flow = FlowProcess(definition, site, tmp / "data").wait_running()
    wait_until(
        lambda: sum(map(len, changes(alarms()).values())) >= len(plant.sent),
        what="a change of an alarm for each reading",
    )
    assert flow.stop() == 0
    plant.close()
    found = changes(alarms()).items()
    assert {
        subject: [(seq, event, at - plant.began) for seq, event, at in of] for subject, of in found
    } == expected(plant.sent)
    shared = FlowProcess(definition, site, tmp / "shared", "--process", "1/2")
    wait_until(lambda: shared.exit_status is not None, what="the process to end")
    assert "it reads a topic with `messages: true`" in shared.log.read_text()


class Changing(Foreign):
    """Writes under keys as Kafka's own clients do, until it `is_foreign`."""

    is_foreign = False

    def _send(self, event: Reading) -> None:
        if self.is_foreign:
            super()._send(event)
        else:
            self._producer.send(self._topic, encode_lines([event]), key=event.subject.encode())


def test_two_processes_read_their_own_partitions_until_a_subject_lies_in_one_of_the_other(
    broker: Broker, tmp: Path, unique: str, topic: Watch
) -> None:
    connection, site, definition = hot_flow(broker, tmp, unique)
    writer = Changing(broker.address, f"{unique}.in")
    alarms = topic(connection, connection.topic_names.alarms)

    def wait() -> None:
        wait_until(
            lambda: sum(map(len, changes(alarms()).values())) >= len(writer.sent),
            what="a change of an alarm for each reading",
        )

    flows = start(definition, site, tmp / "data", 2)
    for _ in range(2):
        writer.send(PROOF + 100)
        wait()
    writer.is_foreign = True
    again = list[FlowProcess]()
    for _ in range(2):
        for _ in range(2 * PARTITIONS):  # one at a time, so that their order is known
            writer.send(1)
            wait()
        if not again:
            said = "".join(flow.log.read_text() for flow in flows)
            for flow in flows:
                flow.kill()
            writer.send(300)  # while nothing runs
            again = start(definition, site, tmp / "data", 2)
            wait()
    assert [flow.stop() for flow in again] == [0, 0]
    writer.close()
    assert changes(alarms()) == expected(writer.sent)
    assert "not read any more" in said
    assert "may have subjects of other processes" in said
    said = "\n".join(text(make_plan(definition, definition, site, None)))
    assert f"topic {unique}.in is not keyed by subject: each process reads all" in said


@pytest.mark.parametrize("alone", [False, True], ids=["", "with a step that brings all together"])
def test_a_subject_whose_records_lie_in_all_partitions_has_one_alarm_through_kills(
    broker: Broker, tmp: Path, unique: str, topic: Watch, alone: bool
) -> None:
    more = "streams:\n  told: {from: alarms, steps: [{notify: {by: page}}]}\n" if alone else ""
    connection, site, definition = hot_flow(broker, tmp, unique, more)
    foreign = Foreign(broker.address, f"{unique}.in")
    alarms = topic(connection, connection.topic_names.alarms)

    for _ in range(3):
        foreign.send(400)
        flow = FlowProcess(definition, site, tmp / "data").wait_running()
        wait_until(
            lambda: sum(map(len, changes(alarms()).values())) >= len(foreign.sent),
            what="a change of an alarm for each reading",
        )
        flow.kill()
    foreign.close()

    assert changes(alarms()) == expected(foreign.sent)
    said = flow.log.read_text()
    assert said.count("each subject has one state all the same") == 1, said
    assert {partition_of(event.subject, PARTITIONS) for event in foreign.sent} != {0}


def test_two_topics_that_feed_one_alarm_are_taken_again_in_their_order_after_a_kill(
    broker: Broker, tmp: Path, unique: str, topic: Watch
) -> None:
    connection, site, _ = hot_flow(broker, tmp, unique)
    definition = write(tmp, "two", FLOW.replace("NAME", unique))
    topics = TwoTopics(broker.address, unique)
    check_that_kills_change_no_alarm(
        topics,
        lambda: FlowProcess(definition, site, tmp / "data").wait_running(),
        topic(connection, connection.topic_names.alarms),
        topic(connection, f"{unique}.out"),
    )
