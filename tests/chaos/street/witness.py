"""What a consumer of its own reads of the cameras' topics."""

import threading
import time
from collections import defaultdict

from kafka import KafkaConsumer, TopicPartition

from connectors.camera.state import UNWATCHED
from flows.vision.frames_topic import head_of
from operators.events import Frame, Reading, decode_lines

PERSON = "person"


class Witness:
    """Reads which pictures were taken, and which of them were looked at, until it is closed."""

    def __init__(self, broker: str, flow: str, source: str, sure: float) -> None:
        """`sure` is the confidence of the definition."""
        self._sure = sure
        self._frames = f"vigie.frames.{flow}.{source}"
        self._topics = (self._frames, f"vigie.in.{flow}.{source}")
        self._consumer = KafkaConsumer(bootstrap_servers=broker, group_id=None)
        self._lock = threading.Lock()
        self._taken: dict[str, dict[str, float]] = defaultdict(dict)
        self._looked: dict[str, dict[str, float]] = defaultdict(dict)
        self._found: dict[str, dict[str, float]] = defaultdict(dict)
        self._unwatched: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._read, name="witness", daemon=True)
        self._thread.start()

    def taken(self, since: float) -> int:
        """How many pictures were taken since then."""
        with self._lock:
            return sum(at >= since for one in self._taken.values() for at in one.values())

    def looked(self, camera: str, since: float = 0.0) -> list[float]:
        """The times of a camera's pictures, in epoch seconds, that were looked at."""
        with self._lock:
            return sorted(at for at in self._looked[camera].values() if at >= since)

    def found(self, camera: str) -> list[float]:
        """The times of a camera's pictures on which somebody was surely found."""
        with self._lock:
            return sorted(self._found[camera].values())

    def unwatched(self, camera: str) -> list[tuple[float, float]]:
        """The times of which it was told that nobody looked at a camera."""
        with self._lock:
            return list(self._unwatched[camera])

    def close(self) -> None:
        """Stop to read."""
        self._closing.set()
        self._thread.join()
        self._consumer.close()

    def _read(self) -> None:
        assigned: set[TopicPartition] = set()
        while not self._closing.is_set():
            there = {
                TopicPartition(topic, part)
                for topic in self._topics
                for part in self._consumer.partitions_for_topic(topic) or ()
            }
            if new := there - assigned:
                places = {part: self._consumer.position(part) for part in assigned}
                self._consumer.assign(sorted(there))
                self._consumer.seek_to_beginning(*new)
                for part, place in places.items():
                    self._consumer.seek(part, place)
                assigned = there
            if not assigned:
                time.sleep(0.5)
                continue
            for part, records in self._consumer.poll(500).items():
                for record in records:
                    self._take(part.topic, record)

    def _take(self, topic: str, record: object) -> None:
        if topic == self._frames:
            head = head_of(record.headers)  # type: ignore[attr-defined]
            with self._lock:
                self._taken[head.camera][head.id] = head.time
            return
        for event in decode_lines(record.value):  # type: ignore[attr-defined]
            if isinstance(event, Reading) and event.metric == UNWATCHED and event.value:
                with self._lock:
                    span = event.time - event.value, event.time
                    self._unwatched[event.subject].append(span)
            if isinstance(event, Frame) and event.seen is not None:
                with self._lock:
                    self._looked[event.subject][event.id] = event.time
                    if any(one.class_ == PERSON and one.score >= self._sure for one in event.seen):
                        self._found[event.subject][event.id] = event.time
