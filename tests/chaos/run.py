"""One fault run: services, flows, devices and observers; faults; and the account at the end."""

import base64
import json
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from connectors.topic_client import TopicConnection
from infra.embedded.service import ServiceError
from tests.chaos.far_files import HookReader
from tests.chaos.faults import Scale, kill_times
from tests.chaos.numbers import DEVICES, Numbers
from tests.chaos.observers import Consumer, Deliveries, Observer, Subscriber
from tests.chaos.paths import SINKS, SOURCES, definition
from tests.chaos.senders import Sender
from tests.chaos.stack import ChaosStack, Outage, outages
from tests.chaos.table import Row, machine, recovery, today
from tests.chaos.victim import Ending, Victim
from tests.waiting import wait_until

SERVICES = ("redpanda", "clickhouse", "mqtt", "mariadb", "influxdb", "minio", "email")
LOOK = 0.4
SETTLE = 90.0
PROCESS = "process"
"""Faults of the flow's own process; the others are named after the service."""


@dataclass(frozen=True)
class Mark:
    """The end of a fault, for one flow: how many events existed then."""

    at: float
    fault: str
    source: str
    due: int


class Run:
    """Everything that runs. Use it as a context; leaving it ends all processes, whatever happened."""

    def __init__(self, scale: Scale, sources: Sequence[str], say: Callable[[str], None]) -> None:
        self.scale = scale
        self.sources = list(sources)
        self.say = say
        self.victims: dict[str, Victim] = {}
        self.senders: dict[str, Sender] = {}
        self.observers: dict[tuple[str, str], Observer] = {}
        self.marks: list[Mark] = []
        self._copies: Counter[tuple[str, int]] = Counter()
        self._progress: dict[tuple[str, str], list[tuple[float, int]]] = {}
        self._away: Outage | None = None
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="watcher", daemon=True)
        self._ending = ExitStack()
        self._chance = random.Random(scale.seed)
        self._numbers = Numbers(int(time.time()) - 7200)
        self._done_words: dict[str, list[str]] = {source: [] for source in self.sources}

    def __enter__(self) -> "Run":
        try:
            self._start()
        except BaseException:
            self._ending.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._ending.close()

    def _start(self) -> None:
        folder = Path(
            self._ending.enter_context(tempfile.TemporaryDirectory(prefix="vigie-chaos-", ignore_cleanup_errors=True))
        )
        folder.chmod(0o711)
        self.stack = self._ending.enter_context(ChaosStack(folder, SERVICES))
        self.outages = outages(self.stack)
        self._ending.callback(self._restore)
        for source in self.sources:
            path = folder / f"chaos_{source}.yaml"
            path.write_text(definition(source))
            victim = Victim(source, folder / source, path, self.stack.site)
            self.victims[source] = victim
            self._ending.callback(victim.give_up)
            victim.start(partial(self._restarted, source))
        for victim in self.victims.values():
            victim.program.wait_ready()
        self._listen()
        for source in self.sources:
            self.senders[source] = SOURCES[source].sender(self._numbers, self.scale.rate, self.stack)
        self._wait_running()
        for sender in self.senders.values():
            sender.start()
        self._watcher.start()
        self._ending.callback(self._watched)

    def _wait_running(self) -> None:
        for source, victim in self.victims.items():
            ready = SOURCES[source].ready
            wait_until(lambda: ready in victim.said(), 30, f"flow {source} to say {ready!r}")  # noqa: B023
        for pattern in ("mats/+", "zigbee2mqtt/+"):
            if any(pattern in SOURCES[source].yaml for source in self.sources):
                self.stack["mqtt"].wait_subscribed(pattern, 30)

    def _listen(self) -> None:
        for source in self.sources:
            for name, sink in SINKS.items():
                self.observers[source, name] = sink.observer(self._numbers, self.stack, source)
        self._progress = {place: [] for place in self.observers}
        echoes = {source: self._deliveries(source, "mqtt") for source in self.sources}
        self._ending.callback(Subscriber(self.stack["mqtt"], echoes).close)
        hooks = {source: self._deliveries(source, "webhook") for source in self.sources}
        self._ending.callback(HookReader(self.stack.hooks, hooks).close)
        topics: dict[str, Any] = {f"chaos.{source}": self._deliveries(source, "topic").take for source in self.sources}
        topics["vigie.push"] = self._push
        for source in self.sources:
            if not SOURCES[source].ids:
                topics[f"vigie.in.chaos_{source}.devices"] = partial(self._raw, source)
        connection = TopicConnection(**self.stack.connections()["redpanda"])
        self._ending.callback(Consumer(connection, topics).close)

    def _deliveries(self, source: str, sink: str) -> Deliveries:
        observer = self.observers[source, sink]
        assert isinstance(observer, Deliveries)
        return observer

    def _push(self, lines: list[dict[str, Any]]) -> None:
        for line in lines:
            self._deliveries(line["flow"].removeprefix("chaos_"), "push").take([line["data"]])

    def _raw(self, source: str, lines: list[dict[str, Any]]) -> None:
        """Note each copy of a payload without an id that came from the broker."""
        for line in lines:
            seen = json.loads(base64.b64decode(line["payload"]))["last_seen"]
            self._copies[source, self._numbers.number(seen / 1000)] += 1

    def _restore(self) -> None:
        """Give back what an exception left away, so that all can end in peace."""
        if self._away is not None:
            self._away.back()

    # The faults.

    def attack(self) -> None:
        """All faults, one kind after the other."""
        self.kill_at_random()
        for name in self._order():
            self.take_away(self.outages[name])
        self.ask_to_end()

    def _order(self) -> list[str]:
        names = list(self.outages)
        self._chance.shuffle(names)
        return names

    def kill_at_random(self) -> None:
        """kill -9 of every flow at its own random moments."""
        self.say(f"kill -9 of each flow, {self.scale.kills} times")
        began = time.monotonic()
        for at, source in kill_times(self.scale, self.sources):
            self._until(began + at)
            self.victims[source].kill()
        for source in self.sources:
            self._done_words[source].append(f"{self.scale.kills} kill -9")
        self.catch_up()

    def take_away(self, outage: Outage) -> None:
        """One service is gone for a while; somewhere in that time one flow is killed as well."""
        self.say(f"{outage.words} for {self.scale.outage:g} s")
        began = time.monotonic()
        outage.lose()
        self._away = outage
        self._until(began + self._chance.uniform(0.2, 0.8) * self.scale.outage)
        source = self._chance.choice(self.sources)
        self.victims[source].kill()
        self._done_words[source].append("a kill -9 in an outage")
        self._until(began + self.scale.outage)
        outage.back()
        self._away = None
        for source in self.sources:
            self._mark(outage.name, source)
            self._done_words[source].append(f"{outage.words} for {self.scale.outage:g} s")
        self.catch_up()

    def ask_to_end(self) -> None:
        """SIGTERM: each flow drains and is started again."""
        self.say("SIGTERM of each flow")
        for source, victim in self.victims.items():
            before = len(victim.endings)
            victim.ask_to_end()
            wait_until(lambda: len(victim.endings) > before, 60, f"flow {source} to end and be started again")  # noqa: B023
            self._done_words[source].append("SIGTERM")
        self.catch_up()

    def catch_up(self) -> None:
        """Wait until every sink has what existed when this was called, or the longest wait is over."""
        due = {source: sender.due for source, sender in self.senders.items()}
        deadline = time.monotonic() + self.scale.quiet
        behind = set(self.observers)
        while behind and time.monotonic() < deadline:
            behind = {place for place in behind if not self._has(place, due[place[0]])}
            time.sleep(LOOK / 2)
        for source, sink in sorted(behind):
            self.say(f"  behind after {self.scale.quiet:g} s: {source} to {sink}")

    def _until(self, moment: float) -> None:
        time.sleep(max(0.0, moment - time.monotonic()))

    # What is noted on the way.

    def _restarted(self, source: str, ending: Ending) -> None:
        if source in self.senders:
            self._mark(PROCESS, source)

    def _mark(self, fault: str, source: str) -> None:
        self.marks.append(Mark(time.monotonic(), fault, source, self.senders[source].due))

    def _watch(self) -> None:
        """Note how far every sink is, again and again."""
        while not self._done.wait(LOOK):
            for place, observer in self.observers.items():
                with suppress(OSError, ServiceError):
                    count = observer.seen()
                    history = self._progress[place]
                    if not history or history[-1][1] != count:
                        history.append((time.monotonic(), count))

    def _watched(self) -> None:
        self._done.set()
        self._watcher.join()

    def _has(self, place: tuple[str, str], due: int) -> bool:
        history = self._progress[place]
        return (history[-1][1] if history else 0) >= Numbers.share(due, SINKS[place[1]].devices)

    def _recovery(self, mark: Mark, place: tuple[str, str]) -> float:
        wanted = Numbers.share(mark.due, SINKS[place[1]].devices)
        if wanted == 0:
            return 0.0
        reached = next((at for at, count in self._progress[place] if count >= wanted), float("inf"))
        return max(0.0, reached - mark.at)

    # The account.

    def account(self) -> list[Row]:
        """Stop the devices, let the flows finish, and count."""
        self.say("the devices stop; counting")
        sent = {source: sender.finish() for source, sender in self.senders.items()}
        deadline = time.monotonic() + SETTLE
        for place in self.observers:
            while not self._has(place, sent[place[0]]) and time.monotonic() < deadline:
                time.sleep(LOOK)
        statuses = {source: victim.stop() for source, victim in self.victims.items()}
        for source, status in statuses.items():
            if status != 0:
                self.say(f"flow {source} ended with {status} when asked")
        self._watched()
        return [self._row(source, name, sent[source]) for source in self.sources for name in SINKS]

    def crashes(self) -> list[str]:
        """A line for each end of a flow that nobody asked for."""
        return [
            f"flow {source} ended by itself with {ending.status}"
            for source, victim in self.victims.items()
            for ending in victim.crashes
        ]

    def _row(self, source: str, name: str, sent: int) -> Row:
        sink = SINKS[name]
        wanted = {number for number in range(sent) if number % DEVICES < sink.devices}
        arrived = self.observers[source, name].arrived()
        extra = arrived.items - len(arrived.numbers)
        again = self._redelivered(source, sink.devices)
        own = {PROCESS, "redpanda", *SOURCES[source].needs, *sink.needs}
        recoveries: dict[str, list[float]] = {}
        for mark in self.marks:
            if mark.source == source:
                recoveries.setdefault(mark.fault, []).append(round(self._recovery(mark, (source, name)), 1))
        return Row(
            source=SOURCES[source].words,
            sink=sink.words,
            faults=", ".join(_counted(self._done_words[source])),
            sent=len(wanted),
            stored=len(arrived.numbers & wanted),
            lost=len(wanted - arrived.numbers),
            duplicated=max(0, extra - again) + len(arrived.numbers - wanted),
            redelivered=again,
            repeated=arrived.repeated,
            out_of_order=arrived.out_of_order,
            recovery_s=recovery([time for fault in own for time in recoveries.get(fault, [])]),
            recoveries=recoveries,
            date=today(),
            machine=machine(),
        )

    def _redelivered(self, source: str, devices: int) -> int:
        """How many payloads of those devices came twice (or thrice) from the broker."""
        return sum(
            count - 1 for (of, number), count in self._copies.items() if of == source and number % DEVICES < devices
        )


def _counted(words: list[str]) -> list[str]:
    counts = {word: words.count(word) for word in dict.fromkeys(words)}
    return [word if count == 1 else f"{count} × {word}" for word, count in counts.items()]


def run(scale: Scale, sources: Sequence[str], say: Callable[[str], None]) -> tuple[list[Row], list[str]]:
    """A whole fault run: its rows, and what went wrong besides."""
    with Run(scale, sources, say) as chaos:
        chaos.attack()
        rows = chaos.account()
        return rows, chaos.crashes()
