"""The real services of a fault run; how each is lost is in `outages`."""

import secrets
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from infra.demo.programs import ROOT
from infra.embedded.broker import Broker
from infra.embedded.ports import connect, free_port
from infra.embedded.service import Service
from infra.embedded.stack import Stack
from tests.chaos.ends.relay import Relay


class RelayedBroker(Broker):
    """A broker that tells its clients to come through a relay."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.relay: Relay | None = None

    def command(self) -> list[str]:
        if self.relay is None:
            self.relay = Relay(self.port)
        self.relay.target = self.port
        command = super().command()
        command[command.index("--advertised-listener-url") + 1] = f"tcp://{self.relay.address}"
        return command


class Hooks(Service):
    """The receiver of webhooks; what it accepted is in `file`, over its own death."""

    NAME: ClassVar[str] = "webhook receiver"

    @property
    def file(self) -> Path:
        return self.folder / "received.jsonl"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def prepare(self) -> None:
        self.file.touch()

    def command(self) -> list[str]:
        return [sys.executable, "-m", "tests.receivers", str(self.port), str(self.file)]

    def environment(self) -> dict[str, str]:
        return {"PYTHONPATH": str(ROOT)}

    def probe(self) -> None:
        connect(self.port).close()


class ChaosStack(Stack):
    """The embedded services and a receiver of webhooks, with a relay before a broker that has no
    disk.
    """

    def __init__(self, folder: Path, services: Iterable[str]) -> None:
        super().__init__(folder, services)
        self.hooks = Hooks(self.folder / "hooks")
        self.services["hooks"] = self.hooks
        self.http_port = free_port()
        self.http_token = secrets.token_urlsafe(24)

    def _make(self, name: str) -> Service:
        made = super()._make(name)
        return RelayedBroker(made.folder) if isinstance(made, Broker) else made

    def connections(self) -> dict[str, dict[str, Any]]:
        found = super().connections()
        if self.relay is not None:
            found["redpanda"]["brokers"] = [self.relay.address]
        found["hooks"] = {"url": self.hooks.url}
        found["http"] = {"port": self.http_port, "tokens": {"devices": self.http_token}}
        return found

    @property
    def relay(self) -> Relay | None:
        broker = self["redpanda"]
        return broker.relay if isinstance(broker, RelayedBroker) else None
