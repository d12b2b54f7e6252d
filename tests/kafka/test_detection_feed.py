"""Pictures of a topic that was made anew, that are too old, or that the broker removed."""

import time
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer, TopicPartition

from connectors.base import Health
from connectors.kafka.connection import TopicConnection
from flows.vision.detection_feed import DetectionFeed
from flows.vision.detection_positions import Positions
from infra.embedded.kafka.server import Kafka
from operators.vision.missed import Span
from tests.kafka.conftest import Administer
from tests.waiting import PATIENCE, wait_until


@pytest.mark.parametrize("running", [True, False])
def test_all_pictures_of_a_topic_made_anew_are_looked_at_though_there_are_more_than_before(
    running: bool, connection: TopicConnection, kafka: Kafka, unique: str, tmp: Path,
    administer: Administer,
):  # fmt: skip
    admin, seen = administer([kafka.address]), []

    def write(first: int, last: int) -> None:
        admin.create_topics({unique: {"num_partitions": 1}})
        producer = KafkaProducer(bootstrap_servers=kafka.address)
        for n in range(first, last):
            producer.send(unique, b"%d" % n).get(PATIENCE)
        producer.close()

    def begin() -> tuple[DetectionFeed, Positions]:
        positions = Positions(tmp / "positions.json", unique)

        def take(record: Any, gathered: bool) -> None:
            seen.append(int(record.value))
            positions.done(positions.read(record.partition, record.offset))

        feed = DetectionFeed(
            connection, unique, positions, take, lambda *told: None, lambda: True, deadline=1e6,
            gather=0.0, health=Health(), name="feed",
        )  # fmt: skip
        feed.start()
        return feed, positions

    write(0, 5)
    feed, positions = begin()
    wait_until(lambda: seen == [0, 1, 2, 3, 4], what="five pictures")
    if not running:
        feed.stop()
        positions.save()
    admin.delete_topics([unique])
    wait_until(lambda: unique not in admin.list_topics(), what="the end of the topic")
    write(10, 18)
    if not running:
        feed, _ = begin()
    wait_until(lambda: seen[5:] == list(range(10, 18)), what="eight more, each once")
    feed.stop()


class Feed:
    """A feed of one partition, what it read, and what it passed over."""

    def __init__(self, connection: TopicConnection, topic: str, file: Path, deadline: float):
        self.seen: list[int] = []
        self.passed: list[tuple[int, int, Span | None]] = []
        self.room = True
        self.positions = Positions(file, topic)
        self.feed = DetectionFeed(
            connection, topic, self.positions, self.take, lambda *told: self.passed.append(told),
            lambda: self.room, deadline, gather=0.0, health=Health(), name="feed",
        )  # fmt: skip
        self.feed.start()

    def take(self, record: Any, gathered: bool) -> None:
        self.seen.append(int(record.value))
        self.positions.done(self.positions.read(record.partition, record.offset))

    def wait(self, seen: list[int]) -> None:
        wait_until(lambda: self.feed.failure or self.seen == seen, what="pictures")
        assert self.feed.failure is None

    def stop(self) -> None:
        self.feed.stop()
        self.positions.save()


def write(kafka: Kafka, topic: str, numbers: range, age: float = 0.0) -> None:
    producer = KafkaProducer(bootstrap_servers=kafka.address)
    for n in numbers:
        at = round(1000 * (time.time() - age)) + n
        producer.send(topic, b"%d" % n, timestamp_ms=at).get(PATIENCE)
    producer.close()


def test_pictures_that_are_too_old_are_passed_over_each_counted_with_the_time_they_are_of(
    connection: TopicConnection, kafka: Kafka, unique: str, tmp: Path, administer: Administer
):
    administer([kafka.address]).create_topics({unique: {"num_partitions": 1}})
    write(kafka, unique, range(2), age=600)
    first = Feed(connection, unique, tmp / "positions.json", deadline=1e6)
    first.wait([0, 1])
    first.stop()
    written = time.time() - 300
    write(kafka, unique, range(2, 7), age=300)
    write(kafka, unique, range(7, 9))
    second = Feed(connection, unique, tmp / "positions.json", deadline=60)
    second.wait([7, 8])
    second.stop()
    [(partition, count, span)] = second.passed
    assert (partition, count) == (0, 5)
    assert span is not None
    assert span.begin == pytest.approx(written, abs=PATIENCE)
    assert span.end >= span.begin + 200, "until where they are no longer too old"
    assert second.positions.all() == {0: 9}
    third = Feed(connection, unique, tmp / "positions.json", deadline=60)
    write(kafka, unique, range(9, 10))
    third.wait([9])
    third.stop()
    assert not third.passed


def test_pictures_that_the_broker_removed_before_they_were_read_are_counted_as_passed_over(
    connection: TopicConnection, kafka: Kafka, unique: str, tmp: Path, administer: Administer
):
    admin = administer([kafka.address])
    admin.create_topics({unique: {"num_partitions": 1}})
    write(kafka, unique, range(2))
    feed = Feed(connection, unique, tmp / "positions.json", deadline=1e6)
    feed.wait([0, 1])
    feed.stop()
    write(kafka, unique, range(2, 9))
    admin.delete_records({TopicPartition(unique, 0): 6})
    again = Feed(connection, unique, tmp / "positions.json", deadline=1e6)
    again.wait([6, 7, 8])
    again.stop()
    assert sum(count for _, count, _ in again.passed) == 4
    assert again.positions.all() == {0: 9}
