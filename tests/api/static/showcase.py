"""A small site to look at: a broker, ClickHouse, two real flows, the api, devices and cameras.

`python -m tests.api.static.showcase FOLDER` runs it until Ctrl-C and prints the address and the
password.
"""

import argparse
import json
import math
import random
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from infra.demo.programs import ROOT, ApiProgram, FlowProgram
from infra.embedded.service import Service, each, write_private
from infra.embedded.stack import Stack
from infra.together import Together
from operators.events import DeadLetter, Detection, Event, Occurrence, Reading
from tests.api.running import Topics
from tests.api.static.camera_feed import CameraFeed
from tests.waiting import PATIENCE

READINGS, EVENTS = "site.readings", "site.events"
PLANT = """\
vigie: 1
flow: plant
about: The showcase's alarms.

sources:
  sensors: {topic: site.readings}

streams:
  climate:
    from: sensors
    steps:
      - only: {metric: [temperature, humidity, co2]}
      - deduplicate: 10s

alarms:
  too_hot:
    from: climate
    only: {metric: temperature}
    when: {above: 30 °C, clear: 28 °C}
    priority: high
    response: Check the air conditioning, then call facilities.
  overload:
    from: sensors
    only: {metric: power}
    when: {above: 6 kW, clear: 5.5 kW}
    priority: critical
    response: Switch off the car charger, then the heat pump.
  stale_air:
    from: climate
    only: {metric: co2}
    when: {above: 1000 ppm, clear: 900 ppm}
    priority: medium
    response: Open a window or turn up the ventilation.
  water:
    from: sensors
    only: {metric: water_leak}
    when: {is: on}
    priority: critical
    latch: true
    response: Close the main valve in the cellar.
  battery_low:
    from: sensors
    only: {metric: battery}
    when: {below: 15 %, clear: 20 %}
    priority: low
    response: Change the battery this week.

sinks:
  live: {from: climate, websocket: {channel: climate}}
"""
SIGNALS = [
    ("sensor.server_room_rack", "temperature", "°C", 24.0, 3.5, 31.4),
    ("sensor.server_room_rack", "humidity", "%", 44.0, 6.0, None),
    ("sensor.cold_store", "temperature", "°C", -18.2, 0.8, None),
    ("sensor.office", "temperature", "°C", 21.6, 1.1, None),
    ("sensor.office", "humidity", "%", 47.0, 4.0, None),
    ("sensor.office", "co2", "ppm", 780.0, 210.0, 1240.0),
    ("mains", "power", "W", 2900.0, 1800.0, 6740.0),
    ("mains", "energy", "kWh", 18234.0, 0.0, None),
    ("heat_pump", "power", "W", 1150.0, 420.0, None),
    ("sensor.yard_gate", "battery", "%", 22.0, 1.0, 12.0),
    ("sensor.office", "battery", "%", 81.0, 0.4, None),
    ("sensor.office", "linkquality", "", 142.0, 12.0, None),
]
AREAS = {
    "sensor.server_room_rack": "server room", "sensor.cold_store": "kitchen", "freezer": "kitchen",
    "sensor.office": "office", "mains": "cellar", "heat_pump": "cellar", "cellar": "cellar",
    "sensor.yard_gate": "yard", "binary_sensor.server_room_pir": "server room",
}  # fmt: skip
SWITCHES = [
    ("binary_sensor.server_room_pir", "motion"),
    ("freezer", "contact"),
    ("cellar", "water_leak"),
]
CAMERAS = [("entrance", "hall"), ("dock", "loading"), ("parking", "yard")]


