"""One fault run: services, flows, devices and observers, then the faults, then the account."""

import base64
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from connectors.kafka.connection import TopicConnection
from infra.embedded.service import Unavailable
from infra.together import Together
from tests.chaos.account import Account
from tests.chaos.attack import Attack
from tests.chaos.ends.far_files import HookReader
from tests.chaos.ends.numbers import Numbers
from tests.chaos.ends.observers import Consumer, Deliveries, Subscriber
from tests.chaos.faults import Scale
from tests.chaos.paths import SINKS, SOURCES, definition
from tests.chaos.small_disk import SmallDisk
from tests.chaos.small_disk import missing as no_small_disk
from tests.chaos.stack import ChaosStack
from tests.chaos.table import Row
from tests.chaos.victim import Ending, Victim
from tests.waiting import wait_until

SERVICES = ("redpanda", "clickhouse", "mqtt", "mariadb", "influxdb", "minio", "email")
SETTLE = 300.0


class Run(Together):
    """Everything that runs. Use it as a context; leaving it ends all processes, whatever
    happened.
    """

    def __init__(self, scale: Scale, sources: Sequence[str], say: Callable[[str], None]) -> None:
        super().__init__()
        self.scale = scale
        self.sources = list(sources)
        self.say = say
        self.victims: dict[str, Victim] = {}
        self.disks: dict[str, SmallDisk] = {}
        self._numbers = Numbers(int(time.time()) - 7200)

    def _start(self) -> None:
        made = tempfile.TemporaryDirectory(prefix="vigie-chaos-", ignore_cleanup_errors=True)
        folder = Path(self._ending.enter_context(made))
        folder.chmod(0o711)  # services that run as a user of their own must get through
        stack = ChaosStack(folder, SERVICES)
        if stack.left_out:
            raise Unavailable(
                f"a fault run needs every service: {'; '.join(stack.left_out.values())}; run make"
                " setup"
            )
        self.stack = self._ending.enter_context(stack)
        for source in self.sources:
            self._make_flow(source, folder)
        self.senders = {
            s: SOURCES[s].sender(self._numbers, self.scale.rate, self.stack) for s in self.sources
        }
        self.observers = {
            (source, name): sink.observer(self._numbers, self.stack, source)
            for source in self.sources
            for name, sink in SINKS.items()
        }
        self.account = Account(self._numbers, self.senders, self.observers)
        for source, victim in self.victims.items():
            victim.start(partial(self._restarted, source))
        self._wait_running()
        self._listen()
        for sender in self.senders.values():
            self._ending.callback(sender.abort)
            sender.start()
        self._ending.callback(self.account.close)
        self.account.start()

    def _make_flow(self, source: str, folder: Path) -> None:
        path = folder / f"chaos_{source}.yaml"
        path.write_text(definition(source))
        if self.scale.full_disk and no_small_disk() is None:
            self.disks[source] = SmallDisk(folder / source / "state")
            self._ending.callback(self.disks[source].unmount)
        self.victims[source] = Victim(source, folder / source, path, self.stack.site)
        self._ending.callback(self.victims[source].give_up)

    def _wait_running(self) -> None:
        for source, victim in self.victims.items():
            ready = SOURCES[source].ready
            wait_until(
                lambda: ready in victim.said(),  # noqa: B023
                what=f"flow {source} to say {ready!r}",
                every=0.1,
            )
        for source in self.sources:
            if pattern := SOURCES[source].subscribes:
                self.stack["mqtt"].wait_subscribed(pattern, SETTLE)

    def _listen(self) -> None:
        echoes = {source: self._deliveries(source, "mqtt") for source in self.sources}
        self._ending.callback(Subscriber(self.stack["mqtt"], echoes).close)
        hooks = {source: self._deliveries(source, "webhook") for source in self.sources}
        self._ending.callback(HookReader(self.stack.hooks.file, hooks).close)
        topics: dict[str, Any] = {
            f"chaos.{source}": self._deliveries(source, "topic").take for source in self.sources
        }
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
        """Note each copy of a payload without an id that came from the MQTT broker."""
        for line in lines:
            seen = json.loads(base64.b64decode(line["payload"]))["last_seen"]
            self.account.copies[source, self._numbers.number(seen / 1000)] += 1

    def _restarted(self, source: str, ending: Ending) -> None:
        self.account.restarted(source)

    def due(self) -> dict[str, int]:
        """How many events of each source exist."""
        return {source: sender.due for source, sender in self.senders.items()}

    def count(self) -> list[Row]:
        """Stop the devices, let the flows finish, and count."""
        self.say("the devices stop; counting")
        sent = {source: sender.finish() for source, sender in self.senders.items()}
        for source, sink in self.account.wait(sent, SETTLE):
            self.say(f"  {source} to {sink} is not complete after {SETTLE:g} s")
        for victim in self.victims.values():
            victim.stop()
        self.account.close()
        return self.account.rows(sent)

    def troubles(self) -> list[str]:
        """A line for each end of a flow that should not have been."""
        return [
            f"flow {source}: {line}"
            for source, victim in self.victims.items()
            for line in victim.troubles()
        ]


def run(
    scale: Scale, sources: Sequence[str], say: Callable[[str], None]
) -> tuple[list[Row], list[str]]:
    """A whole fault run: its rows, and what went wrong besides."""
    with Run(scale, sources, say) as chaos:
        Attack(scale, chaos.stack, chaos.victims, chaos.disks, chaos.account, chaos.due, say).all()
        rows = chaos.count()
        return rows, chaos.troubles()
