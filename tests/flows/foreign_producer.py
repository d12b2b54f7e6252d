"""A program that is none of ours and writes readings to a topic, and the alarms due of them."""

import itertools
import zlib

from kafka import KafkaAdminClient, KafkaProducer

from operators.events import AlarmTransition, Event, Reading, encode_lines

SUBJECTS = 7
PARTITIONS = 4


def hot_and_cold(first: int, count: int) -> list[Reading]:
    """Readings of seven subjects in turn; each one changes the alarm of its subject."""
    return [
        Reading(
            id=f"r{n}",
            time=1000.0 + n,
            subject=f"s{n % SUBJECTS}",
            metric="temperature",
            value=31.0 if n // SUBJECTS % 2 == 0 else 20.0,
        )
        for n in range(first, first + count)
    ]


def make_topic(address: str, topic: str, partitions: int) -> None:
    admin = KafkaAdminClient(bootstrap_servers=address)
    admin.create_topics({topic: {"num_partitions": partitions, "replication_factor": 1}})
    admin.close()


class Foreign:
    """Writes to the partitions of a topic in turn, without keys, as other programs do."""

    def __init__(self, address: str, topic: str) -> None:
        make_topic(address, topic, PARTITIONS)
        self._topic, self._turn = topic, itertools.cycle(range(PARTITIONS))
        self._producer = KafkaProducer(
            bootstrap_servers=address,
            enable_idempotence=False,
            max_in_flight_requests_per_connection=1,  # else what is sent again comes out of order
        )
        self.sent: list[Reading] = []

    def send(self, count: int) -> None:
        for event in hot_and_cold(len(self.sent), count):
            self._send(event)
            self.sent.append(event)
        self._producer.flush()

    def _send(self, event: Reading) -> None:
        partition = next(self._turn)
        self._producer.send(self._topic, encode_lines([event]), partition=partition)

    def close(self) -> None:
        self._producer.close()


class Librdkafka(Foreign):
    """Writes each subject's readings under its key, where librdkafka puts them by default."""

    def _send(self, event: Reading) -> None:
        partition = zlib.crc32(event.subject.encode()) % PARTITIONS
        self._producer.send(
            self._topic, encode_lines([event]), key=event.subject.encode(), partition=partition
        )


def changes(events: list[Event]) -> dict[str, list[tuple[int, str, float]]]:
    """The changes of each subject's alarm, each once, in the order of their numbers."""
    found: dict[str, dict[int, AlarmTransition]] = {}
    for event in events:
        assert isinstance(event, AlarmTransition)
        known = found.setdefault(event.subject, {}).setdefault(event.seq, event)
        assert (known.id, known.event, known.time) == (event.id, event.event, event.time)
    return {
        subject: [(seq, found[subject][seq].event, found[subject][seq].time) for seq in sorted(of)]
        for subject, of in found.items()
    }


def expected(sent: list[Reading]) -> dict[str, list[tuple[int, str, float]]]:
    found: dict[str, list[tuple[int, str, float]]] = {}
    for event in sent:
        of = found.setdefault(event.subject, [])
        of.append((len(of) + 1, "returned" if len(of) % 2 else "activated", event.time))
    return found