class Showcase(Together):
    """Everything that runs. Use it as a context."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder.resolve()
        self.stack = Stack(self.folder / "services", ["redpanda", "clickhouse"])
        self._random = random.Random(7)

    def _start(self) -> None:
        self._ending.enter_context(self.stack)
        site = self.folder / "site.yaml"
        definition = self.folder / "plant.yaml"
        definition.write_text(PLANT)
        flows = [FlowProgram(self.folder / "plant", definition, site)]
        flows.append(
            FlowProgram(
                self.folder / "archive", ROOT / "flows" / "definitions" / "archive.yaml", site
            )
        )
        served = {
            "flows": [f"http://{flow.address}" for flow in flows],
            "registration": "open",
            "modes": ["active", "surveillance"],
        }
        connections = self.stack.connections()
        write_private(
            site,
            json.dumps(
                {"vigie": 1, "site": "North plant", "connections": connections, "api": served}
            ),
        )
        self.api = ApiProgram(self.folder / "api", site)
        programs = [*flows, self.api]
        self._ending.callback(lambda: each(programs, Service.stop))
        self.topics = Topics(self.stack["redpanda"].address, "vigie.")
        self._ending.callback(self.topics.close)
        each(programs, lambda program: program.start().wait_ready())
        self._headers = {"Authorization": f"Bearer {self.api.log_in()}"}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the api as admin."""
        answer = httpx.request(
            method, f"{self.api.url}{path}", json=body, headers=self._headers, timeout=PATIENCE
        )
        return answer.raise_for_status().json()

    def write(self, topic: str, events: list[Event]) -> None:
        for part in range(0, len(events), 500):
            self.topics.events(*events[part : part + 500], topic=topic)

    # ------------------------------------------------------------------------------------- what
    # happened there
    def fill(self) -> None:
        """Six hours of readings, a day of events, cameras, dead letters, pages, and alarms."""
        now = time.time()
        self.write(READINGS, sorted(self._past(now), key=lambda event: event.time))
        self.write(EVENTS, sorted(self._events(now), key=lambda event: event.time))
        letters = [
            DeadLetter(
                id=f"dead{n}", time=now - 600 * n, flow="plant", step="sensors", reason=reason,
                detail=detail,
                origin="site.readings/0", payload=payload, source="sensors",
            )
            for n, (reason, detail, payload) in enumerate(LETTERS, 1)
        ]  # fmt: skip
        self.write("vigie.dead.plant", [*letters])
        cameras = []
        for name, area in CAMERAS:
            url = f"rtsp://${{RTSP_USER}}:${{RTSP_PASSWORD}}@{name}.local/stream2"
            made = self.ask("POST", "/api/cameras", {"name": name, "url": url, "area": area})
            cameras.append(made["id"])
        floor = {"points": [[0.08, 0.45], [0.92, 0.45], [0.97, 0.95], [0.03, 0.95]]}
        gate = {"from": [0.3, 0.95], "to": [0.62, 0.35]}
        self.ask("PATCH", f"/api/cameras/{cameras[0]}", {"zones": {"floor": floor}, "lines": {}})
        self.ask(
            "PATCH",
            f"/api/cameras/{cameras[1]}",
            {"zones": {"ramp": floor}, "lines": {"gate": gate}},
        )
        self.ask("POST", f"/api/cameras/{cameras[2]}/stop")
        self._pages()
        feed = CameraFeed(self.topics, EVENTS, dict(CAMERAS[:2]))
        self._ending.callback(feed.close)

    def _past(self, now: float) -> Iterator[Reading]:
        for subject, metric, unit, mean, swing, end in SIGNALS:
            phase = self._random.random() * 6
            for n in range(720):
                at = now - (720 - n) * 30
                value = (
                    mean
                    + swing * math.sin(n / 90 + phase)
                    + swing * 0.12 * self._random.gauss(0, 1)
                )
                if metric == "energy":
                    value = mean + n * 0.024
                if end is not None and n > 690:
                    value += (end - value) * (n - 690) / 29
                yield Reading(
                    id=f"{subject}/{metric}/{n}",
                    time=at,
                    subject=subject,
                    metric=metric,
                    value=round(value, 2),
                    unit=unit,
                    labels={"area": AREAS[subject]},
                )
        for subject, metric in SWITCHES:
            for n in range(24):
                leak = metric == "water_leak"
                value = float(n == 22) if leak else float(self._random.random() < 0.5)
                at = now - (24 - n) * 900 + 600
                yield Reading(
                    id=f"{subject}/{metric}/{n}",
                    time=at,
                    subject=subject,
                    metric=metric,
                    value=value,
                    labels={"area": AREAS[subject]},
                )
        yield Reading(
            id="spoilt",
            time=now - 20,
            subject="heat_pump",
            metric="temperature",
            quality="bad",
            unit="°C",
            labels={"area": AREAS["heat_pump"]},
        )

    def _events(self, now: float) -> Iterator[Event]:
        yield Occurrence(
            id="pictured",
            time=now - 30,
            subject="dock",
            type="parcel",
            data={"picture": PICTURE, "box": [0.3, 0.3, 0.2, 0.5]},
            labels={"area": "loading", "camera": "dock"},
        )
        for n in range(90):
            at = now - self._random.random() ** 2 * 80_000 - 40
            kind = self._random.choice(
                ["person", "person", "person", "car", "truck", "motion", "button", "signs"]
            )
            camera, area = self._random.choice(CAMERAS)
            if kind in ("person", "car", "truck"):
                tall = {"person": 0.52, "car": 0.3, "truck": 0.44}[kind]
                wide = {"person": 0.13, "car": 0.36, "truck": 0.42}[kind]
                box = (
                    round(0.1 + 0.45 * self._random.random(), 3),
                    round(0.9 - tall, 3),
                    wide,
                    tall,
                )
                score = round(0.6 + 0.39 * self._random.random(), 2)
                yield Detection(
                    id=f"d{n}", time=at, subject=camera, class_=kind, score=score, box=box,
                    phase="entered",
                    labels={"area": area, "camera": camera},
                )  # fmt: skip
            elif kind == "signs":
                data = {"signs": ["pir", "person"], "within": 12.5}
                yield Occurrence(
                    id=f"s{n}",
                    time=at,
                    subject=area,
                    type="agreement",
                    data=data,
                    labels={"area": area},
                )
            else:
                word = {"motion": "motion_detected", "button": "button_pressed"}[kind]
                data = (
                    {"presence": True}
                    if kind == "motion"
                    else {"pressure": "high", "duration_ms": 480}
                )
                yield Occurrence(
                    id=f"o{n}",
                    time=at,
                    subject=f"pir_{area}",
                    type=word,
                    data=data,
                    labels={"area": area},
                )

    def _pages(self) -> None:
        people = {}
        for name in ("marie", "john"):
            made = httpx.post(
                f"{self.api.url}/register",
                json={"username": name, "password": "correct horse battery"},
                timeout=PATIENCE,
            )
            people[name] = made.raise_for_status().json()["id"]
        page = self.ask("POST", "/api/pages", {"name": "Energy desk"})["id"]
        rules = []
        for ticker, condition in (
            ("mains", "above 6500"),
            ("heat_pump", "below 200"),
            ("sensor.office", "crosses 1000"),
        ):
            rule = {"ticker": ticker, "condition": condition}
            rules.append(self.ask("POST", f"/api/pages/{page}/rules", rule)["id"])
        group = self.ask("POST", "/api/groups", {"name": "night_shift"})["id"]
        self.ask("POST", f"/api/groups/{group}/members/{people['john']}")
        share = {"subject_type": "group", "subject_id": group, "can_view": True, "can_edit": False}
        self.ask("PUT", f"/api/pages/{page}/shares", share)
        self.ask("POST", f"/api/rules/{rules[0]}/trigger", {"price": 6740})
        cold = self.ask("POST", "/api/pages", {"name": "Cold chain"})["id"]
        self.ask("POST", f"/api/pages/{cold}/dashboards", {"name": "Cold chain", "panels": []})
        desk = {"name": "Energy desk", "panels": PANELS}
        self.ask("POST", f"/api/pages/{page}/dashboards", desk)


