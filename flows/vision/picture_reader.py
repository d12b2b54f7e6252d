"""Pictures by their reference: single records read from the topics of frames."""

import threading
import time
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, OffsetOutOfRangeError

from connectors.base import NoAnswer
from connectors.kafka.connection import TopicConnection
from flows.vision.frames_topic import BadPicture, head_of, parse_reference

WAIT = 5.0
"""Seconds to wait for the broker's answer."""
ANSWER_MS = 5000
ONE_PICTURE = 64 << 10
"""Bytes to ask for; a broker gives a record whole, also a larger one (KIP-74)."""


class PictureReader:
    """Reads one picture at a time, over one connection that is opened when it is first needed.

    Thread-safe.
    """

    def __init__(self, connection: TopicConnection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._consumer: Any = None

    def picture(self, reference: str, frame: str | None = None) -> bytes | None:
        """The JPEG of a reference, `TOPIC/PARTITION/OFFSET`.

        None if it is gone, or if another frame than `frame` is there, since the topic was made
        again. Raises `NoAnswer`.
        """
        try:
            topic, partition, offset = parse_reference(reference)
        except BadPicture:
            return None
        with self._lock:
            try:
                record = self._record(TopicPartition(topic, partition), offset)
            except (KafkaError, OSError, AssertionError, KeyError, TypeError, ValueError) as error:
                self._close()  # the client's own faults, too: see connectors.kafka.client_faults
                raise NoAnswer(
                    f"no picture comes from the broker at {', '.join(self._connection.brokers)}"
                    f" ({type(error).__name__}); trying again"
                ) from error
        if record is None or record.value is None:
            return None
        try:
            head = head_of(record.headers)
        except BadPicture:
            return None
        return bytes(record.value) if frame in (None, head.id) else None

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            consumer.close(timeout_ms=1000)

    def _record(self, place: TopicPartition, offset: int) -> Any:
        if self._consumer is None:
            self._consumer = self._open()
        consumer = self._consumer
        known = consumer.partitions_for_topic(place.topic)
        if known is None or place.partition not in known:
            return None
        consumer.assign([place])
        end = consumer.end_offsets([place], timeout_ms=ANSWER_MS)[place]
        start = consumer.beginning_offsets([place], timeout_ms=ANSWER_MS)[place]
        if not start <= offset < end:
            return None
        consumer.seek(place, offset)
        deadline = time.monotonic() + WAIT
        while time.monotonic() < deadline:
            try:
                found = consumer.poll(500, max_records=1).get(place, [])
            except OffsetOutOfRangeError:
                return None
            if found:
                return found[0] if found[0].offset == offset else None
        raise TimeoutError("no answer to a fetch")

    def _open(self) -> Any:
        return KafkaConsumer(
            **self._connection.client_options(),
            auto_offset_reset="none",
            enable_auto_commit=False,
            group_id=None,
            allow_auto_create_topics=False,
            max_partition_fetch_bytes=ONE_PICTURE,
            fetch_max_wait_ms=100,
            request_timeout_ms=10_000,
            bootstrap_timeout_ms=ANSWER_MS,
        )
