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
_OF_DEVICE = frozenset(("air", "wind", "barometric"))
"""What a weather station calls its own quantities: air temperature, wind speed."""
_NEVER = frozenset(("count", "speed", "position", "weight", "distance", "water", "gas", "value"))
"""Quantities whose names are common words."""


class _Meaning(NamedTuple):
    metric: str
    endpoint: str | None = None
    unit: str | None = None
    is_open: bool = False
    """Whether 1 is an open door."""


_CAYENNE = {
    "temperatureSensor": "temperature", "humiditySensor": "humidity", "barometer": "pressure",
    "illuminanceSensor": "illuminance", "presenceSensor": "presence", "analogInput": "value",
}  # fmt: skip
"""What ChirpStack 3 calls the channels of Cayenne's format: `{"temperatureSensor": {"1": 20}}`."""
_IN_MILLIMETRES = 20
"""A whole number from here on is a distance in mm, as sensors of levels measure it."""
_NAMES = {
    **dict.fromkeys(("batv", "bat_v", "batt_v", "battv"), _Meaning("voltage")),
    "vdd": _Meaning("voltage", unit="mV"),
    **dict.fromkeys(("light", "light_intensity"), _Meaning("illuminance")),
    **dict.fromkeys(
        ("waterleak", "water_leak_status", "leakage_status", "leakage"), _Meaning("water_leak")
    ),
    "magnet_status": _Meaning("contact"),
    "tamper_status": _Meaning("tamper"),
    **dict.fromkeys(("pir", "pir_status"), _Meaning("motion")),
    "door_open_status": _Meaning("contact", is_open=True),
    **{name: _Meaning("contact", is_open=True) for name in OPENINGS},
}
_WORDS = {
    "water_leak": {"leak": 1, "leaking": 1, "leaked": 1, "normal": 0, "no_leak": 0},
    "motion": {"trigger": 1, "triggered": 1, "idle": 0, "normal": 0},
    "occupancy": {"occupied": 1, "vacant": 0, "unoccupied": 0},
    "tamper": {"uninstalled": 1, "installed": 0},
    "smoke": {"alarm": 1, "normal": 0},
}
"""Words of formatters for two states. Source: Milesight's and Dragino's decoders."""


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


def put_named(builder: ReadingBuilder, device: str, data: dict[str, Any]) -> int:
    """Write the numbers whose keys end in a quantity, `OutputPower`; return how many there were."""
    count = 0
    for key, raw in data.items():
        means = _meaning(key) if len(key) <= 64 and values.number(raw) is not None else None
        if means is not None and METRICS[means.metric].kind == "number":
            count += 1
            _put(builder, device, means, raw)
    return count


def put(builder: ReadingBuilder, device: str, decoded: dict[str, Any]) -> None:
    """Write the readings of a decoded payload."""
    if decoded.get("messages").__class__ is list:
        decoded = _measurements(decoded["messages"])
    plans = {key: _meaning(key) for key in decoded if len(key) <= 64}
    celsius = any(plan is not None and plan.metric == "temperature" for plan in plans.values())
    for key, raw in decoded.items():
        if key.lower() in FAHRENHEIT and not celsius:
            builder.put(device, "temperature", raw, "°F")
            continue
        means = plans.get(key)
        if means is None and raw.__class__ is dict:
            _within(builder, device, key, raw)
            continue
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
    if metric == "position" and raw.__class__ is str and raw.isalpha():
        builder.put_text(at_endpoint(device, "position"), "state", raw)
        return
    if unit is None and (number := values.number(raw)) is not None:
        if metric == "battery" and 1.5 < number < 4.5 and number % 1:
            metric = "voltage"  # no device tells tenths of so few percents
        elif metric == "distance" and number >= _IN_MILLIMETRES and not number % 1:
            unit = "mm"
    if raw.__class__ is str and metric in _WORDS:
        raw = _WORDS[metric].get(raw.strip().lower().replace(" ", "_"), raw)
    inverted = means.is_open
    number = values.number(raw) if kind == "binary" else None
    if number is not None and number > 1:  # how many times it moved
        raw = 1
    if inverted and raw.__class__ is str and values.number(raw) is None:
        inverted = False  # open and closed say themselves what they are
    builder.put(at_endpoint(device, means.endpoint), metric, raw, unit, inverted)


def _within(builder: ReadingBuilder, device: str, key: str, data: dict[str, Any]) -> None:
    """Write what an object within holds: Cayenne's `gps_1`, or its channels by their numbers."""
    if key in _CAYENNE or key == "gpsLocation":
        for number, raw in data.items():
            if raw.__class__ is dict:
                _within(builder, device, f"gps_{number}", raw)
            elif key in _CAYENNE:
                builder.put(at_endpoint(device, number), _CAYENNE[key], raw)
        return
    channel = _CHANNEL.fullmatch(key)
    subject = at_endpoint(device, channel[2] if channel is not None else key)
    for name, raw in data.items():
        metric = metric_of(name)
        if metric is None or metric in _NEVER or raw.__class__ in (dict, list):
            builder.skipped += 1
        else:
            builder.put(subject, metric, raw)


def _measurements(messages: list[Any]) -> dict[str, Any]:
    """SenseCAP's measurements, each an object that names its quantity, by that name."""
    found: dict[str, Any] = {}
    for one in messages:
        if one.__class__ is list:
            found |= _measurements(one)
        elif one.__class__ is dict and one.get("type").__class__ is str:
            words = one["type"].lower().split()
            name = "_".join(words[1:] if words[:1] and words[0] in _OF_DEVICE else words)
            found[name] = one.get("measurementValue")
    return found


def put_strongest(builder: ReadingBuilder, device: str, gateways: Any) -> None:
    """Write how well the best of several gateways received a message."""
    heard = gateways if gateways.__class__ is list else []
    levels = [values.number(one.get("rssi")) for one in heard if one.__class__ is dict]
    if strengths := [level for level in levels if level is not None]:
        builder.put(device, "signal_strength", max(strengths))
