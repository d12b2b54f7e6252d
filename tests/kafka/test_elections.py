"""Brokers that end and come back: what has a leader goes on, nothing is written twice."""

import itertools
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from kafka import TopicPartition

from connectors.base import settle
from connectors.kafka.admin import partition_of
from connectors.kafka.components import Topic, TopicSink
from connectors.kafka.connection import TopicConnection
from connectors.kafka.log.topic_log import TopicLog
from connectors.kafka.open_consumer import open_consumer
from connectors.kafka.producer import Producer
from infra.embedded.kafka.cluster import KafkaCluster
from operators.events import Event, encode_lines
from tests.connectors.recorder import Recorder
from tests.kafka.conftest import Administer
from tests.kafka.reading import Following, reading
from tests.waiting import wait_until


class Writing:
    """Readings of thirty subjects, a record each, in turn."""

    def __init__(self, connection: TopicConnection, topic: str) -> None:
        self.recorder = Recorder()
        self.sent: list[str] = []
        self._topic = topic
        self._producer = Producer(connection, self.recorder.health, "p")
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        for n in itertools.count():
            event = reading(n, subject=f"rack{n % 30}")
            self._producer.send(self._topic, event.subject, encode_lines([event]), pack=False)
            self.sent.append(event.id)
            if self._done.wait(0.005):
                return

    def finish(self) -> None:
        if self._done.is_set():
            return
        self._done.set()
        self._thread.join()
        self._producer.flush()
        self._producer.close()


@pytest.fixture
def connection(cluster: KafkaCluster) -> TopicConnection:
    return TopicConnection(brokers=cluster.addresses)


@pytest.fixture
def writing(
    connection: TopicConnection, cluster: KafkaCluster, unique: str, administer: Administer
) -> Iterator[Writing]:
    copies = {0: [1, 2, 3], 1: [2, 3, 1], 2: [3, 1, 2]}
    administer(cluster.addresses).create_topics({unique: {"assignments": copies}})
    writing = Writing(connection, unique)
    yield writing
    writing.finish()


def written(connection: TopicConnection, topic: str) -> Counter[bytes]:
    """Every record of a topic, and how often it stands there."""
    places = [TopicPartition(topic, number) for number in range(3)]
    found: Counter[bytes] = Counter()
    with open_consumer(connection, auto_offset_reset="none") as consumer:
        log = TopicLog(consumer, dict.fromkeys(places))
        ends = log.ends(places)
        while any((at := log.position(tp)) is None or at.offset < ends[tp] for tp in places):
            for chunks in log.poll(500).values():
                found.update(value for chunk in chunks for value in chunk.values)
    return found


def test_brokers_killed_in_turn_lose_nothing_and_double_nothing_and_the_others_go_on(
    cluster: KafkaCluster, connection: TopicConnection, writing: Writing, unique: str,
    caplog: pytest.LogCaptureFixture,
):  # fmt: skip
    caplog.set_level(logging.WARNING, "vigie")
    one = Following(connection, Topic(name=unique))
    one.wait_for(lambda ids: len(ids) > 100, what="readings")
    for number, node in cluster.nodes.items():
        node.kill()
        living = {n for n in range(30) if partition_of(f"rack{n}", 3) != number - 1}
        mark = len(writing.sent)
        one.wait_for(
            lambda ids, living=living, mark=mark: (
                {int(id[1:]) % 30 for id in ids if int(id[1:]) >= mark} >= living
            ),
            what=f"what comes by the other brokers, while broker {number} is dead",
        )
        node.start().wait_ready()
        goal = len(writing.sent) + 200
        one.wait_for(lambda ids, goal=goal: len(ids) > goal, what="all readings")
    writing.finish()
    one.wait_for(lambda ids: len(set(ids)) == len(writing.sent), what="the last readings")
    assert len(one.ids()) == len(writing.sent)
    assert set(written(connection, unique).values()) == {1}
    assert not one.counts
    assert not [each for each in caplog.records if each.name == "vigie" and each.exc_info]
    one.close()


