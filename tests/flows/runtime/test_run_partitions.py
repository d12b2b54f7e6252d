"""One subject, one state, wherever its records lie: foreign producers, and runs that are killed."""

from pathlib import Path

import pytest

from connectors.kafka.admin import partition_of
from connectors.kafka.connection import TopicConnection
from infra.embedded.broker import Broker
from tests.flow_process import FlowProcess
from tests.flows.conftest import Watch
from tests.flows.foreign_producer import PARTITIONS, Foreign, changes, expected
from tests.flows.running import HOT, site_of, write
from tests.waiting import wait_until


@pytest.mark.parametrize("alone", [False, True], ids=["", "with a step that brings all together"])
def test_a_subject_whose_records_lie_in_all_partitions_has_one_alarm_through_kills(
    broker: Broker, tmp: Path, unique: str, topic: Watch, alone: bool
) -> None:
    connection = TopicConnection(brokers=[broker.address], idempotence=False, prefix=f"{unique}.")
    site = site_of(
        tmp, redpanda=connection.model_dump(include={"brokers", "idempotence", "prefix"})
    )
    # so that a slow machine does not let event time follow the wall clock
    body = HOT.replace("NAME", unique) + "clock: {idle: 1h}\n"
    if alone:
        body += "streams:\n  told: {from: alarms, steps: [{notify: {by: page}}]}\n"
    definition = write(tmp, "hot", body)
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
