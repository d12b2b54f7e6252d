"""Topics on the broker: making them, their partitions, the partition of a key, errors in words."""

import threading
from collections.abc import Mapping
from functools import lru_cache

from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError
from kafka.partitioner.default import murmur2

from connectors.base import ConnectorContext, Stopped
from connectors.kafka.connection import TopicConnection
from connectors.kafka.open_consumer import open_consumer
from connectors.runtime.backoff import Backoff

_known: set[tuple[str, ...]] = set()
_compacted: set[tuple[str, ...]] = set()
_known_lock = threading.Lock()


def ensure_topic(
    connection: TopicConnection,
    topic: str,
    partitions: int | None = None,
    compact: bool = False,
    configs: Mapping[str, str] | None = None,
) -> None:
    """Create a topic unless it exists; raises `KafkaError` while no broker answers.

    `partitions` default to the connection's. `compact`: the broker keeps the latest record of each
    key for ever, instead of all records for a while; so it does if this process has asked for it
    before, whoever creates the topic again. `configs` are other settings of a topic that is made.
    """
    mark = (*connection.brokers, topic)
    with _known_lock:
        if compact:
            _compacted.add(mark)
        compact = mark in _compacted
        if mark in _known:
            return
    admin = KafkaAdminClient(**connection.client_options(), bootstrap_timeout_ms=5000)
    try:
        policy = {"cleanup.policy": "compact"} if compact else {}
        new = NewTopic(
            topic,
            partitions or connection.partitions,
            connection.replication,
            topic_configs={**policy, **(configs or {})} or None,
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


def partition_names(
    connection: TopicConnection, topics: list[str], new: int | None = None, table: bool = False
) -> list[str]:
    """`TOPIC/NUMBER` of every partition of the topics, created if need be.

    Raises `KafkaError` while no broker answers.
    """
    for topic in topics:
        ensure_topic(connection, topic, new or (1 if table else None), compact=table)
    with open_consumer(connection) as consumer:
        counts = {topic: consumer.partitions_for_topic(topic) for topic in topics}
    if missing := [topic for topic, count in counts.items() if not count]:
        raise KafkaError(f"the broker does not list {', '.join(missing)}")
    return [f"{topic}/{number}" for topic, numbers in counts.items() for number in sorted(numbers)]


def wait_for_partitions(
    context: ConnectorContext, topics: list[str], new: int | None, table: bool
) -> list[str]:
    """Like `partition_names`, but wait for a broker that is down; raises `Stopped`."""
    backoff = Backoff(0.2, 5.0)
    while True:
        try:
            names = partition_names(context.connection, topics, new, table)
        except (KafkaError, OSError) as error:
            words = explain(error, context.connection)
            context.health.degraded(context.name, words)
            if context.stopping.wait(backoff.pause()):
                raise Stopped(f"{context.name}: {words}") from error
        else:
            context.health.up(context.name)
            return names
