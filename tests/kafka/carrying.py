"""A flow with alarms on a cluster, what is written to it, and how long each reading takes."""

import itertools
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from connectors.base import Health
from connectors.kafka.admin import partition_of
from connectors.kafka.components import Topic
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from flows.admin.alarm_client import AlarmTopics
from operators.alarms.command_handler import COMMAND
from operators.events import AlarmTransition, Occurrence, Reading, encode_lines
from tests.flow_process import FlowProcess
from tests.flows.running import site_of, write
from tests.kafka.reading import Following
from tests.waiting import PATIENCE, wait_until

SUBJECTS = 60
STANDING = 10
RATE = 500
PARTITIONS = {0, 1, 2}
SHELVED = f"rack{STANDING}"
FLOW = """\
sources: {readings: {topic: NAME.in}}
alarms:
  hot: {from: readings, when: {above: 30, clear: 28}, response: Cool it.}
  hot_for_long: {from: readings, when: {above: 30, clear: 28, for: 1h}, response: Cool it.}
sinks:
  log: {from: readings, topic: {name: NAME.out, pack: false}}
"""


def events(began: float) -> Iterator[Reading]:
    """Some subjects stay hot; the others get hot and cool every few seconds."""
    for n in itertools.count():
        subject = n % SUBJECTS
        hot = subject < STANDING or n // SUBJECTS // 20 % 2 == 0
        yield Reading(
            id=f"r{n}",
            time=began + n / RATE,
            subject=f"rack{subject}",
            metric="temperature",
            value=31 if hot else 20,
        )


class Carrying:
    """The flow of `FLOW` as a process; `sent` and `seen` are epoch seconds by reading."""

    def __init__(self, connection: TopicConnection, name: str, folder: Path, began: float) -> None:
        self.sent: list[float] = []
        self.seen: dict[str, float] = {}
        self.copies: Counter[str] = Counter()
        self._connection, self._name = connection, name
        self._source = events(began)
        settings = connection.model_dump(include={"brokers", "prefix"})
        definition = write(folder, "hot", FLOW.replace("NAME", name))
        self.flow = FlowProcess(definition, site_of(folder, redpanda=settings), folder / "data")
        self._producer = Producer(connection, Health(), "p")
        self._done = threading.Event()
        self._threads = [
            threading.Thread(target=self._write), threading.Thread(target=self._look)
        ]  # fmt: skip
        self._rate = 0

    def __enter__(self) -> Self:
        """Start; one alarm is shelved before most readings are written."""
        try:
            self._shelve()
        except BaseException:
            self.flow.kill()
            raise
        for thread in self._threads:
            thread.start()
        return self

    def _shelve(self) -> None:
        self.flow.wait_running()
        self._send(SUBJECTS)
        self._out = Following(self._connection, Topic(name=f"{self._name}.out"))
        self._alarms = Following(self._connection, Topic(name=self._connection.topic_names.alarms))
        wait_until(
            lambda: any(event.subject == SHELVED for event in self._alarms.look()),
            what="the alarm to shelve",
        )
        data = {"do": "shelve", "flow": "hot", "alarm": "hot", "user": "paul", "duration": "1h"}
        command = Occurrence(
            id=uuid.uuid4().hex, time=time.time(), subject=SHELVED, type=COMMAND, data=data
        )
        assert AlarmTopics(self._connection).ask(command, PATIENCE)

    def __exit__(self, *exc: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()
        self._out.close()
        self._alarms.close()
        self._producer.close()
        self.flow.kill()

    def write_at(self, rate: int) -> None:
        """So many readings a second from now on."""
        self._rate = rate

    def write_until(self, count: int) -> None:
        """Write what is missing, all at once, and wait for it."""
        self._rate = 0
        self._send(count - len(self.sent))
        wait_until(lambda: len(self.seen) == count, what=f"{count} readings")

    def changes(self) -> dict[tuple[str, str], list[tuple[int, str, str, object]]]:
        """The changes of each alarm in their order; each must stand there once."""
        found: dict[tuple[str, str], list[tuple[int, str, str, object]]] = {}
        for event in self._alarms.look():
            assert isinstance(event, AlarmTransition)
            own = event.event in ("activated", "returned")
            found.setdefault((event.rule, event.subject), []).append(
                (event.seq, event.event, event.state, event.time if own else None)
            )
        return found

    def _send(self, count: int) -> None:
        for event in itertools.islice(self._source, count):
            self.sent.append(time.time())
            self._producer.send(
                f"{self._name}.in", event.subject, encode_lines([event]), pack=False
            )

    def _write(self) -> None:
        due = time.monotonic()
        while not self._done.wait(max(0.0, due - time.monotonic())):
            due = max(due, time.monotonic() - 1) + 0.01
            self._send(self._rate // 100)

    def _look(self) -> None:
        known = 0
        while not self._done.wait(0.005):
            found = self._out.look()
            now = time.time()
            for event in found[known:]:
                self.copies[event.id] += 1
                self.seen.setdefault(event.id, now)
            known = len(found)

    def taken(self, since: float, until: float, partitions: set[int]) -> str:
        """How long the readings of these partitions took, that were sent in a time."""
        took = sorted(
            self.seen[f"r{n}"] - sent
            for n, sent in enumerate(self.sent)
            if since <= sent < until
            and partition_of(f"rack{n % SUBJECTS}", len(PARTITIONS)) in partitions
            and f"r{n}" in self.seen
        )
        if not took:
            return "nothing"
        p50, p99 = (1000 * took[len(took) * percent // 100] for percent in (50, 99))
        return f"{len(took)} readings, p50 {p50:.0f} ms, p99 {p99:.0f} ms"
