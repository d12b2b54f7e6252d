"""Apache Kafka itself, which `make test-kafka` brings: one broker, three, one with users."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from connectors.kafka.connection import TopicConnection
from infra.embedded.kafka.cluster import KafkaCluster
from infra.embedded.kafka.server import Kafka, SecuredKafka
from tests.conftest import ON_KAFKA
from tests.waiting import wait_until

Administer = Callable[[list[str]], KafkaAdminClient]


@pytest.fixture(scope="session", autouse=True)
def _asked_for() -> None:
    if not ON_KAFKA:
        pytest.skip("run by make test-kafka")


@pytest.fixture(scope="session")
def kafka(session_folder: Path) -> Iterator[Kafka]:
    """One broker that all tests share."""
    with Kafka(session_folder / "one") as kafka:
        yield kafka


@pytest.fixture(scope="session")
def secured(session_folder: Path) -> Iterator[SecuredKafka]:
    """A broker with users and rights that all tests share."""
    with SecuredKafka(session_folder / "secured") as kafka:
        yield kafka


@pytest.fixture
def cluster(tmp: Path) -> Iterator[KafkaCluster]:
    """Three brokers of a test's own."""
    leads_again = {"leader.imbalance.check.interval.seconds": "1",
                   "leader.imbalance.per.broker.percentage": "0"}  # fmt: skip
    with KafkaCluster(tmp, settings=leads_again) as cluster:
        yield cluster


@pytest.fixture
def connection(kafka: Kafka, unique: str) -> TopicConnection:
    """The shared broker, with a prefix of the test's own."""
    return TopicConnection(brokers=[kafka.address], prefix=f"{unique}.")


@pytest.fixture
def administer() -> Iterator[Administer]:
    """`administer(addresses)` is an admin client, closed after the test."""
    opened: list[KafkaAdminClient] = []

    def attempt(addresses: list[str]) -> KafkaAdminClient | None:
        with suppress(KafkaError):  # of a broker too slow to be asked for its version
            return KafkaAdminClient(bootstrap_servers=addresses, bootstrap_timeout_ms=10_000)
        return None

    def open_one(addresses: list[str]) -> KafkaAdminClient:
        opened.append(wait_until(lambda: attempt(addresses), what="an admin client"))
        return opened[-1]

    yield open_one
    for client in opened:
        client.close()
