"""Every service of a fault run: how it is taken away and given back."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass

from infra.embedded.service import Service
from tests.chaos.stack import ChaosStack


@dataclass(frozen=True)
class Outage:
    """One way to lose a service, in words for the table, and to get it back; `back` returns when
    it answers.
    """

    name: str
    words: str
    lose: Callable[[], None]
    back: Callable[[], object]


def outages(stack: ChaosStack) -> dict[str, Outage]:
    """The outage of every service that runs, by its connection's name.

    What a service has confirmed must survive the way it ends here: Mosquitto and VictoriaMetrics
    write to disk once a second, so they are stopped; the others are killed.
    """
    found = {}
    for name, words in WORDS.items():
        if name not in stack:
            continue
        service: Service = stack[name]
        lose = service.stop if name in ("mqtt", "influxdb") else service.kill
        found[name] = Outage(
            name, words, lose, lambda service=service: service.start().wait_ready()
        )  # type: ignore[misc]
    if (relay := stack.relay) is not None:
        found["redpanda"] = Outage("redpanda", "broker cut off", relay.cut, relay.mend)
    broker: Service = stack["redpanda"]
    found["stalled"] = Outage(
        "stalled",
        "broker stalled",
        lambda: _signal(broker, signal.SIGSTOP),
        lambda: _signal(broker, signal.SIGCONT),
    )
    return found


def _signal(service: Service, number: int) -> None:
    if service.pid:
        os.kill(service.pid, number)


WORDS = {
    "redpanda": "broker killed",
    "mqtt": "Mosquitto stopped",
    "mariadb": "MariaDB killed",
    "clickhouse": "ClickHouse killed",
    "influxdb": "series store stopped",
    "minio": "object store killed",
    "email": "mail server killed",
    "hooks": "webhook receiver killed",
}
