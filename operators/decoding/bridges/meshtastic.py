"""Meshtastic: `msh/REGION/2/json/CHANNEL/GATEWAY`; the payload names the node it came from.

Source: meshtastic.org, "MQTT", JSON.
"""

from typing import Any

from operators.decoding.dialect import IGNORE, Route, by_topic
from operators.decoding.payloads import values
from operators.decoding.payloads.parse import missing
from operators.decoding.payloads.reading_builder import ReadingBuilder

_KEYS = {
    "voltage": "voltage", "uptime_seconds": "uptime", "temperature": "temperature",
    "relative_humidity": "humidity", "barometric_pressure": "pressure", "lux": "illuminance",
    "current": "current", "distance": "distance", "soil_moisture": "moisture",
    "wind_speed": "speed", "pm10_standard": "pm1", "pm25_standard": "pm25",
    "pm100_standard": "pm10", "co2": "carbon_dioxide", "ground_speed": "speed",
}  # fmt: skip
"""`pm10_standard` is PM1.0, and `pm100_standard` PM10, as the sensor's registers are called."""
_UNITS = {"current": "mA", "distance": "mm"}
_PLACES = {"latitude_i": "latitude", "longitude_i": "longitude"}
_ON_MAINS = 100.0
"""A battery level above it says that there is no battery."""
METRICS = frozenset((*_KEYS.values(), *_PLACES.values(), "battery", "signal_strength"))


def _read(builder: ReadingBuilder, data: Any) -> None:
    sender = data.get("from") if data.__class__ is dict else None
    if sender.__class__ is not int or not 0 <= sender < 1 << 32:
        raise missing("an object with the number of a node as from")
    node = f"!{sender:08x}"
    builder.set_time(data.get("timestamp"))
    payload = data.get("payload")
    for key, raw in payload.items() if payload.__class__ is dict else ():
        _put(builder, node, key, raw)
    if data.get("rssi") not in (None, 0):
        builder.put(node, "signal_strength", data["rssi"])


def _put(builder: ReadingBuilder, node: str, key: str, raw: Any) -> None:
    number = values.number(raw)
    if number is None:
        builder.skipped += 1
    elif key == "battery_level":
        if number <= _ON_MAINS:
            builder.put(node, "battery", number)
    elif key in _PLACES:
        builder.put(node, _PLACES[key], number / 1e7)
    elif key in _KEYS:
        builder.put(node, _KEYS[key], number, _UNITS.get(key))
    else:
        builder.skipped += 1


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if not named and words[0] != "msh":
        return None
    return Route(_read, "json") if named or "json" in words[1:-1] else IGNORE


DIALECT = by_topic("nodes of Meshtastic", _route, "msh/REGION/2/json/CHANNEL/GATEWAY", METRICS)
