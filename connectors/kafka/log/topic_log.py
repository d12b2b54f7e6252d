"""Partitions read in order from a position each, the same way for all who read topics.

Nothing is passed over or read twice in silence. What the broker removed before it was read, a log
that was cut, and another topic of the same name come as a `Change`. High watermarks decide nothing:
a new leader's lies behind for a moment.
"""

import time
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import (
    LogTruncationError,
    OffsetOutOfRangeError,
    UnknownTopicOrPartitionError,
)
from kafka.structs import OffsetAndMetadata

from connectors.kafka.access.refusals import NO_TOPIC
from connectors.kafka.log.fetch_state import Fetches
from connectors.kafka.log.position import Position
from connectors.kafka.log.record_batches import use_records
from connectors.kafka.log.topic_ids import FetchById

Start = Literal["earliest", "latest"]
Records = Literal["chunks", "keyed", "whole"]
ANSWER_MS = 5_000


class Change(NamedTuple):
    """A partition is not read on where it was expected.

    `anew`: the topic is another one of the same name, read from its start. `cut`: the log ends
    before `before`, and reading goes on where it was cut. `gap`: the records from `before` on were
    removed before they were read.
    """

    kind: Literal["anew", "cut", "gap"]
    tp: TopicPartition
    before: int
    now: int

    def counted(self) -> tuple[str, int]:
        """The word under which it is counted, and how many topics or records it is."""
        return {
            "anew": ("topic_made_anew", 1),
            "cut": ("cut", self.before - self.now),
            "gap": ("gap", self.now - self.before),
        }[self.kind]

    def __str__(self) -> str:
        where = f"{self.tp.topic}/{self.tp.partition}"
        if self.kind == "anew":
            return f"{self.tp.topic} is another topic than before (it was deleted and made anew);" \
                " reading it from its start"  # fmt: skip
        if self.kind == "gap":
            return (
                f"{where}: the records from {self.before} to {self.now - 1} are no longer in the"
                " topic, removed before they were read; raise its retention, or mend what makes"
                " the reader wait"
            )
        return (
            f"{where} ends at {self.now}, before the position {self.before}: the broker lost"
            " records that were read already (a leader without all copies, or a disk without its"
            f" last writes); going on at {self.now}"
        )


