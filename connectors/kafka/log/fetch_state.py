"""What the answers to fetches say of each partition, and when they were asked for."""

import math
import time
from collections.abc import Mapping
from typing import Any

from kafka import TopicPartition


class Fetches:
    """Follows the fetches of a `KafkaConsumer`, which does not say that there are no records."""

    def __init__(self, consumer: Any) -> None:
        self._fetcher = consumer._fetcher
        self._answered: dict[TopicPartition, float] = {}
        self._stable: dict[TopicPartition, int] = {}
        self._handle = self._fetcher._handle_fetch_response
        self._fetcher._handle_fetch_response = self._note

    def asked(self, tp: TopicPartition) -> float:
        """Wall time up to which the client has all records of a partition, handed out or not."""
        return self._answered.get(tp, -math.inf)

    def stable(self, tp: TopicPartition) -> int | None:
        """The last stable offset; the high watermark of a broker without transactions."""
        return self._stable.get(tp)

    def learn(self, ends: Mapping[TopicPartition, int]) -> None:
        """Take ends that were asked for; the embedded broker's lie within its last batch."""
        for tp, end in ends.items():
            self._stable[tp] = max(end, self._stable.get(tp, end))

    def forget(self, tp: TopicPartition) -> None:
        """The partition is another one: what was known of its end counts no longer."""
        self._stable.pop(tp, None)

    def holds(self, tp: TopicPartition) -> bool:
        """Whether the client may have records of the partition that it has not handed out yet."""
        return any(fetch.topic_partition == tp for fetch in list(self._fetcher._completed_fetches))

    def _note(
        self, node: int, offsets: dict[TopicPartition, int], sent: float, response: Any
    ) -> None:
        self._handle(node, offsets, sent, response)
        wall = time.time() - (time.monotonic() - sent)
        failed = set()
        for topic in response.responses:
            for partition in topic.partitions:
                tp = TopicPartition(topic.topic, partition.partition_index)
                if partition.error_code:
                    failed.add(tp)
                    continue
                stable = partition.last_stable_offset
                self._stable[tp] = (
                    partition.high_watermark if stable is None or stable < 0 else stable
                )
        if not getattr(response, "error_code", 0):
            self._answered.update((tp, wall) for tp in offsets if tp not in failed)
