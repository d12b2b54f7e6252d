"""The load of the throughput benchmarks: 1,000 subjects whose temperature swings over a limit
now and then.
"""

import math
import time
from collections.abc import Iterator

from connectors.base import Health
from connectors.kafka.connection import TopicConnection
from connectors.kafka.log.content import Pack
from connectors.kafka.producer import Producer
from operators.events import Event, Reading

SUBJECTS = 1000
ABOVE, CLEAR = 30.0, 28.0
CHUNK = 5000


def readings(count: int) -> Iterator[list[Event]]:
    """`count` readings in lists of `CHUNK`, a reading per subject in turn, 10 s of event time a
    round.
    """
    wave = [round(25 + 6 * math.sin(2 * math.pi * step / 400), 2) for step in range(400)]
    start = time.time() - 10 * count / SUBJECTS - 3600
    for first in range(0, count, CHUNK):
        yield [
            Reading(
                id=f"r{n}",
                time=start + 10 * (n // SUBJECTS),
                subject=f"room_{n % SUBJECTS}",
                metric="temperature",
                value=wave[(n // SUBJECTS + n % SUBJECTS) % 400],
                unit="°C",
            )
            for n in range(first, min(first + CHUNK, count))
        ]


def edges(count: int) -> int:
    """How many on and off edges hysteresis makes of these readings (the first state of a subject
    counts if it is on).
    """
    state: dict[str, bool] = {}
    found = 0
    for batch in readings(count):
        for event in batch:
            assert isinstance(event, Reading)
            assert event.value is not None
            on = state.get(event.subject, False)
            if (event.value > ABOVE) if not on else (event.value <= CLEAR):
                state[event.subject] = not on
                found += 1
    return found


def publish(connection: TopicConnection, topic: str, count: int, pack: Pack) -> None:
    """Put the readings into a topic."""
    producer = Producer(connection, Health(), "bench load")
    for batch in readings(count):
        producer.send_events(topic, batch, pack)
    producer.flush()
    producer.close()
