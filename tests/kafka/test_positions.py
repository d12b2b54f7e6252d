"""Where a topic is read on: after elections, deletions, retention, transactions and cuts."""

import itertools
import logging
import threading
from collections.abc import Callable, Iterator

import pytest
from kafka import KafkaProducer, TopicPartition

from connectors.base import Health
from connectors.kafka.components import Topic
from connectors.kafka.connection import TopicConnection
from connectors.kafka.log.position import Position
from connectors.kafka.producer import Producer
from infra.embedded.kafka.cluster import KafkaCluster
from infra.embedded.kafka.server import Kafka
from operators.events import encode_lines
from tests.kafka.conftest import Administer
from tests.kafka.reading import Following, reading
from tests.waiting import PATIENCE, wait_until

Follow = Callable[..., Following]


@pytest.fixture
def follow() -> Iterator[Follow]:
    opened: list[Following] = []

    def begin(*arguments: object, **options: object) -> Following:
        opened.append(Following(*arguments, **options))
        return opened[-1]

    yield begin
    for one in opened:
        one.close()


@pytest.fixture
def write(connection: TopicConnection) -> Iterator[Callable[..., None]]:
    """`write(topic, first, last)` writes readings, a record each; returns when all are safe."""
    producer = Producer(connection, Health(), "p", partitions=1)

    def some(topic: str, first: int, last: int, prefix: str = "r") -> None:
        events = [reading(n, prefix=prefix) for n in range(first, last)]
        producer.send_events(topic, events, pack=False)
        producer.flush()

    yield some
    producer.close()


def test_a_hundred_starts_against_a_topic_that_is_written_read_each_record_once(
    connection: TopicConnection, unique: str, follow: Follow
):
    topic, positions, seen = Topic(name=unique, new_partitions=1), {}, []
    producer, done = Producer(connection, Health(), "p", partitions=1), threading.Event()

    def keep_writing() -> None:
        for n in itertools.count():
            producer.send(unique, "rack", encode_lines([reading(n)]), pack=False)
            if done.wait(0.001):
                return

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        for _ in range(100):
            one = follow(connection, topic, positions, [f"{unique}/0"])
            before = len(seen)
            seen += one.wait_for(lambda ids: len(ids) > 0, what="records")
            seen[before:] = one.ids()
            positions = one.positions()
            assert not one.counts
            one.close()
    finally:
        done.set()
        writer.join()
        producer.close()
    assert seen == [f"r{n}" for n in range(len(seen))]


@pytest.mark.parametrize("running", [True, False])
def test_a_topic_made_anew_with_more_records_than_before_is_read_from_its_start_and_said_once(
    running: bool, connection: TopicConnection, kafka: Kafka, unique: str, follow: Follow,
    administer: Administer, write: Callable[..., None], caplog: pytest.LogCaptureFixture,
):  # fmt: skip
    topic = Topic(name=unique, new_partitions=1)
    first = follow(connection, topic)
    write(unique, 0, 5)
    assert first.wait_for(lambda ids: len(ids) == 5, what="five") == [f"r{n}" for n in range(5)]
    if not running:
        first.close()

    admin = administer([kafka.address])
    admin.delete_topics([unique])
    wait_until(lambda: unique not in admin.list_topics(), what="the end of the topic")
    admin.create_topics({unique: {"num_partitions": 1}})
    write(unique, 0, 8, "new")

    new = [f"new{n}" for n in range(8)]
    one = first if running else follow(connection, topic, first.positions())
    one.wait_for(lambda ids: ids[-8:] == new, what="the new topic's records")
    assert one.ids() == [*(f"r{n}" for n in range(5) if running), *new]
    assert one.counts == {"topic_made_anew": 1}
    assert caplog.text.count("it was deleted and made anew") == 1


