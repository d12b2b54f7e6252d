"""One subject, one state, wherever its records lie: foreign producers, and runs that are killed."""

import itertools
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaProducer

from connectors.kafka.admin import partition_of
from connectors.kafka.connection import TopicConnection
from infra.embedded.broker import Broker
from operators.events import AlarmTransition, Event, Reading, encode_lines
from tests.flow_process import FlowProcess
from tests.flows.conftest import Watch
from tests.flows.running import HOT, site_of, write
from tests.waiting import wait_until

SUBJECTS = 7
PARTITIONS = 4


def hot_and_cold(first: int, count: int) -> list[Reading]:
    """Readings of seven subjects in turn; each one changes the alarm of its subject."""
    return [
        Reading(
            id=f"r{n}",
            time=1000.0 + n,
            subject=f"s{n % SUBJECTS}",
            metric="temperature",
            value=31.0 if n // SUBJECTS % 2 == 0 else 20.0,
        )
        for n in range(first, first + count)
    ]


class Foreign:
    """Writes to the partitions of a topic in turn, without keys, as other programs do."""

    def __init__(self, address: str, topic: str) -> None:
        admin = KafkaAdminClient(bootstrap_servers=address)
        admin.create_topics({topic: {"num_partitions": PARTITIONS, "replication_factor": 1}})
        admin.close()
        self._topic, self._turn = topic, itertools.cycle(range(PARTITIONS))
        self._producer = KafkaProducer(bootstrap_servers=address, enable_idempotence=False)
        self.sent: list[Reading] = []

    def send(self, count: int) -> None:
        for event in hot_and_cold(len(self.sent), count):
            partition = next(self._turn)
            self._producer.send(self._topic, encode_lines([event]), partition=partition)
            self.sent.append(event)
        self._producer.flush()

    def close(self) -> None:
        self._producer.close()


def changes(events: list[Event]) -> dict[str, list[tuple[int, str, float]]]:
    """The changes of each subject's alarm, each once, in the order of their numbers."""
    found: dict[str, dict[int, AlarmTransition]] = {}
    for event in events:
        assert isinstance(event, AlarmTransition)
        known = found.setdefault(event.subject, {}).setdefault(event.seq, event)
        assert (known.id, known.event, known.time) == (event.id, event.event, event.time)
    return {
        subject: [(seq, found[subject][seq].event, found[subject][seq].time) for seq in sorted(of)]
        for subject, of in found.items()
    }


def expected(sent: list[Reading]) -> dict[str, list[tuple[int, str, float]]]:
    found: dict[str, list[tuple[int, str, float]]] = {}
    for event in sent:
        of = found.setdefault(event.subject, [])
        of.append((len(of) + 1, "returned" if len(of) % 2 else "activated", event.time))
    return found


@pytest.mark.parametrize("alone", [False, True], ids=["", "with a step that brings all together"])
def test_a_subject_whose_records_lie_in_all_partitions_has_one_alarm_through_kills(
    broker: Broker, tmp: Path, unique: str, topic: Watch, alone: bool
) -> None:
    connection = TopicConnection(brokers=[broker.address], idempotence=False, prefix=f"{unique}.")
    site = site_of(
        tmp, redpanda=connection.model_dump(include={"brokers", "idempotence", "prefix"})
    )
    body = HOT.replace("NAME", unique)
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
