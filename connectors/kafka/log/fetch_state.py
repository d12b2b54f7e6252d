"""What the answers to fetches say of each partition, and when they were asked for."""

import math
import time
from collections.abc import Mapping
from typing import Any

from kafka import TopicPartition

from connectors.kafka.log.pace import GATHER_BYTES, GATHER_MS, Pace
from connectors.kafka.log.waking import Waking

SHORT_WAIT_MS, QUIET_WAIT_MS = 20, 100
QUIET_AFTER = 10.0
"""Seconds without records after which a broker that wakes no fetch is asked less often."""
_never_wake: set[str] = set()
"""Addresses of brokers that hold a fetch although records have come (the embedded one)."""


class Fetches:
    """Follows the fetches of a `KafkaConsumer`, which does not say that there are no records."""

    def __init__(self, consumer: Any) -> None:
        self._fetcher = consumer._fetcher
        self._answered: dict[TopicPartition, float] = {}
        self._stable: dict[TopicPartition, int] = {}
        self._pace = Pace()
        self._waking = Waking(self._fetcher.config["fetch_max_wait_ms"])
        self._least = self._fetcher.config["fetch_min_bytes"]
        self._brokers = str(consumer.config["bootstrap_servers"])
        self._came, self._is_quiet = -math.inf, True
        self.hurry(False)
        self._handle = self._fetcher._handle_fetch_response
        self._fetcher._handle_fetch_response = self._note

    def hurry(self, often: bool) -> None:
        """Let the broker hold the next empty fetches for a moment only, or for as long as usual.

        While records come faster than that is worth, it gathers them for a moment.
        """
        self._often = often
        wait, least = self._waking.wait, self._least
        if often or self._brokers in _never_wake:
            wait = min(QUIET_WAIT_MS if self._is_quiet and not often else SHORT_WAIT_MS, wait)
        if self._pace.is_fast:
            wait, least = min(GATHER_MS, wait), max(GATHER_BYTES, least)
        self._fetcher.config |= {"fetch_max_wait_ms": wait, "fetch_min_bytes": least}

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
        fetcher = self._fetcher
        return (
            any(fetch.topic_partition == tp for fetch in list(fetcher._completed_fetches))
            or tp in fetcher._paused_partition_records
            or tp in fetcher._paused_completed_fetches
        )

    def free_slot(self) -> None:
        """Let the client hand out what it put aside of a partition while that was paused.

        It looks at that only while the records that it hands out are None (kafka-python 3.0.12),
        and used up ones stay there until others come: without any, it waits for ever.
        """
        if not self._fetcher._next_partition_records:
            self._fetcher._next_partition_records = None

    def _note(
        self, node: int, offsets: dict[TopicPartition, int], sent: float, response: Any
    ) -> None:
        self._handle(node, offsets, sent, response)
        self._look_whether_it_woke(time.monotonic() - sent, response)
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

    def _look_whether_it_woke(self, took: float, response: Any) -> None:
        now, wait = time.monotonic(), self._fetcher.config["fetch_max_wait_ms"]
        some = any(
            partition.records for topic in response.responses for partition in topic.partitions
        )
        if some:
            self._came = now
        was_quiet, self._is_quiet = self._is_quiet, now - self._came > QUIET_AFTER
        is_changed = self._pace.answered(now, some) or was_quiet != self._is_quiet
        if some and wait > SHORT_WAIT_MS and self._waking.answered(1000 * took, wait):
            is_changed = True
            if self._waking.is_lacking:
                _never_wake.add(self._brokers)
        if is_changed:
            self.hurry(self._often)
