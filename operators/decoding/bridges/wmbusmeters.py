"""wmbusmeters: `wmbusmeters/NAME` with what a water, gas, heat or electricity meter broadcast.

Keys end in their unit: `total_m3`, `flow_temperature_c`. Source: wmbusmeters, README.md and the
tests of its drivers.
"""

import re
from functools import lru_cache
from typing import Any, NamedTuple

from operators.decoding.dialect import Dialect, Route
from operators.decoding.payloads.parse import missing
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, json_name

_UNITS = {
    "kwh": ("energy", "kWh"), "mwh": ("energy", "MWh"), "wh": ("energy", "Wh"),
    "gj": ("energy", "GJ"), "mj": ("energy", "MJ"), "kw": ("power", "kW"), "w": ("power", "W"),
    "m3": ("water", "m³"), "c": ("temperature", "°C"), "f": ("temperature", "°F"),
    "v": ("voltage", "V"), "a": ("current", "A"), "hz": ("frequency", "Hz"),
    "rh": ("humidity", "%"), "bar": ("pressure", "bar"), "dbm": ("signal_strength", "dBm"),
    "pct": ("value", "%"), "m3h": ("value", "m³/h"), "lh": ("value", "l/h"),
    "hca": ("value", "hca"), "counter": ("value", None), "co2": ("carbon_dioxide", "ppm"),
    "kvarh": ("value", "kvarh"), "ppm": ("carbon_dioxide", "ppm"),
}  # fmt: skip
"""By the end of a key: (metric, unit)."""
_NOT_NOW = re.compile(
    r"(?:.*_)?(?:target|history|historic|previous|prev|last|min|max|minimum|maximum|average|avg|due"
    r"|set|at_set_date|at_date|month|year|day|billing|error|alarm|limit)(?:_.*|\d+)?"
)
"""Quantities of another time than now."""
_PRODUCED = re.compile(r"_?(?:production|produced|returned|backward)_?")
_COMMON = frozenset(
    (
        *("total", "current", "energy", "power", "consumption", "volume", "temperature", "voltage"),
        *("water", "relative", "humidity", "rssi", "battery", "hca", "frequency", "at", "pressure"),
        "momentary",
    )
)
"""Words of a key that name no part of the meter."""
_DOORS = {"OPEN": 1.0, "CLOSED": 0.0}


class _Meaning(NamedTuple):
    metric: str
    endpoint: str | None
    unit: str | None


@lru_cache(4096)
def _meaning(key: str) -> _Meaning | None:
    quantity, _, end = key.rpartition("_")
    if end not in _UNITS or not quantity or _NOT_NOW.fullmatch(quantity):
        return None
    metric, unit = _UNITS[end]
    if key == "battery_pct":
        return _Meaning("battery", None, unit)
    produced = _PRODUCED.search(quantity)
    rest = _PRODUCED.sub("_", quantity) if metric == "energy" else quantity
    if metric == "value":
        return _Meaning(metric, quantity, unit)
    common = _COMMON - {"current"} if metric == "energy" else _COMMON
    part = "_".join(word for word in rest.split("_") if word and word not in common)
    if metric == "energy" and produced:
        metric = "energy_returned"
    return _Meaning(metric, part or None, unit)


def _put(builder: ReadingBuilder, device: str, media: str, key: str, raw: Any) -> None:
    means = _meaning(key) if len(key) <= 64 else None
    if means is None or raw is None or raw.__class__ in (dict, list):
        builder.skipped += 1
        return
    metric, endpoint, unit = means
    if metric == "water" and "water" not in media:
        metric = "gas" if "gas" in media else "value"
        endpoint = endpoint or ("volume" if metric == "value" else None)
    builder.put(at_endpoint(device, endpoint), metric, raw, unit)


def _status(builder: ReadingBuilder, device: str, media: str, raw: Any) -> None:
    if "smoke" in media and raw.__class__ is str and raw:
        builder.put(device, "smoke", "SMOKE" in raw.split())
    if raw in _DOORS:
        builder.put(device, "contact", _DOORS[raw], inverted=True)
    elif raw.__class__ is str and raw:
        builder.put_text(device, "state", raw)


def _read(builder: ReadingBuilder, data: Any) -> None:
    if data.__class__ is not dict or not ("id" in data or "name" in data):
        raise missing("an object with the name or id of a meter")
    builder.set_time(data.get("timestamp"))
    device = json_name(str(data.get("name") or data["id"]))
    media = str(data.get("media")).lower()
    for key, raw in data.items():
        if key in ("status", "current_status"):
            if key == "status" or "status" not in data:
                _status(builder, device, media, raw)
        else:
            _put(builder, device, media, key, raw)


def _fits(data: Any) -> bool:
    return data.__class__ is dict and {"meter", "media", "id", "timestamp"} <= data.keys()


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if named or (words[0] == "wmbusmeters" and len(words) == 2):
        return Route(_read, "json")
    return None


METRICS = frozenset((*(metric for metric, _ in _UNITS.values()), "gas", "energy_returned"))
METRICS |= {"battery", "contact", "smoke", "state"}
DIALECT = Dialect("meters that wmbusmeters receives", _route, _read, _fits, METRICS)
