"""Partitions that are added to a topic, and subjects that lie in several, on Apache Kafka."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kafka import KafkaProducer

from connectors.kafka.components import Topic
from connectors.kafka.connection import TopicConnection
from infra.embedded.kafka.server import Kafka
from operators.events import Event, encode_lines
from tests.flow_process import FlowProcess
from tests.flows.foreign_producer import (
    SUBJECTS,
    Foreign,
    Librdkafka,
    changes,
    expected,
    make_topic,
)
from tests.flows.running import HOT, site_of, write
from tests.flows.two_topics import FLOW, TwoTopics, check_that_kills_change_no_alarm
from tests.kafka.conftest import Administer
from tests.kafka.reading import Following
from tests.waiting import wait_until

Look = Callable[[], list[Event]]


@pytest.fixture
def definition(tmp: Path, unique: str) -> Path:
    # so that a slow machine does not let event time follow the wall clock
    return write(tmp, "hot", f"{HOT.replace('NAME', unique)}clock: {{idle: 1h}}\n")


@pytest.fixture
def site(connection: TopicConnection, tmp: Path) -> Path:
    return site_of(tmp, redpanda=connection.model_dump(include={"brokers", "prefix"}))


@pytest.fixture
def alarms(connection: TopicConnection) -> Iterator[Look]:
    following = Following(connection, Topic(name=connection.topic_names.alarms))
    yield following.look
    following.close()


class Keyed(Foreign):
    """Writes each subject's readings under its key, as Kafka's own clients do."""

    def __init__(self, address: str, topic: str, partitions: int) -> None:
        make_topic(address, topic, partitions)
        self._topic, self.sent = topic, []
        self._producer = KafkaProducer(bootstrap_servers=address, metadata_max_age_ms=500)

    def knows(self, partitions: int) -> bool:
        return len(self._producer.partitions_for(self._topic)) == partitions

    def _send(self, event: Event) -> None:
        self._producer.send(self._topic, encode_lines([event]), key=event.subject.encode())


def wait_for_changes(alarms: Look, producer: Foreign) -> None:
    wait_until(
        lambda: sum(map(len, changes(alarms()).values())) >= len(producer.sent),
        what="a change of an alarm for each reading",
    )


def test_a_subject_whose_records_lie_in_all_partitions_has_one_alarm_through_kills(
    kafka: Kafka, definition: Path, site: Path, tmp: Path, unique: str, alarms: Look
) -> None:
    foreign = Foreign(kafka.address, f"{unique}.in")
    for _ in range(2):
        foreign.send(400)
        flow = FlowProcess(definition, site, tmp / "data").wait_running()
        wait_for_changes(alarms, foreign)
        flow.kill()
    foreign.close()
    assert changes(alarms()) == expected(foreign.sent)


@pytest.mark.parametrize("writer", [Foreign, Librdkafka])
def test_two_processes_have_one_alarm_for_each_subject_wherever_it_lies_through_kills(
    kafka: Kafka, definition: Path, site: Path, tmp: Path, unique: str, alarms: Look,
    writer: type[Foreign],
) -> None:  # fmt: skip
    foreign = writer(kafka.address, f"{unique}.in")
    for killed in (0, 1):
        foreign.send(400)
        flows = [
            FlowProcess(definition, site, tmp / "data", "--process", share).wait_running()
            for share in ("1/2", "2/2")
        ]
        wait_until(lambda: len(alarms()) > len(foreign.sent) - 400, what="some changes")
        flows[killed].kill()
        flows[killed] = FlowProcess(definition, site, tmp / "data", "--process", f"{killed + 1}/2")
        wait_for_changes(alarms, foreign)
        for flow in flows:
            flow.kill()
    foreign.close()
    assert changes(alarms()) == expected(foreign.sent)


@pytest.mark.parametrize("shares", [["1/1"], ["1/2", "2/2"]], ids=["alone", "two"])
def test_kills_while_a_writer_without_keys_goes_on_change_no_alarm(
    kafka: Kafka, definition: Path, site: Path, tmp: Path, unique: str, alarms: Look,
    shares: list[str],
) -> None:  # fmt: skip
    foreign, done = Foreign(kafka.address, f"{unique}.in"), threading.Event()

    def keep_sending() -> None:
        while not done.wait(0.01):
            foreign.send(SUBJECTS)

    def wait_for_more() -> None:
        mark = len(alarms()) + 20 * SUBJECTS
        wait_until(lambda: len(alarms()) > mark, what="more changes")

    flows = [FlowProcess(definition, site, tmp / "data", "--process", share) for share in shares]
    sending = threading.Thread(target=keep_sending)
    sending.start()
    try:
        for flow in flows:
            flow.wait_running()
        for killed in (0, -1):
            wait_for_more()
            flows[killed].kill()
            flows[killed] = FlowProcess(
                definition, site, tmp / "data", "--process", shares[killed]
            ).wait_running()
        wait_for_more()
    finally:
        done.set()
        sending.join()
    wait_for_changes(alarms, foreign)
    for flow in flows:
        flow.kill()
    foreign.close()
    assert changes(alarms()) == expected(foreign.sent)


def test_two_topics_that_feed_one_alarm_are_taken_again_in_their_order_after_a_kill(
    kafka: Kafka, connection: TopicConnection, site: Path, tmp: Path, unique: str, alarms: Look
) -> None:
    definition = write(tmp, "two", FLOW.replace("NAME", unique))
    topics = TwoTopics(kafka.address, unique)
    out = Following(connection, Topic(name=f"{unique}.out"))
    check_that_kills_change_no_alarm(
        topics,
        lambda: FlowProcess(definition, site, tmp / "data").wait_running(),
        alarms,
        out.look,
    )
    out.close()


@pytest.mark.parametrize("shares", [["1/1"], ["1/2", "2/2"]], ids=["alone", "two"])
def test_partitions_that_are_added_are_read_at_once_and_standing_alarms_go_on(
    kafka: Kafka, definition: Path, site: Path, tmp: Path, unique: str, alarms: Look,
    administer: Administer, shares: list[str],
) -> None:  # fmt: skip
    producer = Keyed(kafka.address, f"{unique}.in", 2)

    def start() -> list[FlowProcess]:
        return [
            FlowProcess(definition, site, tmp / "data", "--process", share).wait_running()
            for share in shares
        ]

    flows = start()
    producer.send(70)
    wait_for_changes(alarms, producer)

    administer([kafka.address]).create_partitions({f"{unique}.in": 6})
    wait_until(lambda: producer.knows(6), what="the new partitions")
    producer.send(70)
    wait_for_changes(alarms, producer)
    for flow in flows:
        wait_until(
            lambda flow=flow: "has 6 partitions now, 2 before" in flow.log.read_text(),
            what="each process to say it",
        )
        flow.kill()

    flows = start()
    producer.send(70)
    wait_for_changes(alarms, producer)
    producer.close()
    assert [flow.stop() for flow in flows] == [0] * len(flows)
    assert changes(alarms()) == expected(producer.sent)


def test_partitions_added_twice_under_load_and_other_numbers_of_processes_change_no_alarm(
    kafka: Kafka, definition: Path, site: Path, tmp: Path, unique: str, alarms: Look,
    administer: Administer,
) -> None:  # fmt: skip
    producer, done = Keyed(kafka.address, f"{unique}.in", 4), threading.Event()

    def keep_sending() -> None:
        while not done.wait(0.05):
            producer.send(SUBJECTS)

    def wait_for_more() -> None:
        mark = len(producer.sent) + 10 * SUBJECTS
        wait_until(lambda: len(producer.sent) > mark, what="more readings")

    sending, flows = threading.Thread(target=keep_sending), list[FlowProcess]()
    sending.start()
    try:
        for processes, partitions in ((1, 8), (2, 12)):
            flows = [
                FlowProcess(definition, site, tmp / "data", "--process", f"{n + 1}/{processes}")
                for n in range(processes)
            ]
            for flow in flows:
                flow.wait_running()
            wait_for_more()
            if not producer.knows(partitions):
                administer([kafka.address]).create_partitions({f"{unique}.in": partitions})
                wait_until(lambda partitions=partitions: producer.knows(partitions), what="them")
            wait_for_more()
            assert [flow.stop() for flow in flows] == [0] * processes
    finally:
        done.set()
        sending.join()
        for flow in flows:
            if flow.exit_status is None:
                flow.kill()
    alone = FlowProcess(definition, site, tmp / "data").wait_running()
    wait_for_changes(alarms, producer)
    assert alone.stop() == 0
    producer.close()
    assert changes(alarms()) == expected(producer.sent)
    assert len(alarms()) == len(producer.sent), "each change once"
