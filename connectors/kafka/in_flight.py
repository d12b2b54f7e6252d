"""Records that were given to the client and are not known to be written, by partition."""

import collections
import contextlib
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from kafka.errors import KafkaError

from connectors.kafka.packing import Record

CARRIED = "carried"


def is_answered(record: Record) -> bool:
    """Whether a record's answer has come."""
    return record.future is not None and bool(record.future.is_done)


class InFlight:
    """Queues of records, one a partition, so that one without a leader holds back no other.

    Whoever owns it locks it.
    """

    def __init__(self) -> None:
        self._queues: dict[tuple[str, int], collections.deque[Record]] = {}

    def __bool__(self) -> bool:
        return bool(self._queues)

    def __iter__(self) -> Iterator[Record]:
        for queue in self._queues.values():
            yield from queue

    def fronts(self) -> list[Record]:
        """The oldest record of each partition."""
        return [queue[0] for queue in self._queues.values()]

    def waits_since(self) -> float:
        """When the last of the oldest was sent; infinity if an answer is to be looked at."""
        return max(math.inf if is_answered(one) else one.sent for one in self.fronts())

    def await_answers(self, within: float) -> None:
        """Wait until all answers have come, at most so many seconds; by who owns the client."""
        until = time.monotonic() + within
        for record in self:
            if record.future is not None:
                with contextlib.suppress(KafkaError):
                    record.future.get(max(0.0, until - time.monotonic()))

    def has(self, topic: str | None) -> bool:
        """Whether there are records of a topic, or of any."""
        return any(topic in (None, place[0]) for place in self._queues)

    def movable(self) -> list[Record]:
        """Records without an answer that may lie anywhere."""
        return [
            one
            for queue in self._queues.values()
            if queue[0].anywhere
            for one in queue
            if not one.future.is_done
        ]

    def add(self, records: Sequence[Record]) -> None:
        """Put records behind those of their partitions."""
        for record in records:
            place = record.topic, record.partition
            self._queues.setdefault(place, collections.deque()).append(record)

    def take_written(self) -> tuple[list[Record], Record | None]:
        """Take the written records off the fronts; with them the first one that failed, if any."""
        written: list[Record] = []
        failed: Record | None = None
        for place, queue in list(self._queues.items()):
            while queue and queue[0].future is not None and queue[0].future.is_done:
                if queue[0].future.failed():
                    failed = failed or queue[0]
                    break
                written.append(queue.popleft())
            if not queue:
                del self._queues[place]
        return written, failed

    def move(self, record: Record, before: int) -> None:
        """Put a record that was of the partition `before` behind those of its own."""
        place = record.topic, before
        kept = [one for one in self._queues.pop(place) if one is not record]
        self.add([record])
        if kept:
            self._queues[place] = collections.deque(kept)

    def replace(self, record: Record, others: Sequence[Record]) -> None:
        """Put other records, or none, in the place of one."""
        place = record.topic, record.partition
        queue = self._queues.pop(place)
        kept = [other for one in queue for other in (others if one is record else (one,))]
        self.add(kept)


def carried_state(records: Iterable[Record]) -> dict[str, Any] | None:
    """Records that are not written yet, as plain data; None if there are none."""
    rows = [
        [record.topic, record.partition, b"".join(record.lines), sorted(record.keys)]
        for record in records
    ]
    return {CARRIED: rows} if rows else None


def carried_records(state: Mapping[str, Any]) -> list[Record]:
    """The records of which `carried_state` made plain data."""
    return [
        Record(topic, partition, [lines], set(keys), len(lines))
        for topic, partition, lines, keys in state.get(CARRIED, ())
    ]