PANELS = [
    {"kind": "chart", "subject": "mains", "metric": "power", "range": 3600, "width": 2},
    {"kind": "alarms", "area": "", "priority": "medium"},
    {"kind": "card", "subject": "sensor.office"},
    {"kind": "chart", "subject": "freezer", "metric": "contact", "range": 86400},
    {"kind": "camera", "camera": "dock"},
]
PICTURE = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAGCAIAAABxZ0isAAAAEUlEQVR4nGNQcEjAihgGUgIAgSwkAYwdvDgAAAAA"
    "SUVORK5CYII="
)
"""A PNG of 8 x 6 pixels."""
LETTERS = [
    ("bad_json", "expected a JSON object at byte 0, got 'ERR 17'", b"ERR 17 sensor timeout"),
    (
        "unresolved",
        "no device has the id 0x00158d0009",
        b'{"id":"0x00158d0009","temperature":21.4}',
    ),
    (
        "bad_unit",
        "the unit 'F?' of sensor.office is none that is known",
        b'{"subject":"sensor.office","unit":"F?"}',
    ),
]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.api.static.showcase", description=__doc__
    )
    parser.add_argument("folder", type=Path, help="empty folder for its data")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Showcase(options.folder) as showcase:
        showcase.fill()
        print(
            json.dumps(
                {"url": showcase.api.url, "user": "admin", "password": showcase.api.password}
            ),
            flush=True,
        )
        signal.pause()
    return 0


if __name__ == "__main__":
    sys.exit(main())
