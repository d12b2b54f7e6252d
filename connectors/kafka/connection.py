"""The connection of readers and writers of topics, topic creation, and the partition of a key."""

import threading
from functools import lru_cache
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from kafka.errors import TopicAlreadyExistsError
from kafka.partitioner.default import murmur2
from pydantic import Field, SecretStr

from connectors.kafka.topic_names import DEFAULT_PREFIX, TopicNames
from operators.component import Spec


class TopicConnection(Spec):
    """Where the Kafka-protocol broker (Redpanda) is, and how to talk to it."""

    brokers: list[str] = Field(
        description="Addresses of the brokers.", examples=[["redpanda:9092"]], min_length=1
    )
    prefix: str = Field(
        DEFAULT_PREFIX,
        description="Prefix of the topics Vigie makes for itself.",
        pattern=r"^[a-zA-Z0-9._-]*$",
    )
    partitions: int = Field(
        4, ge=1, le=1000, description="Partitions of a topic that does not exist yet."
    )
    replication: int = Field(
        1, ge=1, le=7, description="Copies of a topic that does not exist yet."
    )
    username: str | None = Field(
        None, description="User for SASL/SCRAM-SHA-256; none for no authentication."
    )
    password: SecretStr | None = Field(None, description="Password of that user.")
    tls: bool = Field(False, description="Encrypt the connection.")
    ca: str | None = Field(None, description="File of the certificate authority, in PEM form.")
    idempotence: bool = Field(
        True, description="Idempotent producer; off for brokers that lack it (the embedded one)."
    )
    fetch_wait_ms: int = Field(
        10,
        ge=1,
        le=5000,
        description=(
            "How long the broker may hold an empty fetch, in milliseconds; bounds the latency on"
            " brokers that do not wake it."
        ),
    )
    record_limit: int = Field(
        1_000_000,
        ge=1000,
        description="Largest record, in bytes; the topic's own limit must allow it.",
    )

    @property
    def topic_names(self) -> TopicNames:
        """The names of Vigie's own topics there."""
        return TopicNames(self.prefix)

    def client_options(self) -> dict[str, Any]:
        """Keyword arguments every client of kafka-python takes."""
        options: dict[str, Any] = {"bootstrap_servers": self.brokers, "client_id": "vigie"}
        if self.username:
            password = self.password.get_secret_value() if self.password else ""
            options |= {"sasl_mechanism": "SCRAM-SHA-256", "sasl_plain_username": self.username}
            options |= {"sasl_plain_password": password}
        protocol = ("SASL_" if self.username else "") + ("SSL" if self.tls else "PLAINTEXT")
        options["security_protocol"] = protocol
        if self.ca:
            options["ssl_cafile"] = self.ca
        return options


_known: set[tuple[str, ...]] = set()
_known_lock = threading.Lock()


def ensure_topic(
    connection: TopicConnection, topic: str, partitions: int | None = None, compact: bool = False
) -> None:
    """Create a topic unless it exists; raises `KafkaError` while no broker answers.

    `partitions` default to the connection's. `compact`: the broker keeps the latest record of each
    key for ever, instead of all records for a while.
    """
    mark = (*connection.brokers, topic)
    with _known_lock:
        if mark in _known:
            return
    admin = KafkaAdminClient(**connection.client_options(), bootstrap_timeout_ms=5000)
    try:
        policy = {"cleanup.policy": "compact"} if compact else None
        new = NewTopic(
            topic, partitions or connection.partitions, connection.replication, topic_configs=policy
        )
        admin.create_topics([new])
    except TopicAlreadyExistsError:
        pass
    finally:
        admin.close()
    with _known_lock:
        _known.add(mark)


def forget_topics() -> None:
    """Forget which topics exist: those of a broker without a disk are gone when it comes back."""
    with _known_lock:
        _known.clear()


@lru_cache(maxsize=200_000)
def partition_of(key: str, partitions: int) -> int:
    """Partition of a key as Kafka's default partitioner has it (murmur2, positive, modulo)."""
    return 0 if partitions == 1 else int(murmur2(key.encode()) & 0x7FFFFFFF) % partitions


def explain(error: BaseException, connection: TopicConnection) -> str:
    """One line for a person: what failed against which brokers."""
    what = str(error)[:200] or type(error).__name__
    return (
        f"no answer from the broker at {', '.join(connection.brokers)} ({what}); is Redpanda"
        " running there?"
    )
