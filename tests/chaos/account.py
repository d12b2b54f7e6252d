"""What is noted during a fault run, and the rows made of it."""

import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from infra.embedded.service import ServiceError
from infra.embedded.stack import measured_on
from tests.chaos.ends.numbers import DEVICES, Numbers
from tests.chaos.ends.observers import Observer
from tests.chaos.ends.senders import Sender
from tests.chaos.paths import SINKS, SOURCES
from tests.chaos.table import Row, machine, recovery, today

LOOK = 0.3
NEVER = float("inf")
PROCESS = "process"
MEANWHILE = "process, in another fault"
"""Faults of the flow's own process; the others are named after the service. A process that
starts while a service is away cannot have recovered before that is back, so its time says
nothing."""

Place = tuple[str, str]
"""A source and a sink."""


@dataclass(frozen=True)
class Mark:
    """The end of a fault, for one flow: how many events existed then."""

    at: float
    fault: str
    source: str
    due: int


class Account:
    """Looks how far every sink is, again and again, in a thread of its own. `copies` counts
    payloads without an id, by source and number; `away` is to be true while a service is away or
    a disk full."""

    def __init__(
        self, numbers: Numbers, senders: Mapping[str, Sender], observers: Mapping[Place, Observer]
    ) -> None:
        self.copies: Counter[tuple[str, int]] = Counter()
        self.away = False
        self._numbers = numbers
        self._senders = senders
        self._observers = observers
        self._marks: list[Mark] = []
        self._words: dict[str, list[str]] = {source: [] for source in senders}
        self._progress: dict[Place, list[tuple[float, int]]] = {place: [] for place in observers}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="account", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._done.set()
        if self._thread.is_alive():
            self._thread.join()

    def suffered(self, source: str, words: str) -> None:
        """A fault was done to this source's flow."""
        self._words[source].append(words)

    def restarted(self, source: str) -> None:
        """The process was started again after its end."""
        self.over(MEANWHILE if self.away else PROCESS, source)

    def over(self, fault: str, source: str) -> None:
        """A fault is over: the service answers again, or there is room on the disk."""
        self._marks.append(Mark(time.monotonic(), fault, source, self._senders[source].due))

    def behind(self, due: Mapping[str, int]) -> list[Place]:
        """Sinks that do not have the first `due` events of their source yet."""
        return [
            place
            for place in self._observers
            if self._count(place) < self._share(due[place[0]], place)
        ]

    def wait(self, due: Mapping[str, int], timeout: float) -> list[Place]:
        """Wait until every sink has those events; the ones that do not after the time."""
        deadline = time.monotonic() + timeout
        while (behind := self.behind(due)) and time.monotonic() < deadline:
            time.sleep(LOOK / 2)
        return behind

    def rows(self, sent: Mapping[str, int]) -> list[Row]:
        """The table, once nothing moves any more."""
        return [self._row(place, sent[place[0]]) for place in self._observers]

    def _watch(self) -> None:
        while not self._done.wait(LOOK):
            for place, observer in self._observers.items():
                with suppress(OSError, ServiceError):
                    count = observer.seen()
                    if count != self._count(place):
                        self._progress[place].append((time.monotonic(), count))

    def _count(self, place: Place) -> int:
        history = self._progress[place]
        return history[-1][1] if history else 0

    def _share(self, events: int, place: Place) -> int:
        return Numbers.share(events, SINKS[place[1]].devices)

    def _recovery(self, mark: Mark, place: Place) -> float:
        wanted = self._share(mark.due, place)
        if wanted == 0:
            return 0.0
        reached = next((at for at, count in self._progress[place] if count >= wanted), NEVER)
        return round(max(0.0, reached - mark.at), 1)

    def _redelivered(self, source: str, devices: int) -> int:
        """How many payloads of those devices came from the MQTT broker once more."""
        of_source = (
            (number, count) for (name, number), count in self.copies.items() if name == source
        )
        return sum(count - 1 for number, count in of_source if number % DEVICES < devices)

    def _row(self, place: Place, sent: int) -> Row:
        source, sink = SOURCES[place[0]], SINKS[place[1]]
        wanted = {number for number in range(sent) if number % DEVICES < sink.devices}
        arrived = self._observers[place].arrived()
        again = 0 if source.ids else self._redelivered(place[0], sink.devices)
        recoveries: dict[str, list[float]] = {}
        for mark in self._marks:
            if mark.source == place[0]:
                recoveries.setdefault(mark.fault, []).append(self._recovery(mark, place))
        own = {PROCESS, "disk", "redpanda", "stalled", *source.needs, *sink.needs}
        worst, median = recovery([time for fault in own for time in recoveries.get(fault, [])])
        return Row(
            source=measured_on(source.words),
            sink=sink.words,
            faults=counted(self._words[place[0]]),
            sent=len(wanted),
            stored=len(arrived.numbers & wanted),
            lost=len(wanted - arrived.numbers),
            duplicated=max(0, arrived.items - len(arrived.numbers) - again)
            + len(arrived.numbers - wanted),
            redelivered=again,
            repeated=arrived.repeated,
            out_of_order=arrived.out_of_order,
            recovery_s=worst,
            recovery_median_s=median,
            recoveries={
                fault: [None if t == NEVER else t for t in times]
                for fault, times in recoveries.items()
            },
            date=today(),
            machine=machine(),
        )


def counted(words: list[str]) -> str:
    """`2 × kill -9, SIGTERM`."""
    counts = Counter(words)
    return ", ".join(word if count == 1 else f"{count} × {word}" for word, count in counts.items())
