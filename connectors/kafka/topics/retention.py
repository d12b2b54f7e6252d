"""How long topics keep their records, so that a reader that falls behind can tell in time."""

import logging
import threading
import time
from collections.abc import Iterable

from kafka.errors import KafkaError

from connectors.kafka.connection import TopicConnection
from connectors.kafka.topics.settings import Settings, settings_of

log = logging.getLogger("vigie")

KNOWN_SECONDS = 600.0
"""How long what a broker said of its topics is believed."""


class Retention:
    """The retention of topics by time, asked for in a thread of its own, now and then."""

    def __init__(self, connection: TopicConnection, topics: Iterable[str]) -> None:
        self._connection = connection
        self._topics = set(topics)
        self._asked = -KNOWN_SECONDS
        self._seconds: dict[str, float] = {}

    def seconds(self, topic: str) -> float | None:
        """How long a topic keeps a record; None where it is not known, or for ever."""
        if time.monotonic() - self._asked >= KNOWN_SECONDS:
            self._asked = time.monotonic()
            threading.Thread(target=self._ask, name="retention", daemon=True).start()
        return self._seconds.get(topic)

    def _ask(self) -> None:
        try:
            found = settings_of(self._connection, self._topics)
        except (KafkaError, OSError) as error:
            log.debug("the settings of topics are not known: %s", error)
            return
        kept = {topic: kept_seconds(settings) for topic, settings in found.items()}
        self._seconds = {topic: each for topic, each in kept.items() if each is not None}


def kept_seconds(settings: Settings) -> float | None:
    """How long records of a topic with these settings are kept; None for ever, or by size alone."""
    kept = int(settings.get("retention.ms", -1))
    is_cleaned = "delete" in settings.get("cleanup.policy", "delete")
    return kept / 1000 if is_cleaned and kept >= 0 else None
