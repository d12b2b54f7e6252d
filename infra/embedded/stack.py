"""All embedded services together, and the site file that names them.

with Stack("data") as stack:
    stack.site              # data/site.yaml, mode 0600: addresses and secrets of every service that
    runs stack.left_out          # {"mqtt": "Debian's package mosquitto is not installed"}
"""

import json
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn, Self

from infra.embedded.broker import Broker
from infra.embedded.clickhouse import ClickHouse
from infra.embedded.kafka.server import Kafka
from infra.embedded.mail import Mail
from infra.embedded.mariadb import REPLICATION, MariaDB
from infra.embedded.mosquitto import Mosquitto
from infra.embedded.objects import Objects
from infra.embedded.service import Service, ServiceError, each, write_private
from infra.embedded.victoria import Victoria

MQTT_USERS = ("vigie", "devices")
DATABASE = "vigie"

SERVICES: Mapping[str, type[Service]] = {
    "redpanda": Broker,
    "clickhouse": ClickHouse,
    "minio": Objects,
    "mqtt": Mosquitto,
    "mariadb": MariaDB,
    "influxdb": Victoria,
    "email": Mail,
}
"""Connection of the site file: what serves it here."""
BROKERS: Mapping[str, type[Service]] = {"embedded": Broker, "kafka": Kafka}
"""What serves `redpanda`, by the environment variable BROKER: one in memory, or Apache Kafka."""


def services_by_name() -> dict[str, type[Service]]:
    """What serves each connection, with the broker that BROKER asks for."""
    return {**SERVICES, "redpanda": BROKERS[_asked()]}


def measured_on(words: str) -> str:
    """Words for what was measured, with the broker where it is not the usual one."""
    return words if _asked() == "embedded" else f"{words}, on Apache Kafka"


def _asked() -> str:
    asked = os.environ.get("BROKER") or "embedded"
    if asked not in BROKERS:
        raise ServiceError(f"BROKER is {asked!r}; expected {' or '.join(BROKERS)}")
    return asked


class Stack:
    """Starts the services that can run on this machine together, and stops them at the end."""

    def __init__(self, folder: Path | str, services: Iterable[str] = tuple(SERVICES)) -> None:
        """`services` are names of `SERVICES`. A folder used before keeps its data and passwords."""
        self.folder = Path(folder).resolve()
        self.site = self.folder / "site.yaml"
        wanted = list(services)
        if unknown := [name for name in wanted if name not in SERVICES]:
            raise ServiceError(
                f"no service is called {', '.join(unknown)}; there are {', '.join(SERVICES)}"
            )
        self._kinds = services_by_name()
        self.left_out: dict[str, str] = {}
        self.services: dict[str, Service] = {}
        for name in wanted:
            if reason := self._kinds[name].missing():
                self.left_out[name] = reason
            else:
                self.services[name] = self._make(name)

    def _make(self, name: str) -> Service:
        folder = self.folder / name
        if name == "mqtt":
            return Mosquitto(folder, users=MQTT_USERS)
        return self._kinds[name](folder)

    def __getitem__(self, name: str) -> Any:
        """A service by its connection's name; raises `KeyError` with why it was left out."""
        if name not in self.services:
            raise KeyError(
                f"{name} does not run here: {self.left_out.get(name, 'it was not asked for')}"
            )
        return self.services[name]

    def __contains__(self, name: str) -> bool:
        return name in self.services

    def start(self) -> Self:
        """Start all, wait until all answer, write the site file; raises `ServiceError`.

        After an error nothing stays running.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            each(self.services.values(), lambda service: service.start().wait_ready())
            self._make_databases()
        except BaseException:
            each(self.services.values(), Service.kill)
            raise
        self.write_site()
        return self

    def _make_databases(self) -> None:
        if "clickhouse" in self:
            self["clickhouse"].query(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")

    def stop(self) -> None:
        """Stop all; raises `ServiceError` after all have ended if one had to be killed."""
        each(self.services.values(), Service.stop)

    def wait(self, interval: float = 0.5) -> NoReturn:
        """Return never while all run; raises `ServiceError` as soon as one has ended by itself."""
        while True:
            self.check()
            time.sleep(interval)

    def check(self) -> None:
        """Raise `ServiceError` if a service has ended by itself."""
        for service in self.services.values():
            if not service.pid:
                raise ServiceError(
                    f"{service.NAME} on {service.address} has ended.\nIts log:\n{service.tail()}"
                )

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def connections(self) -> dict[str, dict[str, Any]]:
        """The `connections` of a site file, with secrets, for the services that run here."""
        found: dict[str, dict[str, Any]] = {}
        for name, service in self.services.items():
            match service:
                case Broker():
                    found[name] = {"brokers": [service.address], "idempotence": False}
                case Kafka():
                    found[name] = {"brokers": [service.address]}
                case ClickHouse():
                    found[name] = {
                        "url": f"{service.url}/{DATABASE}",
                        "username": "default",
                        "migrate": True,
                    }
                    found[name]["password"] = service.password
                case Objects():
                    found[name] = {"url": service.url, "access_key": service.access_key}
                    found[name]["secret_key"] = service.secret_key
                case Mosquitto():
                    found[name] = {"url": service.url, "username": MQTT_USERS[0]}
                    found[name]["password"] = service.password(MQTT_USERS[0])
                case MariaDB():
                    found[name] = {"url": service.login(REPLICATION)}
                case Victoria():
                    found[name] = {"url": service.url, "org": service.ORG, "token": service.token}
                case Mail():
                    found[name] = {"url": service.url}
        return found

    def write_site(self, path: Path | None = None) -> Path:
        """Write the site file (mode 0600) and return its path."""
        path = path or self.site
        write_private(path, site_text(self.connections()))
        return path

    def table(self) -> str:
        """Names and addresses, for people; no secrets."""
        width = max(map(len, SERVICES))
        rows = [f"  {name:<{width}}  {service.address}" for name, service in self.services.items()]
        rows += [f"  {name:<{width}}  left out: {reason}" for name, reason in self.left_out.items()]
        return "\n".join([*rows, f"  {'site file':<{width}}  {self.site}"])


def site_text(connections: Mapping[str, Mapping[str, Any]], timezone: str = "UTC") -> str:
    """A site file as YAML, with values as JSON strings, for `$` would ask for a variable."""
    lines = [
        "vigie: 1",
        "site: embedded",
        f"timezone: {timezone}",
        "",
        "connections:" if connections else "connections: {}",
    ]
    for name, settings in connections.items():
        lines.append(f"  {name}:")
        lines += [f"    {key}: {json.dumps(value)}" for key, value in settings.items()]
    return "\n".join(lines) + "\n"