def test_a_partition_without_a_leader_is_said_once_by_name_and_the_others_are_read(
    cluster: KafkaCluster, connection: TopicConnection, unique: str, administer: Administer
):
    copies = {0: [1], 1: [2], 2: [3]}
    administer(cluster.addresses).create_topics({unique: {"assignments": copies}})
    writing = Writing(connection, unique)
    one = Following(connection, Topic(name=unique))
    one.wait_for(lambda ids: len(ids) > 100, what="readings")
    cluster.nodes[2].kill()
    wait_until(lambda: "source" in one.health.down, what="the source to say what waits")
    wait_until(lambda: "p" in writing.recorder.health.down, what="the producer to say it, too")
    for words in (one.health.down["source"], writing.recorder.health.down["p"]):
        assert f"{unique}/1" in words
        assert f"{unique}/0" not in words
    until, seen = time.monotonic() + 10, len(one.ids())
    wait_until(lambda: time.monotonic() > until and len(one.ids()) > seen, what="ten seconds")
    assert [up for name, up, _ in one.reports if name == "source"][1:] == [False]
    cluster.nodes[2].start().wait_ready()
    wait_until(lambda: not one.health.down, what="the source to say that all is back")
    writing.finish()
    one.wait_for(lambda ids: len(ids) == len(writing.sent), what="all readings")
    assert set(written(connection, unique).values()) == {1}
    one.close()


def test_a_saved_state_does_not_wait_for_a_partition_without_a_leader_but_has_its_records(
    cluster: KafkaCluster, connection: TopicConnection, unique: str, administer: Administer
):
    administer(cluster.addresses).create_topics({unique: {"assignments": {0: [1], 1: [2], 2: [3]}}})
    readings: list[Event] = [reading(n, subject=f"rack{n}") for n in range(30)]
    in_the_way = {f"rack{n}" for n in range(30) if partition_of(f"rack{n}", 3) == 1}
    writer = TopicSink(name=unique, pack=False).open(Recorder().context("sink", connection))
    assert settle(writer) is None
    cluster.nodes[2].kill()
    writer.write(readings)
    state = wait_until(
        lambda: (kept := settle(writer)) and len(kept["carried"]) == len(in_the_way) and kept,
        what="a state in which only what has no leader is left",
    )
    assert {tuple(keys) for *_, keys in state["carried"]} == {(subject,) for subject in in_the_way}
    writer.close()

    cluster.nodes[2].start().wait_ready()
    again = TopicSink(name=unique, pack=False).open(Recorder().context("sink", connection))
    again.restore(state)
    again.flush()
    again.close()
    assert written(connection, unique) == Counter(encode_lines([each]) for each in readings)


def test_dead_letters_do_not_wait_for_a_partition_without_a_leader_nor_for_other_topics(
    cluster: KafkaCluster, connection: TopicConnection, unique: str, administer: Administer
):
    letters, alone = f"{unique}.letters", f"{unique}.alone"
    admin = administer(cluster.addresses)
    admin.create_topics({letters: {"assignments": {0: [1], 1: [2], 2: [3]}}})
    admin.create_topics({alone: {"assignments": {0: [2]}}})
    producer = Producer(connection, Recorder().health, "p")
    subjects = [f"rack{n}" for n in range(30)]
    assert {partition_of(subject, 3) for subject in subjects} == {0, 1, 2}

    def send(prefix: str) -> set[bytes]:
        sent = [
            (subject, encode_lines([reading(n, subject, prefix)]))
            for n, subject in enumerate(subjects)
        ]
        for subject, line in sent:
            producer.send(letters, subject, line, pack=False, anywhere=True)
        return {line for _, line in sent}

    expected = send("before")
    producer.send(alone, "rack", b"{}\n")
    producer.flush()
    cluster.nodes[2].kill()
    producer.send(alone, "rack", b"{}\n")
    for prefix in ("under_way", "later"):
        expected |= send(prefix)
        flushed = threading.Thread(target=producer.flush, kwargs={"topic": letters}, daemon=True)
        flushed.start()
        wait_until(lambda flushed=flushed: not flushed.is_alive(), what="the letters")
    cluster.nodes[2].start().wait_ready()
    producer.flush()
    producer.close()
    assert set(written(connection, letters)) == expected


def test_too_few_copies_for_a_topic_are_said_so_and_writing_goes_on_by_itself(
    cluster: KafkaCluster, connection: TopicConnection, unique: str, administer: Administer
):
    settings = {"min.insync.replicas": "2"}
    administer(cluster.addresses).create_topics(
        {unique: {"assignments": {0: [1, 2]}, "configs": settings}}
    )
    health = Recorder().health
    producer = Producer(connection, health, "p")
    producer.send(unique, "rack", encode_lines([reading(0)]))
    producer.flush()
    cluster.nodes[2].kill()
    producer.send(unique, "rack", encode_lines([reading(1)]))
    wait_until(lambda: "too few copies" in health.down.get("p", ""), what="the word")
    assert f"{unique}/0" in health.down["p"]
    cluster.nodes[2].start().wait_ready()
    producer.flush()
    wait_until(lambda: not health.down, what="the producer to say that it goes on")
    producer.close()
