"""A plant whose every reading is followed, and one of its ways as a picture.

python -m tests.traced docs/trace.svg
"""

import contextlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import NamedTuple

import paho.mqtt.client as mqtt
from websockets import Subprotocol
from websockets.sync.client import ClientConnection, connect

from infra.demo.programs import ApiProgram, FlowProgram
from infra.embedded.stack import Stack
from tests.otlp import Otlp, Seen
from tests.waiting import PATIENCE, wait_until

PLANT = """\
vigie: 1
flow: plant
sources: {sensors: {mqtt: {topics: [zigbee2mqtt/+]}}}
streams: {readings: {from: sensors, steps: [decode: zigbee2mqtt]}}
alarms: {hot: {from: readings, when: {above: 30, clear: 28}, response: Cool it.}}
sinks:
  live: {from: readings, websocket: plant}
  out: {from: readings, mqtt: {topic: "out/{subject}"}}
"""
WAY = {
    "receive vigie.in.plant.sensors",
    "read sensors",
    "plant/readings/decode",
    "plant/hot",
    "send vigie.alarms",
    "send vigie.push",
    "send vigie.out.plant.out",
    "write out",
    "push alarms",
    "push plant",
}
"""The parts of the way of a reading over 30."""


class Plant(NamedTuple):
    stack: Stack
    otlp: Otlp
    flow: FlowProgram
    client: ClientConnection
    publish: Callable[[str], None]

    def way(self) -> list[Seen]:
        """The parts of the way of a reading over 30, once all are there."""
        return wait_until(self._whole, what=f"{WAY} in {self.otlp.traces()}")

    def _whole(self) -> list[Seen]:
        ways = self.otlp.traces().values()
        return next((way for way in ways if {span.name for span in way} >= WAY), [])


@contextlib.contextmanager
def plant(folder: Path) -> Iterator[Plant]:
    """The flow, the api and a browser's connection, with their services."""
    definition = folder / "plant.yaml"
    definition.write_text(PLANT)
    with Otlp() as otlp, Stack(folder / "services", ["redpanda", "mqtt"]) as stack:
        with stack.site.open("a") as site:
            site.write(f"traces: {{to: '{otlp.address}', sample: 1}}\n")
        mosquitto = stack["mqtt"]
        sender = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        sender.username_pw_set("devices", mosquitto.password("devices"))

        def publish(text: str) -> None:
            sender.publish("zigbee2mqtt/rack", text, qos=1).wait_for_publish(PATIENCE)

        with (
            FlowProgram(folder / "flow", definition, stack.site) as flow,
            ApiProgram(folder / "api", stack.site) as api,
            connect(
                f"ws://{api.address}/ws",
                additional_headers={"Authorization": f"Bearer {api.log_in()}"},
                subprotocols=[Subprotocol("vigie.push.v1")],
            ) as client,
        ):
            client.send(json.dumps({"type": "subscribe", "channels": ["plant", "alarms"]}))
            while '"subscribed"' not in client.recv(PATIENCE):
                pass
            sender.connect("127.0.0.1", mosquitto.port)
            sender.loop_start()
            yield Plant(stack, otlp, flow, client, publish)
            sender.loop_stop()


ROW, LEFT, WIDE = 24, 230, 640
COLOURS = {"vigie plant": "#0969da", "vigie api": "#1a7f37"}


def picture(spans: list[Seen]) -> str:
    """The parts of a way, one below the other, as bars in time."""
    spans = sorted(spans, key=lambda span: bool(span.parent))
    first = min(span.start for span in spans)
    last = max(span.end for span in spans)
    scale = WIDE / (last - first)
    high = ROW * (len(spans) + 2)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDE + 90} {high}"'
        ' role="img" aria-label="The way of one reading" font-family="system-ui, sans-serif"'
        ' font-size="12">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
    ]
    for number, (service, colour) in enumerate(COLOURS.items()):
        x = LEFT + number * 130
        parts.append(f'<rect x="{x}" y="7" width="10" height="10" fill="{colour}"/>')
        parts.append(f'<text x="{x + 16}" y="16" fill="#1b1f24">{service}</text>')
    for row, span in enumerate(spans, 1):
        y, x = ROW * row + 6, LEFT + (span.start - first) * scale
        wide = max((span.end - span.start) * scale, 1.5)
        indent = 12 if span.parent else 0
        if span.parent and span.name != "read sensors":
            indent = 24
        took = f"{1000 * (span.end - span.start):.2f} ms"
        parts += [
            f'<text x="{8 + indent}" y="{y + 12}" fill="#1b1f24">{escape(span.name)}</text>',
            f'<rect x="{x:.1f}" y="{y}" width="{wide:.1f}" height="14" rx="2"'
            f' fill="{COLOURS[span.service]}"/>',
            f'<text x="{x + wide + 5:.1f}" y="{y + 12}" fill="#57606a">{took}</text>',
        ]
    total = f"{1000 * (last - first):.1f} ms from the broker of MQTT to the browser's connection"
    parts.append(f'<text x="{LEFT}" y="{high - 8}" fill="#57606a">{total}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def main(path: Path) -> None:
    """Draw the way of one reading; the first of all is left out, for it waits for new topics."""
    with tempfile.TemporaryDirectory(prefix="vigie-trace-") as folder:
        Path(folder).chmod(0o711)
        with plant(Path(folder)) as one:
            one.publish('{"temperature": 31}')
            one.way()
            one.publish('{"temperature": 20}')
            while '"event":"returned"' not in one.client.recv(PATIENCE):
                pass
            one.otlp.forget()
            one.publish('{"temperature": 32}')
            path.write_text(picture(one.way()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
