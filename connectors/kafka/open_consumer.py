"""Consumers of topics, as everything here opens and closes them."""

import contextlib
from collections.abc import Iterator
from typing import Any

from kafka import KafkaConsumer
from kafka.errors import KafkaError, UnsupportedCodecError

from connectors.base import ConnectorError
from connectors.kafka.connection import TopicConnection

LARGEST_FETCH = 2 << 20
LARGEST_ANSWER = 8 << 20
"""What a broker may send at once, of all partitions together; a larger record comes alone."""
ALL_FETCHED = 16 << 20
LEAST_FETCH = 64 << 10
"""Of many partitions the client keeps up to `ALL_FETCHED` together. A broker sends a batch larger
than a partition's part all the same, once it is that partition's turn (KIP-74).
"""
RECONNECT_MS = 1_000
"""The longest pause before a broker that is gone is tried again: half a minute else."""
LOOK_SECONDS = 5.0
"""How old the client's knowledge of topics may be: ids, partitions, leaders."""


@contextlib.contextmanager
def open_consumer(
    connection: TopicConnection, partitions: int = 1, **options: Any
) -> Iterator[KafkaConsumer]:
    """A consumer of so many partitions, without a group.

    It makes no topic and reads nothing uncommitted.

    Raises `KafkaError` or `OSError` while no broker answers, and `ConnectorError` where the block
    ends with records that nothing here can unpack.
    """
    fetch = max(LARGEST_FETCH, connection.record_limit + 4096)
    if partitions * fetch > ALL_FETCHED:
        fetch = min(fetch, max(LEAST_FETCH, ALL_FETCHED // partitions))
    usual = {
        "metrics_enabled": False,
        "group_id": None,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "isolation_level": "read_committed",
        "allow_auto_create_topics": False,
        "fetch_max_wait_ms": connection.fetch_wait_ms,
        "metadata_max_age_ms": int(1000 * LOOK_SECONDS),
        "reconnect_backoff_max_ms": RECONNECT_MS,
        "max_partition_fetch_bytes": fetch,
        "fetch_max_bytes": LARGEST_ANSWER,
        "bootstrap_timeout_ms": 5_000,
    }
    consumer = KafkaConsumer(**connection.client_options() | usual | options)
    try:
        yield consumer
    except UnsupportedCodecError as error:
        raise ConnectorError(
            f"the topic has compressed records that cannot be read here: {error}; install"
            " python-snappy, lz4 or zstandard, whichever it names"
        ) from error
    finally:
        with contextlib.suppress(KafkaError, OSError, ValueError):
            consumer.close(autocommit=False)
