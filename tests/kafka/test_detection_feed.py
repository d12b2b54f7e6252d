"""Pictures of a topic that was made anew while, or before, they are looked at."""

from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from connectors.base import Health
from connectors.kafka.connection import TopicConnection
from flows.vision.detection_feed import DetectionFeed
from flows.vision.detection_positions import Positions
from infra.embedded.kafka.server import Kafka
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
            connection, unique, positions, take, lambda n: None, lambda: True, deadline=1e6,
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
