"""Topics on the broker: making them, their partitions, the partition of a key, errors in words."""

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, TypeVar

from kafka import KafkaAdminClient
from kafka.errors import (
    AuthorizationError,
    KafkaError,
    RetriableError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)
from kafka.partitioner.default import murmur2

from connectors.base import ConnectorContext, Refused, Stopped
from connectors.kafka.access.diagnosis import find_refusal, look
from connectors.kafka.access.refusals import (
    BrokerRefusal,
    meant_by,
    no_right,
    refuse_missing_right,
    words_of,
)
from connectors.kafka.connection import TopicConnection
from connectors.kafka.open_consumer import open_consumer
from connectors.kafka.topics.declared import PACKED
from connectors.kafka.topics.settings import refuse_unkeyed
from connectors.runtime.backoff import Backoff

T = TypeVar("T")

_known: set[tuple[str, ...]] = set()
_compacted: set[tuple[str, ...]] = set()
_known_lock = threading.Lock()


def ensure_topic(
    connection: TopicConnection,
    topic: str,
    partitions: int | None = None,
    compact: bool = False,
    configs: Mapping[str, str] | None = None,
    needs: Sequence[str] = (),
) -> None:
    """Create a topic unless it exists; raises `KafkaError` while no broker answers.

    `partitions` default to the connection's. `compact`: the broker keeps the latest record of each
    key for ever, instead of all records for a while; so it does if this process has asked for it
    before, whoever creates the topic again. `configs` are other settings of a topic that is made;
    what the connection declares of it wins.
    Raises `BrokerRefusal` where it may not be made, or not be used for `needs` (READ, WRITE,
    `PACKED`).
    """
    mark = (*connection.brokers, topic)
    with _known_lock:
        if compact:
            _compacted.add(mark)
        compact = mark in _compacted
        if mark in _known and not needs:
            return
    admin = KafkaAdminClient(**connection.client_options(), bootstrap_timeout_ms=5000)
    try:
        (found,) = admin.describe_topics([topic])
        if found["error_code"] == TopicAuthorizationFailedError.errno:
            raise no_right(connection, "DESCRIBE", topic)
        if found["error_code"] == UnknownTopicOrPartitionError.errno:
            policy = {"cleanup.policy": "compact"} if compact else {}
            wanted = {
                "num_partitions": partitions or connection.partitions,
                "replication_factor": connection.replication or -1,
                "configs": {**policy, **(configs or {}), **_declared(connection, topic)},
            }
            _create(admin, connection, topic, wanted)
        else:
            refuse_missing_right(connection, found, [one for one in needs if one != PACKED])
            if PACKED in needs:
                refuse_unkeyed(admin, topic)
    finally:
        admin.close()
    with _known_lock:
        _known.add(mark)


def _declared(connection: TopicConnection, topic: str) -> dict[str, str]:
    found = connection.topics.get(topic)
    return found.settings() if found else {}


def _create(
    admin: KafkaAdminClient, connection: TopicConnection, topic: str, wanted: dict[str, Any]
) -> None:
    answer = admin.create_topics({topic: wanted}, raise_errors=False)
    code, said = answer["topics"][0]["error_code"], answer["topics"][0]["error_message"]
    error = for_code(code)
    if code and issubclass(error, AuthorizationError):
        raise no_right(connection, "CREATE", topic)
    if code and error is not TopicAlreadyExistsError:
        if issubclass(error, RetriableError):
            raise error(said)
        raise BrokerRefusal(
            f"the broker does not make the topic {topic}: {said or error.__name__}; mend"
            " `replication` or `partitions` of the connection, or make the topic yourself"
        )


def forget_topics() -> None:
    """Forget which topics exist: those of a broker without a disk are gone when it comes back."""
    with _known_lock:
        _known.clear()


@lru_cache(maxsize=200_000)
def partition_of(key: str, partitions: int) -> int:
    """Partition of a key as Kafka's default partitioner has it (murmur2, positive, modulo)."""
    return 0 if partitions == 1 else int(murmur2(key.encode()) & 0x7FFFFFFF) % partitions


def explain(
    error: BaseException, connection: TopicConnection, needs: Literal["READ", "WRITE"] | None = None
) -> str:
    """One line for a person: what failed against which brokers, of who `needs` a right there."""
    error = meant_by(error)
    if needs and isinstance(error, TopicAuthorizationFailedError) and error.args:
        topics = [error.args[0]] if isinstance(error.args[0], str) else error.args[0]
        if not any(" " in topic for topic in topics):  # the broker's own words
            return str(no_right(connection, needs, *topics))
    if words := words_of(error):
        return words
    found = look(connection)
    if found.refusal or (found.words and found.answers):
        return str(found.refusal or found.words)
    what = found.words or str(error)[:200] or type(error).__name__
    return (
        f"no answer from the broker at {', '.join(connection.brokers)} ({what}); is it running"
        " there?"
    )


def partition_names(
    connection: TopicConnection, topics: list[str], new: int | None = None, table: bool = False
) -> list[str]:
    """`TOPIC/NUMBER` of every partition of the topics, created if need be.

    Raises `KafkaError` while no broker answers.
    """
    for topic in topics:
        ensure_topic(connection, topic, new or (1 if table else None), table, needs=("READ",))
    with open_consumer(connection) as consumer:
        counts = {topic: consumer.partitions_for_topic(topic) for topic in topics}
    if missing := [topic for topic, count in counts.items() if not count]:
        raise KafkaError(f"the broker does not list {', '.join(missing)}")
    return [f"{topic}/{number}" for topic, numbers in counts.items() for number in sorted(numbers)]


def wait_for_partitions(
    context: ConnectorContext, topics: list[str], new: int | None, table: bool
) -> list[str]:
    """Like `partition_names`, but wait for a broker that is down.

    Raises `Stopped`, and `Refused` where waiting would not help.
    """
    return wait_for(context, lambda: partition_names(context.connection, topics, new, table))


def wait_for(context: ConnectorContext, act: Callable[[], T]) -> T:
    """What `act` returns, once a broker answers. Raises `Stopped`, and `Refused`."""
    backoff, connection = Backoff(0.2, 5.0), context.connection
    while True:
        try:
            result = act()
        except (KafkaError, OSError) as error:
            found = error if isinstance(error, BrokerRefusal) else find_refusal(connection)
            if found is not None:
                raise Refused(f"{context.name}: {found}") from error
            words = explain(error, connection)
            context.health.degraded(context.name, words)
            if context.stopping.wait(backoff.pause()):
                raise Stopped(f"{context.name}: {words}") from error
        else:
            if context.name in context.health.down:
                context.health.up(context.name)
            return result
