"""Follows which cameras somebody watches, as the api processes tell it."""

import logging
import threading
import time
from collections.abc import Callable

import msgspec
from kafka import TopicPartition

from connectors.kafka.admin import ensure_topic
from connectors.kafka.client_faults import ClientFaults
from connectors.kafka.connection import TopicConnection
from connectors.kafka.open_consumer import open_consumer
from connectors.kafka.push_record import TRUE_FOR, WatchedCameras
from connectors.runtime.backoff import Backoff

_log = logging.getLogger("vigie")
_read = msgspec.json.Decoder(WatchedCameras).decode


class Watched:
    """What the api processes told last; each word counts for `TRUE_FOR` seconds after it came."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: dict[bytes, tuple[frozenset[str], float]] = {}

    def take(self, api: bytes, value: bytes) -> None:
        """Take a record; one that is none is passed over."""
        try:
            cameras = frozenset(_read(value).cameras)
        except msgspec.MsgspecError as error:
            _log.debug("expected the watched cameras, got %.200r: %s", value, error)
            return
        now = self._clock()
        told = {key: known for key, known in self._told.items() if known[1] > now}
        told[api] = cameras, now + TRUE_FOR
        self._told = told  # replaced as a whole: others read it in their threads

    def __contains__(self, camera: object) -> bool:
        now = self._clock()
        return any(camera in cameras and until > now for cameras, until in self._told.values())


class WatchedCamerasReader:
    """Reads the topic in a thread, from its end: what counts is told again in a few seconds."""

    def __init__(self, broker: TopicConnection, watched: Watched) -> None:
        self._broker = broker
        self._watched = watched
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watched cameras", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread, and wait for it."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        backoff, faults = Backoff(0.5, 10.0), ClientFaults()
        while not self._stopping.is_set():
            try:
                self._follow(backoff)
            except Exception as error:
                if not faults.tolerates("watched cameras", error):
                    raise
                _log.debug("the watched cameras cannot be read: %s", error)
                self._stopping.wait(backoff.pause())

    def _follow(self, backoff: Backoff) -> None:
        topic = self._broker.topic_names.watched_cameras
        ensure_topic(self._broker, topic, 1)
        with open_consumer(self._broker, fetch_max_wait_ms=500) as consumer:
            part = TopicPartition(topic, 0)
            consumer.assign([part])
            consumer.seek_to_end(part)
            while not self._stopping.is_set():
                for record in consumer.poll(timeout_ms=500).get(part, []):
                    self._watched.take(record.key or b"", record.value or b"")
                backoff.reset()
