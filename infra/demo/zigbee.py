"""Simulated Zigbee2MQTT: meters, a climate sensor, doors and a motion sensor, with QoS 1.

Its devices and what they measure:

    mains          power, energy, voltage, current; every 75 s it draws more than 6 kW for 40 s
    solar          power, energy
    living_room    temperature, humidity, pressure, battery
    front_door     contact, battery (and cellar_door)
    hall           occupancy, illuminance, battery
"""

import json
import math
import random
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from infra.demo.ledger import Ledger
from infra.embedded.ports import HOST

BASE = "zigbee2mqtt"
OVERLOAD_PERIOD, OVERLOAD_BEGIN, OVERLOAD_END = 75.0, 3.0, 43.0
DEVICES = ("mains", "solar", "living_room", "front_door", "cellar_door", "hall")

Payload = dict[str, Any]
IN_UNITS: Mapping[str, Callable[[float], float]] = {
    "voltage": lambda v: v / 1000 if v >= 1000 else v
}
"""How a number of a payload becomes a reading, where it is not the number itself: batteries send
millivolts.
"""


class Zigbee:
    """The devices and their gateway. `tick` publishes what is due and puts it into the ledger."""

    def __init__(self, port: int, user: str, password: str, ledger: Ledger, seed: int = 1) -> None:
        self._ledger = ledger
        self._random = random.Random(seed)  # noqa: S311
        self._energy = {"mains": 4182.5, "solar": 1670.25}
        self._state: dict[str, int] = {"front_door": 1, "cellar_door": 1, "hall": 0}
        self._connected = threading.Event()
        self._refused = ""
        self._last: mqtt.MQTTMessageInfo | None = None
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, "zigbee2mqtt-simulated", protocol=mqtt.MQTTv5
        )
        self._client.username_pw_set(user, password)
        self._client.max_queued_messages_set(0)
        self._client.max_inflight_messages_set(1000)
        self._client.on_connect = self._on_connect
        self._port = port

    def connect(self, timeout: float = 60.0) -> None:
        """Connect and announce the devices; raises `ConnectionError`."""
        self._client.connect(HOST, self._port)
        self._client.loop_start()
        if not self._connected.wait(timeout) or self._refused:
            raise ConnectionError(
                f"the MQTT broker at {HOST}:{self._port} does not let the devices in:"
                f" {self._refused}"
            )
        for name in DEVICES:
            self._publish(f"{BASE}/{name}/availability", {"state": "online"}, retain=True)
            self._ledger.add(name, {"availability": 1.0})

    def close(self, timeout: float = 60.0) -> None:
        """Wait until the broker has everything, then disconnect; raises `ConnectionError`."""
        try:
            if self._last is not None:
                self._last.wait_for_publish(timeout)
                if not self._last.is_published():
                    raise ConnectionError(
                        f"the MQTT broker did not take the last message within {timeout:g} s"
                    )
        finally:
            self._client.disconnect()
            self._client.loop_stop()

    def tick(self, at: float) -> None:
        """Publish what the devices send `at` seconds after the start; called every second."""
        second = round(at)
        self._send("mains", self._mains(at))
        if second % 2 == 0:
            self._send("solar", self._meter("solar", 1900 + 900 * math.sin(at / 40), 0.0))
        if second % 5 == 0:
            self._send("living_room", self._climate(at))
        for name, period, phase in (("front_door", 45, 8), ("cellar_door", 120, 20)):
            if second % period in (phase, phase + 6):
                self._state[name] ^= 1
                self._send(name, {"contact": bool(self._state[name]), **self._battery(97)})
        if second % 40 in (10, 25):
            self._state["hall"] ^= 1
            light = round(120 + 40 * self._random.random())
            self._send(
                "hall",
                {"occupancy": bool(self._state["hall"]), "illuminance": light, **self._battery(84)},
            )

    def _mains(self, at: float) -> Payload:
        overload = OVERLOAD_BEGIN <= at % OVERLOAD_PERIOD < OVERLOAD_END
        return self._meter("mains", 6600 if overload else 1400, 300 if overload else 500)

    def _meter(self, name: str, power: float, spread: float) -> Payload:
        power = round(power + self._random.uniform(-spread, spread), 1)
        voltage = round(self._random.uniform(228, 234), 1)
        self._energy[name] += power / 3_600_000
        meter = {"power": power, "voltage": voltage, "current": round(power / voltage, 2)}
        return {
            **meter,
            "energy": round(self._energy[name], 3),
            "linkquality": self._random.randrange(90, 200),
        }

    def _climate(self, at: float) -> Payload:
        return {
            "temperature": round(
                20.5 + 2 * math.sin(at / 300) + self._random.uniform(-0.1, 0.1), 2
            ),
            "humidity": round(48 + 5 * math.sin(at / 500), 2),
            "pressure": round(1013 + 3 * math.sin(at / 900), 1),
            **self._battery(91),
        }

    def _battery(self, percent: int) -> Payload:
        return {
            "battery": percent,
            "voltage": 2400 + 6 * percent,
            "linkquality": self._random.randrange(40, 160),
        }

    def _send(self, name: str, payload: Payload) -> None:
        numbers = {
            metric: IN_UNITS.get(metric, float)(float(value)) for metric, value in payload.items()
        }
        seen = (
            datetime.fromtimestamp(time.time(), UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z")
        )
        self._publish(f"{BASE}/{name}", {**payload, "last_seen": seen})
        self._ledger.add(name, numbers)

    def _publish(self, topic: str, payload: Payload, retain: bool = False) -> None:
        self._last = self._client.publish(topic, json.dumps(payload), qos=1, retain=retain)

    def _on_connect(self, client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        self._refused = str(reason) if reason.is_failure else ""
        self._connected.set()
