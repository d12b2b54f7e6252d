"""Two processes that both take themselves for the owner: the broker takes records of one only."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from kafka import KafkaConsumer, TopicPartition

from connectors.base import Health
from connectors.kafka.admin import ensure_topic, partition_of
from connectors.kafka.connection import TopicConnection
from connectors.kafka.fencing import fence as fences
from connectors.kafka.fencing.fence import Fence, LeaseLost
from connectors.kafka.open_consumer import open_consumer
from connectors.kafka.producer import Producer
from connectors.kafka.producer_client import open_producer
from infra.embedded.service import Service
from tests.waiting import wait_until

pytestmark = pytest.mark.service

PARTITIONS = 3
KEYS = {partition_of(key, PARTITIONS): key for key in "abcdefgh"}
"""A key for each partition."""


class Site:
    """A topic, and producers of one name that each have a fence of their own."""

    def __init__(self, broker: Service, name: str) -> None:
        self.connection = TopicConnection(brokers=[broker.address], idempotence=False)
        self.topic = self.owner = name
        ensure_topic(self.connection, name, PARTITIONS)

    def fence(self, confirm: Callable[[], None]) -> Fence:
        return Fence(self.owner, [self.topic, f"{self.topic}.missing"], confirm)

    def producer(self, confirm: Callable[[], None]) -> Producer:
        return Producer(self.connection.fenced(self.fence(confirm)), Health(), "log")

    def send(self, producer: Producer, word: str) -> None:
        for key in KEYS.values():
            producer.send(self.topic, key, word.encode(), pack=False)

    def words(self, until: str) -> list[list[str]]:
        """What is in each partition, once all of them end with a word."""
        parts = [TopicPartition(self.topic, number) for number in range(PARTITIONS)]
        found: dict[TopicPartition, list[str]] = {part: [] for part in parts}
        with open_consumer(self.connection) as consumer:
            consumer.assign(parts)
            consumer.seek_to_beginning(*parts)

            def read(consumer: KafkaConsumer = consumer) -> bool:
                for part, records in consumer.poll(100).items():
                    found[part] += [record.value.decode().strip() for record in records]
                return all(until in words for words in found.values())

            wait_until(read, what=f"{until} everywhere")
        return list(found.values())


class Owner:
    """Whether somebody still is the owner, as the topic of leases would say."""

    def __init__(self) -> None:
        self.is_owner = True

    def confirm(self) -> None:
        if not self.is_owner:
            raise LeaseLost("another one runs the flow now")


def test_what_a_former_owner_still_sends_is_refused_by_the_broker_in_every_partition(
    broker: Service, unique: str
) -> None:
    site = Site(broker, unique)
    former = Owner()
    one = site.producer(former.confirm)
    site.send(one, "before")
    one.flush()
    two = site.producer(lambda: None)
    wait_until(lambda: two._client is not None and two._health._seen, what="the second to be open")
    former.is_owner = False
    site.send(one, "late")  # before the second one has written anything
    with pytest.raises(LeaseLost):
        one.flush()
    site.send(two, "after")
    two.flush()
    for words in site.words("after"):
        assert words == ["before", "after"]
    one.close()
    two.close()


def test_an_owner_that_somebody_else_shut_out_opens_anew_and_loses_nothing(
    broker: Service, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fences, "RENEW_SECONDS", 0.0)  # each time there is nothing to do
    site = Site(broker, unique)
    owner = site.producer(lambda: None)
    site.send(owner, "one")
    owner.flush()
    stranger = Owner()
    stranger.is_owner = False
    with pytest.raises(LeaseLost):
        open_producer(site.connection.fenced(site.fence(stranger.confirm)), "log")
    site.send(owner, "two")
    owner.flush()
    for words in site.words("two"):
        assert sorted(set(words)) == ["one", "two"]
    owner.close()


def test_several_that_follow_the_same_owner_shut_it_out_at_once(
    broker: Service, unique: str
) -> None:
    site, owner = Site(broker, unique), Owner()
    former = site.producer(owner.confirm)
    site.send(former, "before")
    former.flush()
    owner.is_owner = False

    def follow(number: int) -> Producer:
        fence = Fence(f"{unique}/{number}", [site.topic], lambda: None, [site.owner])
        return Producer(site.connection.fenced(fence), Health(), "log")

    with ThreadPoolExecutor() as pool:
        followers = list(pool.map(follow, range(6)))
    for number, follower in enumerate(followers):
        site.send(follower, f"after {number}")
        follower.flush()
    site.send(former, "late")
    with pytest.raises(LeaseLost):
        former.flush()
    words = site.words("after 5")
    assert words == [["before", *(f"after {n}" for n in range(6))]] * PARTITIONS
    for one in (former, *followers):
        one.close()
