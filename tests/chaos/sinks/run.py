"""A run: each sink in turn is hung, refuses, or has one thing that it never takes."""

import math
import os
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from connectors.kafka.connection import TopicConnection
from infra.demo.programs import ApiProgram
from infra.together import Together
from tests.chaos.ends.observers import Consumer
from tests.chaos.sinks import refusals
from tests.chaos.sinks.far_ends import Arrivals, FarEnds
from tests.chaos.sinks.table import Sufferance
from tests.chaos.sinks.world import FLOW, Listener, Sender, SinksStack
from tests.chaos.table import machine, today
from tests.flow_process import FlowProcess
from tests.waiting import wait_until

SERVICES = {
    "clickhouse": "clickhouse",
    "influxdb": "influxdb",
    "objects": "minio",
    "webhook": "hooks",
    "email": "email",
    "mqtt": "mqtt",
    "apprise": "phone",
}
"""The service of each sink."""
STATUSES = (500, 503)
LONG = 400.0
"""Seconds until all sinks have all: a busy machine gets behind with some of them."""


@dataclass(frozen=True)
class Trouble:
    """Something that is done to a sink, in words for the table, and how it ends."""

    sink: str
    words: str
    begin: Callable[[], object]
    end: Callable[[], object]


class SinksRun(Together):
    """Everything that runs. Use it as a context."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self._rate = rate
        self.over_push = Arrivals()
        self.raised: dict[str, float] = {}
        self.changes = Arrivals()
        self.letters: list[dict[str, Any]] = []

    def _start(self) -> None:
        made = tempfile.TemporaryDirectory(prefix="vigie-chaos-", ignore_cleanup_errors=True)
        folder = Path(self._ending.enter_context(made))
        folder.chmod(0o711)  # services that run as a user of their own must get through
        self.stack = self._ending.enter_context(SinksStack(folder))
        for name, relay in self.stack.relays.items():
            relay.target = self.stack[name].port
        self.stack.write_site()
        api = ApiProgram(folder / "api", self.stack.site)
        self._ending.callback(api.kill)
        api.start().wait_ready()
        definition = folder / "chaos_sinks.yaml"
        definition.write_text(FLOW)
        self.flow = FlowProcess(definition, self.stack.site, folder / "flow")
        self._ending.callback(self.flow.kill)
        self.flow.wait_running()
        connection = TopicConnection(**self.stack.connections()["redpanda"])
        for topic, take in {
            "vigie.alarms": self._changed,
            "vigie.dead.chaos_sinks": self._refused,
        }.items():
            self._ending.callback(Consumer(connection, {topic: take}).close)
        listener = Listener(api, lambda change: self.over_push.take([change["id"]]))
        listener.start()
        self._ending.callback(listener.end)
        self.ends = FarEnds(self.stack)
        self._ending.callback(self.ends.end)
        self.sender = Sender(connection, self._rate)
        self.sender.start()
        self._ending.callback(self.sender.end)
        wait_until(lambda: self.raised, what="the first alarm")
        self.wait_all()

    def _changed(self, lines: list[dict[str, Any]]) -> None:
        self.changes.take(line["id"] for line in lines)
        self.raised |= {line["id"]: line["time"] for line in lines if line["event"] == "activated"}

    def _refused(self, lines: list[dict[str, Any]]) -> None:
        self.letters += lines

    def places(self) -> dict[str, Arrivals]:
        """Where alarm changes go: the WebSocket and every sink."""
        return {"WebSocket": self.over_push, **self.ends.alarms}

    def wait_all(self, but: str | None = None) -> float:
        """Wait until every place has all changes that exist now; the seconds it took."""
        began = time.monotonic()
        known = set(self.changes.first)
        for place, arrivals in self.places().items():
            if place != but:
                wait_until(
                    lambda: known <= arrivals.first.keys() | self.set_aside(place),  # noqa: B023
                    LONG,
                    f"all changes at {place}",
                    0.1,
                )
        return time.monotonic() - began

    def set_aside(self, sink: str) -> set[str]:
        """The ids of events that became dead letters of a sink."""
        return {
            letter["id"].rpartition("/")[0] for letter in self.letters if letter["step"] == sink
        }

    def troubles(self, names: Sequence[str]) -> list[Trouble]:
        """All that is done to these sinks, after a span in which nothing is."""
        found = [Trouble("–", "nothing", lambda: None, lambda: None)]
        for sink in names:
            service = self.stack[SERVICES[sink]]
            stop = partial(_signal, service, signal.SIGSTOP)
            found.append(Trouble(sink, "SIGSTOP", stop, partial(_signal, service, signal.SIGCONT)))
            relay = self.stack.relays[SERVICES[sink]]
            refuse = {"email": {"421": refusals.smtp}, "mqtt": {"CONNACK 0x88": refusals.mqtt}}
            other = {f"HTTP {status}": refusals.http(status) for status in STATUSES}
            for words, refusal in refuse.get(sink, other).items():
                begin = partial(self._refuse, relay, refusal)
                found.append(Trouble(sink, words, begin, partial(self._refuse, relay, None)))
        return [*found, *(one for one in self._poisons() if one.sink in names)]

    def _poisons(self) -> list[Trouble]:
        clickhouse, relays = self.stack["clickhouse"], self.stack.relays
        row = "ALTER TABLE vigie.chaos_alarms {} CONSTRAINT poisoned CHECK subject != 'poison'"
        key = refusals.http(500, only=b"PUT")

        def set_on(name: str, refusal: Any) -> None:
            relays[name].refuse = refusal

        return [
            Trouble(
                "clickhouse",
                "a poisoned row",
                lambda: clickhouse.query(row.format("ADD")),
                lambda: clickhouse.query("ALTER TABLE vigie.chaos_alarms DROP CONSTRAINT poisoned"),
            ),
            Trouble(
                "objects",
                "a poisoned key",
                lambda: set_on("minio", key),
                lambda: set_on("minio", None),
            ),
            Trouble(
                "email",
                "a poisoned address",
                lambda: set_on("email", refusals.smtp_poisoned),
                lambda: set_on("email", None),
            ),
        ]

    @staticmethod
    def _refuse(relay: Any, refusal: Any) -> None:
        relay.cut()
        relay.refuse = refusal
        relay.mend()

    def suffer(self, trouble: Trouble, seconds: float) -> Sufferance:
        """Do one thing, and see how long every other place waits for an alarm meanwhile."""
        repeated = {place: arrivals.repeated for place, arrivals in self.places().items()}
        letters = len(self.letters)
        began, cpu = time.time(), self.flow.cpu()
        trouble.begin()
        try:
            time.sleep(seconds)
            wait_until(
                lambda: any(time_ > began for time_ in list(self.raised.values())),
                what="an alarm meanwhile",
            )
            ended = time.time()
            cpu = (self.flow.cpu() - cpu) / (ended - began)
            self.wait_all(but=trouble.sink)
        finally:
            trouble.end()
        recovery = self.wait_all()
        meanwhile = {id for id, at in self.raised.items() if began < at < ended}
        waits = {
            place: [
                arrivals.first[id] - self.raised[id] for id in meanwhile if id in arrivals.first
            ]
            for place, arrivals in self.places().items()
            if place != trouble.sink
        }
        slowest = max(waits, key=lambda place: percentile(waits[place], 99))
        return Sufferance(
            sink=trouble.sink,
            words=trouble.words,
            seconds=round(seconds),
            raised=len(meanwhile),
            push_p50=percentile(waits["WebSocket"], 50),
            push_p99=percentile(waits["WebSocket"], 99),
            slowest=slowest,
            slowest_p99=percentile(waits[slowest], 99),
            recovery=round(recovery, 1),
            repeated=sum(a.repeated - repeated[p] for p, a in self.places().items()),
            dead_letters=len(self.letters) - letters,
            cpu=round(cpu, 2),
            lost=0,
            doubled=0,
            date=today(),
            machine=machine(),
        )


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile."""
    ordered = sorted(values)
    return round(ordered[math.ceil(percent / 100 * len(ordered)) - 1], 3) if ordered else 0.0


def _signal(service: Any, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(service.pid, number)
