"""Readings of what a LoRaWAN payload formatter made of a device's bytes.

Formatters come with the devices, and each maker has names of his own: `TempC_SHT`, `BatV`,
`air_temperature`, or Cayenne's `temperature_2`.
"""

import re
from functools import lru_cache
from typing import Any, NamedTuple

from operators.decoding.payloads import values
from operators.decoding.payloads.metrics import (
    FAHRENHEIT,
    METRICS,
    OPENINGS,
    by_suffix,
    metric_of,
)
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint

_CHANNEL = re.compile(r"(.+)_(\d{1,3})", re.ASCII)
_SENSOR = re.compile(r"([A-Za-z0-9]+)_([A-Z][A-Z0-9]*)", re.ASCII)
"""`TempC_DS18B20`: a quantity, and the chip that measured it."""
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NOT_MEASURED = re.compile(
    r"(?:.*_)?(?:min|max|avg|set|target|threshold|limit|last|delta|alarm|offset|calibration)"
)
_NEVER = frozenset(("count", "speed", "position", "weight", "distance", "water", "gas", "value"))
"""Quantities whose names are common words."""


class _Meaning(NamedTuple):
    metric: str
    endpoint: str | None = None
    unit: str | None = None
    is_open: bool = False
    """Whether 1 is an open door."""


_NAMES = {
    **dict.fromkeys(("batv", "bat_v", "batt_v", "battv"), _Meaning("voltage")),
    "vdd": _Meaning("voltage", unit="mV"),
    "light": _Meaning("illuminance"),
    "waterleak": _Meaning("water_leak"),
    "water_leak_status": _Meaning("water_leak"),
    "door_open_status": _Meaning("contact", is_open=True),
    **{name: _Meaning("contact", is_open=True) for name in OPENINGS},
}


@lru_cache(4096)
def _meaning(key: str) -> _Meaning | None:
    if (found := _NAMES.get(key.lower())) is not None:
        return found
    if (metric := metric_of(key)) is not None:
        return _Meaning(metric)
    if (match := _CHANNEL.fullmatch(key)) is not None:
        metric = "value" if match[1] == "analog_in" else metric_of(match[1])
        return None if metric is None else _Meaning(metric, match[2])
    if (match := _SENSOR.fullmatch(key)) is not None:
        return _number(metric_of(match[1]), match[2])
    suffix = by_suffix(_WORD_START.sub("_", key).lower())
    return None if suffix is None else _number(*suffix)


def _number(metric: str | None, endpoint: str) -> _Meaning | None:
    if metric is None or metric in _NEVER or METRICS[metric].kind != "number":
        return None
    return None if _NOT_MEASURED.fullmatch(endpoint.lower()) else _Meaning(metric, endpoint)


def put(builder: ReadingBuilder, device: str, decoded: dict[str, Any]) -> None:
    """Write the readings of a decoded payload."""
    plans = {key: _meaning(key) for key in decoded if len(key) <= 64}
    celsius = any(plan is not None and plan.metric == "temperature" for plan in plans.values())
    for key, raw in decoded.items():
        if key.lower() in FAHRENHEIT and not celsius:
            builder.put(device, "temperature", raw, "°F")
            continue
        means = plans.get(key)
        if means is None or (means.metric in decoded and key != means.metric and not means[1]):
            builder.skipped += 1
        else:
            _put(builder, device, means, raw)


def _put(builder: ReadingBuilder, device: str, means: _Meaning, raw: Any) -> None:
    metric, unit = means.metric, means.unit
    if raw.__class__ is dict:  # {"value": 21.5, "unit": "°C"}
        stated = raw.get("unit")
        raw, unit = raw.get("value"), stated if stated.__class__ is str else unit
    if raw.__class__ is dict or raw.__class__ is list:
        builder.skipped += 1
        return
    kind = METRICS[metric].kind
    if kind == "number" and raw.__class__ is bool:
        builder.skipped += 1  # an alarm that has the name of a quantity
        return
    inverted = means.is_open
    number = values.number(raw) if kind == "binary" else None
    if number is not None and number > 1:  # how many times it moved
        raw = 1
    if inverted and raw.__class__ is str and values.number(raw) is None:
        inverted = False  # open and closed say themselves what they are
    builder.put(at_endpoint(device, means.endpoint), metric, raw, unit, inverted)


def put_strongest(builder: ReadingBuilder, device: str, gateways: Any) -> None:
    """Write how well the best of several gateways received a message."""
    heard = gateways if gateways.__class__ is list else []
    levels = [values.number(one.get("rssi")) for one in heard if one.__class__ is dict]
    if strengths := [level for level in levels if level is not None]:
        builder.put(device, "signal_strength", max(strengths))
