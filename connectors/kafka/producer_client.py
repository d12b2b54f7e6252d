"""The client of a producer: how it tries again, what it waits for, and its end."""

import contextlib
import math
import time
from collections.abc import Sequence
from typing import Any

from kafka import KafkaProducer, TopicPartition
from kafka.errors import (
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    NotEnoughReplicasAfterAppendError,
    NotEnoughReplicasError,
)

from connectors.kafka.access.refusals import TOO_FEW_COPIES, waiting_words
from connectors.kafka.admin import explain
from connectors.kafka.connection import TopicConnection
from connectors.kafka.log.content import said_of
from connectors.kafka.net.client import quick
from connectors.kafka.packing import Oversized, Record

KEEPS_TRYING = {
    "retries": 2**31 - 1,
    "retry_backoff_ms": 100,
    "delivery_timeout_ms": 120_000,
    "request_timeout_ms": 10_000,
}
"""An idempotent client writes no record twice, as long as it is the same one."""
GIVES_UP = {
    "retries": 3,
    "retry_backoff_ms": 100,
    "delivery_timeout_ms": 6_000,
    "request_timeout_ms": 5_000,
}
"""One that is not leaves it to a new client, which makes topics that are gone again."""
RECONNECT_MS = 1_000
"""The longest pause before a broker that is gone is tried again: half a minute else."""
LATE_SECONDS = 4.0
"""How long the oldest record may be under way before it is said what it waits for."""


def open_producer(connection: TopicConnection, name: str = "") -> KafkaProducer:
    """A client that waits for all copies. Raises `KafkaError` while no broker answers.

    One with a `name` shuts out those of that name of an earlier owner, where the connection has a
    fence.
    """
    *better, last = connection.codecs
    for codec in better:
        with contextlib.suppress(ValueError):  # the broker is too old for it
            return _open(connection, codec, name)
    return _open(connection, last, name)


def _open(connection: TopicConnection, codec: str | None, name: str) -> KafkaProducer:
    fence = connection.fence if name else None
    client = KafkaProducer(
        **connection.client_options(),
        **(KEEPS_TRYING if connection.idempotence else GIVES_UP),
        kafka_client=quick,
        metrics_enabled=False,
        acks="all",
        compression_type=codec,
        enable_idempotence=connection.idempotence or fence is not None,
        transactional_id=fence.id_of(name) if fence else None,
        max_in_flight_requests_per_connection=5 if connection.idempotence else 1,
        max_block_ms=5_000,
        bootstrap_timeout_ms=3_000,
        metadata_max_age_ms=5_000,
        reconnect_backoff_max_ms=RECONNECT_MS,
        linger_ms=0,
        batch_size=256 << 10,
        max_request_size=max(1 << 20, connection.record_limit + 4096),
    )
    client.too_few_copies = _follow_copies(client)
    client.renew = lambda is_busy: None
    if fence is not None:
        try:
            client.renew = fence.take(client, connection.client_options())
        except BaseException:
            abandon(client)
            raise
    return client


def _follow_copies(client: KafkaProducer) -> dict[TopicPartition, float]:
    """When a broker last had too few copies of each partition, which the client keeps to itself."""
    found: dict[TopicPartition, float] = {}
    dispatch = client._sender._dispatch_error

    def note(batch: Any, error: Any, partition_response: Any) -> None:
        if isinstance(error, NotEnoughReplicasError | NotEnoughReplicasAfterAppendError):
            found[batch.topic_partition] = time.monotonic()
        dispatch(batch, error, partition_response)

    client._sender._dispatch_error = note
    return found


def ask_about(client: KafkaProducer, topic: str) -> None:
    """Have the client ask about a topic whenever it asks about topics at all.

    It does so by itself only where it doesn't know the topic yet. The embedded broker answers the
    first question, about no topic, with all of them; the next answer leaves them out, and then the
    client looks for the leader of what it wrote there without a pause, for ever.
    """
    client._sender.add_topic(topic)


def submit(client: KafkaProducer, record: Record, headers: list[tuple[str, bytes]]) -> None:
    """Give a record to the client; raises `Oversized`."""
    ask_about(client, record.topic)
    record.sent = time.monotonic()
    key = next(iter(record.keys)).encode() if len(record.keys) == 1 else None
    headers = [*headers, *record.headers()]
    try:
        said = said_of(value := b"".join(record.lines), headers)
        record.future = client.send(record.topic, value, key, said, record.partition)
    except MessageSizeTooLargeError as error:
        raise Oversized(record) from error


def count_partitions(client: KafkaProducer, topic: str) -> int:
    """How many partitions a topic has that was just made. Raises `KafkaError`."""
    deadline = time.monotonic() + 5
    while not (found := client.partitions_for(topic)):
        if time.monotonic() > deadline:
            raise KafkaError(f"topic {topic} was created but the broker does not list it")
        time.sleep(0.02)
    return len(found)


def reachable(client: KafkaProducer, topic: str, first: int, count: int) -> int:
    """The first partition, of so many from `first` on, whose leader answered the last time.

    `first` itself where there is none, as far as the client knows.
    """
    failing = client._sender._client._manager._backoff
    for number in range(first, first + count):
        leader = client._metadata.leader_for_partition(TopicPartition(topic, number % count))
        if leader not in (None, -1) and leader not in failing:
            return number % count
    return first


def abandon(client: KafkaProducer) -> None:
    """End a client with all that it has under way, which is sent again.

    One that could not send everything goes on sending in its thread after a `close`, beside the new
    client.
    """
    with contextlib.suppress(KafkaError, OSError, ValueError):
        client.close(timeout=0)
    if client._sender is not None:
        client._sender.force_close()
        client._sender.join(2)
    client._closed = True


def is_late(waiting: Sequence[Record]) -> bool:
    """Whether one of the oldest records of the partitions has been under way for long."""
    return bool(waiting) and time.monotonic() - _oldest(waiting) > LATE_SECONDS


def _oldest(waiting: Sequence[Record]) -> float:
    return min(record.sent for record in waiting)


def why_late(
    client: KafkaProducer, waiting: Sequence[Record], connection: TopicConnection
) -> str | None:
    """What records that are late wait for; None while it is not known whether a broker answers."""
    cluster = client._metadata
    oldest = _oldest(waiting)
    if cluster._last_successful_refresh_ms / 1000 < oldest:
        if time.monotonic() - oldest < 2 * LATE_SECONDS:
            return None
        return explain(KafkaConnectionError("no broker answers"), connection)
    since = time.monotonic() - LATE_SECONDS
    late = {TopicPartition(each.topic, each.partition) for each in waiting if each.sent < since}
    silent = {
        tp: "no leader"
        if cluster.leader_for_partition(tp) in (None, -1)
        else TOO_FEW_COPIES
        if client.too_few_copies.get(tp, -math.inf) > since
        else "no answer"
        for tp in late
    }
    return waiting_words(silent, len(silent))
