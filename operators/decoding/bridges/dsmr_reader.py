"""Smart meters with a P1 port: DSMR-reader, `dsmr/reading/KEY` and `dsmr/json`, and dongles.

Dongles name topics and keys as the telegram's values are called, `BASE/power_delivered`.

What goes back to the grid has the endpoint `returned`. Units are those of Home Assistant's
`dsmr_reader`.
"""

import re
from typing import Any

from operators.decoding.dialect import IGNORE, Dialect, Route
from operators.decoding.payloads.parse import wrong_type
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint

_COUNTER = re.compile(r"(?:electricity|energy)_(delivered|returned)(?:_(?:tariff)?(\d))?", re.ASCII)
_POWER = re.compile(
    r"(?:electricity_currently|phase_currently|power)_(delivered|returned)(?:_(l[123]))?", re.ASCII
)
_PHASE = re.compile(r"(?:phase_)?(voltage|power_current|current)_(l[123])", re.ASCII)
_GAS = frozenset(("extra_device_delivered", "gas_delivered", "gas"))
_DONGLE = re.compile(
    r"(?:energy|power)_(?:delivered|returned)(?:_tariff\d|_l[123])?|(?:voltage|current)_l[123]"
    r"|gas_delivered",
    re.ASCII,
)
"""Last words of a dongle's topics."""
_TIME = re.compile(r"(\d{12})([SW])", re.ASCII)
"""`YYMMDDhhmmss` in summer or winter time, as the telegram has it."""
_OFFSET = {"S": "+02:00", "W": "+01:00"}
_PARTS = frozenset(("reading", "consumption", "day-consumption", "meter-stats"))
METRICS = frozenset(("energy", "energy_returned", "power", "voltage", "current", "gas"))


def _meaning(key: str) -> tuple[str, str | None, str | None] | None:
    """(metric, endpoint, unit) of a value of the telegram."""
    if (found := _COUNTER.fullmatch(key)) is not None:
        metric = "energy" if found[1] == "delivered" else "energy_returned"
        return metric, found[2] and f"tariff_{found[2]}", "kWh"
    if (found := _POWER.fullmatch(key)) is not None:
        parts = ("returned" if found[1] == "returned" else None, found[2])
        return "power", "/".join(part for part in parts if part) or None, "kW"
    if (found := _PHASE.fullmatch(key)) is not None:
        return ("voltage" if found[1] == "voltage" else "current"), found[2], None
    return ("gas", None, "m³") if key in _GAS else None


def _time(raw: Any) -> Any:
    found = _TIME.fullmatch(raw) if raw.__class__ is str else None
    if found is None:
        return raw
    pairs = [found[1][n : n + 2] for n in range(0, 12, 2)]
    return f"20{'-'.join(pairs[:3])}T{':'.join(pairs[3:])}{_OFFSET[found[2]]}"


def _put(builder: ReadingBuilder, device: str, key: str, raw: Any) -> None:
    means = _meaning(key)
    if means is None or raw is None:
        builder.skipped += 1
    else:
        metric, endpoint, unit = means
        builder.put(at_endpoint(device, endpoint), metric, raw, unit)


def _value(data: Any) -> Any:
    """The value alone, or `{"power_delivered": [{"value": 0.311, "unit": "kW"}]}`."""
    if data.__class__ is dict and len(data) == 1:
        (data,) = data.values()
    if data.__class__ is list and len(data) == 1 and data[0].__class__ is dict:
        data = data[0].get("value")
    return data


def _fits(data: Any) -> bool:
    return data.__class__ is dict and "power_delivered" in data and "power_returned" in data


def _by_shape(builder: ReadingBuilder, data: Any) -> None:
    base, _, last = builder.topic.rpartition("/")
    read = _telegram(base if last == "all" and base else builder.topic).read
    if read is not None:
        read(builder, data)


def _telegram(device: str) -> Route:
    def read(builder: ReadingBuilder, data: Any) -> None:
        if data.__class__ is not dict:
            raise wrong_type("a JSON object of a telegram", data)
        builder.set_time(_time(data.get("timestamp")))
        for key, raw in data.items():
            _put(builder, device, key, raw)

    return Route(read, "json")


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if len(words) > 1 and _DONGLE.fullmatch(words[-1]):
        return Route(
            lambda builder, data: _put(builder, "/".join(words[:-1]), words[-1], _value(data))
        )
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


DIALECT = Dialect(
    "smart meters with a P1 port: DSMR-reader and dongles", _route, _by_shape, _fits, METRICS
)