def test_a_topic_that_is_deleted_while_it_is_read_is_said_so(
    connection: TopicConnection, unique: str, follow: Follow, administer: Administer,
    kafka: Kafka, write: Callable[..., None], monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    monkeypatch.setattr("connectors.kafka.poller.PROBE_SECONDS", 0.2)
    write(unique, 0, 3)
    one = follow(connection, Topic(name=unique))
    one.wait_for(lambda ids: len(ids) == 3, what="the readings")
    administer([kafka.address]).delete_topics([unique])
    words = f"no such topic any more for {unique}/0; make the topic"
    wait_until(lambda: one.look() and words in one.health.down.get("source", ""), what="it is said")


def test_what_retention_removed_before_a_running_flow_read_it_is_counted_and_said(
    connection: TopicConnection, kafka: Kafka, unique: str, follow: Follow, administer: Administer,
    write: Callable[..., None], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    monkeypatch.setattr("connectors.kafka.poller.BUFFER_BYTES", 0)
    one = follow(connection, Topic(name=unique, new_partitions=1))
    write(unique, 0, 1)
    one.wait_for(lambda ids: len(ids) == 1, what="the first record")
    write(unique, 1, 2)
    wait_until(lambda: one.readers[f"{unique}/0"].buffer, what="the reader to be full")
    write(unique, 2, 30)
    administer([kafka.address]).delete_records({TopicPartition(unique, 0): 20})

    found = one.wait_for(lambda ids: "r29" in ids, what="the rest")
    first = len(found) - 10  # some may have been at hand before they were removed
    assert found == [f"r{n}" for n in (*range(first), *range(20, 30))]
    assert first < 20
    assert one.counts == {"gap": 20 - first}
    assert f"the records from {first} to 19 are no longer in the topic" in caplog.text


def test_what_ends_a_transaction_is_no_gap_and_what_an_aborted_one_wrote_is_not_read(
    connection: TopicConnection, kafka: Kafka, unique: str, follow: Follow
):
    topic = Topic(name=unique, new_partitions=1)
    one = follow(connection, topic)
    producer = KafkaProducer(bootstrap_servers=kafka.address, transactional_id=unique)
    producer.init_transactions()

    def write(prefix: str, commit: bool) -> None:
        producer.begin_transaction()
        sent = [
            producer.send(unique, encode_lines([reading(n, prefix=prefix)]), partition=0)
            for n in range(3)
        ]
        producer.flush()
        assert all(record.get(PATIENCE) for record in sent)
        if prefix == "open":
            return
        producer.commit_transaction() if commit else producer.abort_transaction()

    write("aborted", False)
    write("kept", True)
    kept = [f"kept{n}" for n in range(3)]
    assert one.wait_for(lambda ids: len(ids) == 3, what="what was committed") == kept
    write("open", True)
    reader = one.readers[f"{unique}/0"]
    wait_until(lambda: one.ids() and reader.lag() == 0, what="the reader to have caught up")
    assert one.ids() == kept, "nothing of an open transaction"
    positions = one.positions()
    one.close()
    producer.commit_transaction()
    producer.close()

    again = follow(connection, topic, positions)
    opened = [f"open{n}" for n in range(3)]
    assert again.wait_for(lambda ids: len(ids) == 3, what="the rest") == opened
    assert not one.counts
    assert not again.counts


def test_a_transaction_that_is_open_while_its_leader_is_killed_is_read_once_it_is_committed(
    cluster: KafkaCluster, unique: str, follow: Follow, administer: Administer
):
    producer = KafkaProducer(
        bootstrap_servers=cluster.addresses, transactional_id=unique, retries=1000
    )
    producer.init_transactions()
    # kafka-python waits for ever for the coordinator of its transaction, should that be killed
    named = producer._transaction_manager._transaction_coordinator
    coordinator = int(named.removeprefix("coordinator-"))
    leader, *others = sorted({1, 2, 3} - {coordinator})
    admin = administer(cluster.addresses)
    admin.create_topics({unique: {"assignments": {0: [leader, *others, coordinator]}}})
    one = follow(TopicConnection(brokers=cluster.addresses), Topic(name=unique))

    def send(prefix: str) -> list[str]:
        sent = [reading(n, prefix=prefix) for n in range(3)]
        for event in sent:
            producer.send(unique, encode_lines([event]), partition=0)
        producer.flush()
        return [event.id for event in sent]

    producer.begin_transaction()
    kept = send("before")
    cluster.nodes[leader].kill()
    kept += send("after")
    assert one.ids() == [], "nothing of an open transaction"
    producer.commit_transaction()
    producer.close()
    assert one.wait_for(lambda ids: len(ids) >= 6, what="what was committed") == kept
    assert not one.counts


def test_a_compacted_topic_has_no_gaps(
    connection: TopicConnection, kafka: Kafka, unique: str, follow: Follow, administer: Administer
):
    settings = {"cleanup.policy": "compact", "segment.ms": "100",
                "min.cleanable.dirty.ratio": "0.01",
                "max.compaction.lag.ms": "100"}  # fmt: skip
    administer([kafka.address]).create_topics({unique: {"num_partitions": 1, "configs": settings}})
    one = follow(connection, Topic(name=unique))
    producer = KafkaProducer(bootstrap_servers=kafka.address, linger_ms=0)
    for n in range(20):
        producer.send(unique, encode_lines([reading(n)]), b"rack", partition=0).get(PATIENCE)
    producer.close()
    one.wait_for(lambda ids: "r19" in ids, what="the newest")
    assert not one.counts
    again = follow(connection, Topic(name=unique), {f"{unique}/0": Position(3, 0)})
    again.wait_for(lambda ids: "r19" in ids, what="the newest again")
    assert not again.counts


def test_a_log_that_was_cut_is_read_on_at_the_cut_counted_and_said(
    connection: TopicConnection, unique: str, follow: Follow, write: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
):  # fmt: skip
    topic = Topic(name=unique, new_partitions=1)
    first = follow(connection, topic)
    write(unique, 0, 5)
    first.wait_for(lambda ids: len(ids) == 5, what="five")
    first.close()
    saved = Position.parse(first.positions()[f"{unique}/0"])

    one = follow(connection, topic, {f"{unique}/0": saved._replace(offset=9)})
    wait_until(lambda: one.look() == [] and one.counts, what="the cut")
    write(unique, 5, 8)

    assert one.wait_for(lambda ids: ids, what="the rest")[0] == "r5"
    one.wait_for(lambda ids: ids == ["r5", "r6", "r7"], what="all of it")
    assert one.counts == {"cut": 4}
    assert "ends at 5, before the position 9" in caplog.text


def test_a_leader_without_all_copies_cuts_the_log_and_it_is_told_by_its_epoch(
    cluster: KafkaCluster, unique: str, follow: Follow, administer: Administer,
    caplog: pytest.LogCaptureFixture,
):  # fmt: skip
    """Records that only a dead leader had are gone; those of its successor have their offsets."""
    caplog.set_level(logging.WARNING, "vigie")
    connection = TopicConnection(brokers=cluster.addresses)
    admin = administer(cluster.addresses)
    settings = {"unclean.leader.election.enable": "true", "min.insync.replicas": "1"}
    admin.create_topics({unique: {"assignments": {0: [1, 2]}, "configs": settings}})

    def write(first: int, last: int, prefix: str) -> None:
        producer = KafkaProducer(bootstrap_servers=cluster.addresses, acks="all", retries=100)
        for n in range(first, last):
            record = encode_lines([reading(n, prefix=prefix)])
            producer.send(unique, record, partition=0).get(PATIENCE)
        producer.close()

    write(0, 5, "both")
    cluster.nodes[2].kill()
    write(5, 9, "lost")
    one = follow(connection, Topic(name=unique))
    one.wait_for(lambda ids: len(ids) == 9, what="all nine")
    cluster.nodes[1].kill()
    cluster.nodes[2].start().wait_ready()
    write(5, 12, "new")

    new = [f"new{n}" for n in range(5, 12)]
    one.wait_for(lambda ids: ids[9:] == new, what="the successor's records, from the cut on")
    assert one.counts == {"cut": 4}
    assert "the broker lost records that were read already" in caplog.text


def test_what_comes_through_an_election_is_read_once(
    cluster: KafkaCluster, unique: str, follow: Follow
):
    connection = TopicConnection(brokers=cluster.addresses, replication=3)
    topic = Topic(name=unique, new_partitions=3)
    one = follow(connection, topic)
    producer, done = Producer(connection, Health(), "p", partitions=3), threading.Event()
    sent: list[str] = []

    def keep_writing() -> None:
        for n in itertools.count():
            event = reading(n, subject=f"rack{n % 30}")
            producer.send(unique, event.subject, encode_lines([event]), pack=False)
            sent.append(event.id)
            if done.wait(0.005):
                return

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        for node in cluster.nodes.values():
            node.stop(PATIENCE)
            node.start().wait_ready()
            goal = len(sent) + 200
            one.wait_for(lambda ids, goal=goal: len(ids) >= goal, what="readings after it")
    finally:
        done.set()
        writer.join()
    producer.flush()
    one.wait_for(lambda ids: len(set(ids)) == len(sent), what="all readings")
    producer.close()
    assert not one.counts
    assert len(one.ids()) == len(sent)
