"""Tinkerforge's WARP chargers: `warp/DEVICE/meter/values` and `warp/DEVICE/evse/state`.

Source: docs.warp-charger.com, "MQTT and HTTP", API reference.
"""

import re
from typing import Any

from operators.decoding.dialect import IGNORE, Route, by_topic
from operators.decoding.payloads import values
from operators.decoding.payloads.key_table import Means, put_key
from operators.decoding.payloads.parse import wrong_type
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, subject_name

_DEVICE = re.compile(r"warp\d?|wem\d?", re.ASCII)
_METER = {
    "power": Means("power"), "energy_abs": Means("energy"),
    "energy_rel": Means("energy", "since_reset"),
}  # fmt: skip
_CONNECTED, _CHARGING = (1, 2), 2
"""`iec61851_state`: 0 is no car, 1 a car, 2 a car that charges; 3 and 4 are errors."""
METRICS = frozenset(("power", "energy", "state"))


def _object(data: Any) -> dict[str, Any]:
    if data.__class__ is not dict:
        raise wrong_type("a JSON object", data)
    found: dict[str, Any] = data
    return found


def _meter(device: str) -> Route:
    def read(builder: ReadingBuilder, data: Any) -> None:
        for key, raw in _object(data).items():
            if (means := _METER.get(key)) is None or raw is None:
                builder.skipped += 1
            else:
                put_key(builder, device, means, raw)

    return Route(read, "json")


def _charger(device: str) -> Route:
    def read(builder: ReadingBuilder, data: Any) -> None:
        code = values.number(_object(data).get("iec61851_state"))
        for name, is_so in (("connected", code in _CONNECTED), ("charging", code == _CHARGING)):
            subject = at_endpoint(device, name)
            builder.put(subject, "state", None if code is None else is_so)

    return Route(read, "json")


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if len(words) < 3 or not (named or _DEVICE.fullmatch(words[0])):
        return None
    device = subject_name("/".join(words[:2]))
    if words[2:] == ["meter", "values"]:
        return _meter(device)
    return _charger(device) if words[2:] == ["evse", "state"] else IGNORE


DIALECT = by_topic("WARP chargers", _route, "warp/DEVICE/meter/values", METRICS)
