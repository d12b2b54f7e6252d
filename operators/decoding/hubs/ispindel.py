"""iSpindel, a hydrometer that floats in what ferments: its battery is in volts.

Source: github.com/universam1/iSpindel, docs.
"""

from typing import Any

from operators.decoding.dialect import Dialect, Route
from operators.decoding.payloads.parse import missing
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, json_name

_KEYS = {"angle": "tilt", "battery": "voltage", "RSSI": "signal_strength"}
_DEGREES = {"C": "°C", "F": "°F", "K": "K"}
METRICS = frozenset((*_KEYS.values(), "temperature", "value"))


def _read(builder: ReadingBuilder, data: Any) -> None:
    if data.__class__ is not dict:
        raise missing("an object of an iSpindel")
    device = json_name(str(data.get("name") or builder.topic))
    for key, raw in data.items():
        if key in _KEYS:
            builder.put(device, _KEYS[key], raw)
        elif key == "temperature":
            builder.put(device, key, raw, _DEGREES.get(str(data.get("temp_units")), "°C"))
        elif key == "gravity":
            builder.put_number(at_endpoint(device, key), raw, None, raw)
        else:
            builder.skipped += 1


def _fits(data: Any) -> bool:
    return data.__class__ is dict and "gravity" in data and "angle" in data


def _route(topic: str, named: bool) -> Route | None:
    """Any topic, where the definition names the dialect."""
    return Route(_read, "json") if named else None


DIALECT = Dialect("iSpindel", _route, _read, _fits, METRICS)
