"""DSMR-reader, for smart meters with a P1 port: `dsmr/reading/KEY` and `dsmr/json`.

What goes back to the grid has the endpoint `returned`. Units are those of Home Assistant's
`dsmr_reader`.
"""

import re
from typing import Any

from operators.decoding.dialect import IGNORE, Route, by_topic
from operators.decoding.payloads.parse import wrong_type
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint

_TARIFF = re.compile(r"electricity_(delivered|returned)_(\d)", re.ASCII)
_POWER = re.compile(r"(?:electricity|phase)_currently_(delivered|returned)(?:_(l[123]))?", re.ASCII)
_PHASE = re.compile(r"phase_(voltage|power_current)_(l[123])", re.ASCII)
_PARTS = frozenset(("reading", "consumption", "day-consumption", "meter-stats"))
METRICS = frozenset(("energy", "energy_returned", "power", "voltage", "current", "gas"))


def _meaning(key: str) -> tuple[str, str | None, str | None] | None:
    """(metric, endpoint, unit) of a value of the telegram."""
    if (found := _TARIFF.fullmatch(key)) is not None:
        metric = "energy" if found[1] == "delivered" else "energy_returned"
        return metric, f"tariff_{found[2]}", "kWh"
    if (found := _POWER.fullmatch(key)) is not None:
        parts = ["returned"] if found[1] == "returned" else []
        return "power", "/".join([*parts, *([found[2]] if found[2] else [])]) or None, "kW"
    if (found := _PHASE.fullmatch(key)) is not None:
        return ("voltage" if found[1] == "voltage" else "current"), found[2], None
    return ("gas", None, "m³") if key == "extra_device_delivered" else None


def _put(builder: ReadingBuilder, device: str, key: str, raw: Any) -> None:
    means = _meaning(key)
    if means is None or raw is None:
        builder.skipped += 1
    else:
        metric, endpoint, unit = means
        builder.put(at_endpoint(device, endpoint), metric, raw, unit)


def _telegram(device: str) -> Route:
    def read(builder: ReadingBuilder, data: Any) -> None:
        if data.__class__ is not dict:
            raise wrong_type("a JSON object of a telegram", data)
        builder.set_time(data.get("timestamp"))
        for key, raw in data.items():
            _put(builder, device, key, raw)

    return Route(read, "json")


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if len(words) < 2 or not (named or words[0] == "dsmr"):
        return None
    if words[1:] == ["json"]:
        return _telegram(words[0])
    if words[1] == "reading" and len(words) == 3:
        key = words[2]
        return Route(lambda builder, data: _put(builder, words[0], key, data))
    if words[1:] == ["consumption", "gas", "delivered"]:
        return Route(lambda builder, data: builder.put(words[0], "gas", data, "m³"))
    return IGNORE if named or words[1] in _PARTS else None


DIALECT = by_topic("DSMR-reader, for smart meters", _route, "dsmr/reading/KEY", METRICS)
