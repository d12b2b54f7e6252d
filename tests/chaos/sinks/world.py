"""The flow with its far ends, each behind a relay, the api, and the sender of readings."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from websockets import Subprotocol
from websockets.sync.client import connect

from connectors.base import ConnectorContext
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from infra.demo.programs import ApiProgram
from operators.events import Event, Reading
from tests.chaos.ends.relay import Relay
from tests.chaos.stack import ChaosStack, Hooks
from tests.waiting import PATIENCE

RELAYED = ("clickhouse", "influxdb", "minio", "hooks", "email", "mqtt", "phone")
FEED = "chaos.feed"
DEVICES = 50
TICK = 0.05
TURNS = 100
"""A device is too hot once in so many of its readings."""

FLOW = """\
vigie: 1
flow: chaos_sinks
sources: {readings: {topic: {name: chaos.feed, new_partitions: 1}}}
alarms:
  hot: {from: readings, when: {above: 30}, response: Cool it.}
sinks:
  history: {from: readings, clickhouse: chaos_readings}
  series: {from: readings, influxdb: {bucket: chaos, measurement: readings, tags: [id]}}
  archive: {from: readings, objects: {bucket: chaos, key: "readings/{time:%H%M%S}", every: 10s}}
  clickhouse: {from: alarms, only: {change: all}, clickhouse: chaos_alarms}
  influxdb:
    {from: alarms, only: {change: all}, influxdb: {bucket: chaos, measurement: alarms, tags: [id]}}
  objects:
    {from: alarms, only: {change: all}, objects: {bucket: chaos, key: "alarms/{subject}/{id}"}}
  webhook: {from: alarms, only: {change: all}, webhook: {connection: hooks, path: /alarms}}
  mqtt: {from: alarms, only: {change: all}, mqtt: {topic: "echo/{subject}"}}
  apprise:
    from: alarms
    only: {change: all}
    apprise: {connection: phone, title: "chaos {id}", concurrency: 4}
  email:
    from: alarms
    only: {change: all}
    email:
      to: [ops@example.org, poison@example.org]
      title: "chaos {id}"
      body: "chaos {id}"
      group_wait: 100ms
      group_interval: 100ms
"""


class SinksStack(ChaosStack):
    """The services, each behind a relay that the flow comes through, and a push service."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, ["redpanda", "clickhouse", "mqtt", "influxdb", "minio", "email"])
        self.services["phone"] = Hooks(self.folder / "phone")
        self.relays = {name: Relay(self[name].port) for name in RELAYED}

    def connections(self) -> dict[str, dict[str, Any]]:
        found = super().connections()
        del found["http"]
        found["phone"] = {"url": f"json://{self['phone'].address}/alarms"}
        for name, relay in self.relays.items():
            found[name]["url"] = found[name]["url"].replace(self[name].address, relay.address)
        return found


class Sender(threading.Thread):
    """Writes readings into a topic at a steady rate; each has the time at which it was sent."""

    def __init__(self, connection: TopicConnection, rate: float) -> None:
        super().__init__(name="sender", daemon=True)
        self._producer = Producer(
            connection, ConnectorContext("sender", "sender", connection).health, "sender"
        )
        self._rate = rate
        self._end = threading.Event()
        self.sent: set[str] = set()

    def run(self) -> None:
        began, number = time.monotonic(), 0
        while not self._end.wait(TICK):
            due = int((time.monotonic() - began) * self._rate)
            events: list[Event] = [_reading(n) for n in range(number, due)]
            self._producer.send_events(FEED, events)
            self._producer.flush()
            self.sent |= {event.id for event in events}
            number = due

    def end(self) -> None:
        self._end.set()
        self.join()
        self._producer.close()


def _reading(number: int) -> Reading:
    device, turn = number % DEVICES, number // DEVICES
    is_hot = turn % TURNS == device * TURNS // DEVICES or (device == 7 and turn % 8 < 4)
    return Reading(
        id=f"r{number}",
        time=time.time(),
        subject="poison" if device == 7 else f"rack{device}",
        metric="temperature",
        value=40.0 if is_hot else 20.0,
        unit="°C",
    )


class Listener(threading.Thread):
    """A client of the api's WebSocket on the channel of alarms; `take` gets each alarm change."""

    def __init__(self, api: ApiProgram, take: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(name="listener", daemon=True)
        self._token = api.log_in()
        self._address = api.address
        self._take = take
        self._end = threading.Event()

    def run(self) -> None:
        with connect(
            f"ws://{self._address}/ws",
            additional_headers={"Authorization": f"Bearer {self._token}"},
            subprotocols=[Subprotocol("vigie.push.v1")],
            compression=None,
            open_timeout=PATIENCE,
            ping_interval=None,
        ) as client:
            client.send(json.dumps({"type": "subscribe", "channels": ["alarms"]}))
            while not self._end.is_set():
                with suppress(TimeoutError):
                    message = json.loads(client.recv(timeout=0.5))
                    if message["type"] == "event":
                        self._take(message["data"])

    def end(self) -> None:
        self._end.set()
        self.join()