class TopicLog:
    """What a consumer reads of given partitions; not thread-safe.

    `positions` say where each is read on, at `start` for None. `poll` hands out chunks, chunks with
    keys, or the client's own records. Raises `KafkaError` while no broker answers, and where a
    topic is missing.
    """

    def __init__(
        self,
        consumer: KafkaConsumer,
        positions: Mapping[TopicPartition, Position | None],
        start: Start = "earliest",
        records: Records = "chunks",
    ) -> None:
        self._began = time.time()
        self._changes: list[Change] = []
        self._ids: dict[str, str | None] = {}
        self._client = consumer
        use_records(consumer, records)
        self._fetches = Fetches(consumer)
        self._by_id = FetchById(consumer, lambda: self._ids)
        self.assign(positions, start)

    def assign(
        self, positions: Mapping[TopicPartition, Position | None], start: Start = "earliest"
    ) -> None:
        """Read these partitions, those that were read already from where they are."""
        before = self._client.assignment()
        if before == set(positions):
            return
        for topic in {tp.topic for tp in positions}:
            if not self._client.partitions_for_topic(topic):
                raise UnknownTopicOrPartitionError(f"the broker does not list {topic}")
            self._ids.setdefault(topic, id_of(self._client, topic))
        self._ids = {topic: self._ids[topic] for topic in {tp.topic for tp in positions}}
        self._client.assign(list(positions))
        for tp, position in positions.items():
            if tp not in before:
                self._begin(tp, position, start)

    def _begin(self, tp: TopicPartition, position: Position | None, start: Start) -> None:
        id = self._ids[tp.topic]
        if position is None and start == "latest":
            self._client.seek_to_end(tp)
        elif position is None:
            self.begin(tp)
        elif None not in (position.topic, id) and position.topic != id:
            self._make_anew(tp, position.offset)
        else:
            self._seek(tp, position.offset, position.epoch)

    def poll(self, timeout_ms: int, **options: Any) -> dict[TopicPartition, list[Any]]:
        """What came within the time; `changes` are to be looked at before it is used."""
        self._look_for_other_topics()
        self._fetches.free_slot()
        try:
            polled: dict[TopicPartition, list[Any]] = self._client.poll(timeout_ms, **options)
        except OffsetOutOfRangeError as error:
            for tp, offset in error.args[0].items():
                self._find_again(tp, offset)
            return {}
        except LogTruncationError as error:
            anew = self._look_for_other_topics()
            for tp, end in error.divergent_offsets.items():
                if tp.topic not in anew:
                    self._cut(tp, end)
            return {}
        return polled

    def changes(self) -> list[Change]:
        """What changed since the last call."""
        changes, self._changes = self._changes, []
        return changes

    def begin(self, tp: TopicPartition) -> None:
        """Read a partition from its beginning."""
        self._client.seek_to_beginning(tp)

    def topic_id(self, topic: str) -> str | None:
        """The id of a topic that is read; None from a broker without ids."""
        return self._ids[topic]

    def position(self, tp: TopicPartition) -> Position | None:
        """Where a partition is read on, after all that `poll` handed out; None if not known yet."""
        at = self._client._subscription.assignment[tp].position
        return None if at is None else Position(at.offset, at.leader_epoch, self._ids[tp.topic])

    def end(self, tp: TopicPartition) -> int | None:
        """The last stable offset: no record behind it may be read yet. None if not known yet."""
        return self._fetches.stable(tp)

    def is_caught_up(self, tp: TopicPartition) -> bool:
        """Whether everything up to the last stable offset has been handed out."""
        at, end = self.position(tp), self.end(tp)
        return at is not None and end is not None and at.offset >= end

    def asked(self, tp: TopicPartition) -> float:
        """Wall time up to which the client has all records of a partition, handed out or not."""
        return self._fetches.asked(tp)

    def holds(self, tp: TopicPartition) -> bool:
        """Whether the client may have records of the partition that it has not handed out yet."""
        return self._fetches.holds(tp)

    def ends(self, of: Iterable[TopicPartition], timeout_ms: int = 3_000) -> Any:
        """The ends of partitions, asked for now. Raises `KafkaError`."""
        ends = self._client.end_offsets(list(of), timeout_ms=timeout_ms)
        self._fetches.learn(ends)
        return ends

    def beginnings(self, of: Iterable[TopicPartition]) -> Any:
        """The beginnings of partitions, asked for now. Raises `KafkaError`."""
        return self._client.beginning_offsets(list(of), timeout_ms=ANSWER_MS)

    def silent(self, seconds: float) -> dict[TopicPartition, str]:
        """Partitions of which no answer came for so long, and why, as far as brokers say."""
        since = time.time() - seconds
        if self._began > since:
            return {}
        paused = self._client.paused()
        return {
            tp: self._why_silent(tp)
            for tp in self._client.assignment()
            if tp not in paused and self._fetches.asked(tp) < since and not self._fetches.holds(tp)
        }

    def _why_silent(self, tp: TopicPartition) -> str:
        cluster = self._client._cluster
        if not cluster.partitions_for_topic(tp.topic):
            return NO_TOPIC
        leader = cluster.leader_for_partition(tp)
        if leader in (None, -1):
            return "no leader"
        broker = cluster.broker_metadata(leader)
        return f"no answer from its leader, broker {leader}" + (
            f" at {broker.host}:{broker.port}" if broker else ""
        )

    def knows(self, seconds: float) -> bool:
        """Whether some broker told of topics within so many seconds."""
        told = float(self._client._cluster._last_successful_refresh_ms) / 1000
        return time.monotonic() - told < seconds

    def partitions(self, topic: str) -> set[int]:
        """The numbers of a topic's partitions, as the client knows them."""
        return set(self._client._cluster.partitions_for_topic(topic) or ())

    def leave(self, full: set[TopicPartition]) -> None:
        """Fetch nothing for these partitions, and for all others again."""
        paused = self._client.paused()
        self._fetches.hurry(bool(full))  # who has room again must not wait for what the others hold
        self._client.pause(*(full - paused))
        self._client.resume(*(paused - full))

    def _look_for_other_topics(self) -> set[str]:
        """The topics that are other ones since the last call."""
        anew = set()
        for topic, known in self._ids.items():
            id = id_of(self._client, topic)
            if id is None or id == known:
                continue
            self._ids[topic] = id
            if known is None:
                continue
            anew.add(topic)
            self._by_id.forget()
            for tp in self._client.assignment():
                if tp.topic == topic:
                    at = self._client._subscription.assignment[tp].position
                    self._make_anew(tp, at.offset if at else 0)
        return anew

    def _make_anew(self, tp: TopicPartition, before: int) -> None:
        self._change("anew", tp, before, 0)
        self._fetches.forget(tp)
        self._seek(tp, 0)

    def _find_again(self, tp: TopicPartition, offset: int) -> None:
        """The broker has no such offset: it removed what was there, or lost it."""
        begin = int(self._client.beginning_offsets([tp], timeout_ms=ANSWER_MS)[tp])
        if offset < begin:
            self._change("gap", tp, offset, begin)
            self._seek(tp, begin)
        else:
            self._cut(tp, None)

    def _cut(self, tp: TopicPartition, end: OffsetAndMetadata | None) -> None:
        offset = self._client._subscription.assignment[tp].position.offset
        if end is None:
            end = OffsetAndMetadata(int(self.ends([tp], ANSWER_MS)[tp]), "", -1)
        if end.offset < offset:
            self._change("cut", tp, offset, end.offset)
        self._fetches.forget(tp)
        self._seek(tp, min(end.offset, offset), end.leader_epoch)

    def _change(
        self, kind: Literal["anew", "cut", "gap"], tp: TopicPartition, before: int, now: int
    ) -> None:
        self._changes.append(Change(kind, tp, before, now))

    def _seek(self, tp: TopicPartition, offset: int, epoch: int = -1) -> None:
        self._client._subscription.seek(tp, OffsetAndMetadata(offset, "", epoch))


def id_of(consumer: KafkaConsumer, topic: str) -> str | None:
    """The id of a topic, which no other of its name has; None from a broker without ids."""
    id = consumer._cluster.topic_id(topic)
    return None if id is None or id.int == 0 else str(id.hex)
