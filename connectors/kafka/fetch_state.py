"""Freshness of the client's knowledge of each partition: when its last request was sent."""

import math
import time
from typing import Any

from kafka import TopicPartition


class Fetches:
    """Follows the fetches of a `KafkaConsumer`, which does not say that there are no records."""

    def __init__(self, consumer: Any) -> None:
        self._fetcher = consumer._fetcher
        self._answered: dict[TopicPartition, float] = {}
        self._handle = self._fetcher._handle_fetch_response
        self._fetcher._handle_fetch_response = self._note

    def asked(self, tp: TopicPartition) -> float:
        """Wall time up to which the client has all records of a partition, handed out or not."""
        return self._answered.get(tp, -math.inf)

    def holds(self, tp: TopicPartition) -> bool:
        """Whether the client may have records of the partition that it has not handed out yet."""
        return any(fetch.topic_partition == tp for fetch in list(self._fetcher._completed_fetches))

    def _note(
        self, node: int, offsets: dict[TopicPartition, int], sent: float, response: Any
    ) -> None:
        self._handle(node, offsets, sent, response)
        wall = time.time() - (time.monotonic() - sent)
        failed = {
            (topic.topic, partition.partition_index)
            for topic in response.responses
            for partition in topic.partitions
            if partition.error_code
        }
        if not getattr(response, "error_code", 0):
            self._answered.update((tp, wall) for tp in offsets if tuple(tp) not in failed)
