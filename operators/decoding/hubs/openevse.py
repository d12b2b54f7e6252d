"""OpenEVSE: `openevse/KEY` with a bare value; the temperature is in tenths, the current in mA.

Sources: github.com/OpenEVSE/openevse_esp32_firmware, docs/mqtt.md; the maintainers' sensors for
Home Assistant (gist.github.com/glynhudson).
"""

from typing import Any

from operators.decoding.dialect import IGNORE, Route, by_topic
from operators.decoding.payloads import values
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, subject_name

_KEYS: dict[str, tuple[str, str | None, str | None]] = {
    "amp": ("current", "mA", None), "voltage": ("voltage", None, None),
    "power": ("power", None, None), "wh": ("energy", "Wh", "session"),
    "session_energy": ("energy", "Wh", "session"), "total_energy": ("energy", "kWh", None),
    "total_day": ("energy_today", "kWh", None), "srssi": ("signal_strength", None, None),
    "pilot": ("value", "A", "pilot"), "max_current": ("value", "A", "max_current"),
    "vehicle": ("state", None, "vehicle"),
}  # fmt: skip
"""By key: metric, unit and endpoint."""
_TENTHS = {"temp": None, "temp1": None, "temp2": "2", "temp3": "3", "temp4": "4"}
"""Temperatures by key, with their endpoint."""
_STATES = {1: "not connected", 2: "connected", 3: "charging", 254: "sleeping", 255: "disabled"}
METRICS = frozenset(metric for metric, *_ in _KEYS.values()) | {"temperature"}


def _read_as(device: str, key: str) -> Route:
    def _read(builder: ReadingBuilder, data: Any) -> None:
        number = values.number(data)
        if number is None:
            builder.skipped += 1
        elif key == "state":
            text = _STATES.get(int(number), f"error {int(number)}")
            builder.put_text(device, "state", text, data)
        elif key in _TENTHS:
            builder.put(at_endpoint(device, _TENTHS[key]), "temperature", number / 10)
        else:
            metric, unit, endpoint = _KEYS[key]
            subject = at_endpoint(device, endpoint)
            if metric == "value":
                builder.put_number(subject, number, unit, data)
            else:
                builder.put(subject, metric, number, unit)

    return Route(_read)


def _route(topic: str, named: bool) -> Route | None:
    base, _, key = topic.rpartition("/")
    if not named and topic.partition("/")[0] != "openevse":
        return None
    return _read_as(subject_name(base), key) if key in (*_KEYS, *_TENTHS, "state") else IGNORE


DIALECT = by_topic("OpenEVSE's charger", _route, "such as openevse/amp", METRICS)
