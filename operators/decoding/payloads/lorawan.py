"""Readings of what a LoRaWAN payload formatter made of a device's bytes.

Formatters come with the devices, and each maker has names of his own: `TempC_SHT`, `BatV`,
`air_temperature`, or Cayenne's `temperature_2`.
"""

import re
from functools import lru_cache
from typing import Any, NamedTuple

from operators.decoding.payloads import key_names, values
from operators.decoding.payloads.metrics import (
    FAHRENHEIT,
    METRICS,
    OPENINGS,
    metric_of,
)
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint

_CHANNEL = re.compile(r"(.+)_(\d{1,3})", re.ASCII)
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
_CHANNELS = {"analog_in": "value", "digital_in": "state", "digital_out": "state"}
_SWITCH = re.compile(r"(?:switch|relay|valve|socket|gpio)_?\d{0,2}(?:_status)?", re.ASCII)
"""What Milesight calls what can be on or off; of these, words and 1 and 0 are states."""
_ANGLE = re.compile(r"(?:angle|tilt)_([xyz])", re.ASCII)
_NOT_CONNECTED = (327.67, 3276.7)
"""What formatters make of the bytes 7FFF, which a device sends without its probe."""
_IN_MILLIMETRES = 20
"""A whole number from here on is a distance in mm, as sensors of levels measure it."""
_NAMES = {
    **dict.fromkeys(("batt_v", "battv"), _Meaning("voltage")),
    "bat": _Meaning("battery"),
    "power_consumption": _Meaning("energy", unit="Wh"),
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


_NAMING = ("variable", "value_type", "name", "type", "metric", "parameter", "field", "key")
"""Keys under which an object says which quantity its `value` is."""
_TOO_MUCH = 100.0


@lru_cache(4096)
def _meaning(key: str) -> _Meaning | None:
    if (found := _NAMES.get(key.lower())) is not None:
        return found
    if (metric := metric_of(key)) is not None:
        return _Meaning(metric)
    if (match := _CHANNEL.fullmatch(key)) is not None:
        name = match[1].lower()
        metric = _CHANNELS.get(name) or _NAMES.get(name, _Meaning("")).metric or metric_of(name)
        if metric:
            return _Meaning(metric, match[2])
    if _SWITCH.fullmatch(key) is not None:
        return _Meaning("state", key.removesuffix("_status"))
    if (match := _ANGLE.fullmatch(key)) is not None:
        return _Meaning("tilt", match[1])
    said = key_names.meaning(key)
    return None if said is None else _Meaning(*said)


def put_named(builder: ReadingBuilder, device: str, data: dict[str, Any]) -> int:
    """Write the numbers whose keys say a quantity among others, `OutputPower`, and no name alone.

    Returns how many there were.
    """
    count = 0
    taken = {metric_of(key) for key in data}
    for key, raw in data.items():
        if len(key) > 64 or metric_of(key) is not None or values.number(raw) is None:
            continue
        if key.lower() in FAHRENHEIT:
            continue
        means = key_names.meaning(key)
        if means is None or (means.endpoint is None and means.metric in taken):
            continue
        if means.endpoint is None:
            taken.add(means.metric)
        count += 1
        builder.put(at_endpoint(device, means.endpoint), means.metric, raw, means.unit)
    return count


def put(builder: ReadingBuilder, device: str, decoded: dict[str, Any]) -> None:
    """Write the readings of a decoded payload."""
    if decoded.get("messages").__class__ is list:
        decoded = _measurements(decoded["messages"])
    elif len(decoded) == 1 and (listed := named_values(next(iter(decoded.values())))):
        decoded = listed
    in_milliamperes = _is_in_milliamperes(decoded)
    plans = {key: _meaning(key) for key in decoded if len(key) <= 64}
    celsius = any(plan is not None and plan.metric == "temperature" for plan in plans.values())
    for key, raw in decoded.items():
        if key.lower() in FAHRENHEIT and not celsius:
            builder.put(device, "temperature", raw, "°F")
            continue
        means = plans.get(key)
        if raw.__class__ is dict and (means is None or "value" not in raw):
            _within(builder, device, key, raw)
            continue
        if means is None or (means.metric in decoded and key != means.metric and not means[1]):
            builder.skipped += 1
        else:
            if in_milliamperes and means.metric == "current":
                means = means._replace(unit="mA")
            _put(builder, device, means, raw)


def _is_in_milliamperes(decoded: dict[str, Any]) -> bool:
    """Whether a current is a thousand times what power and voltage beside it can be."""
    power = values.number(decoded.get("power", decoded.get("active_power")))
    voltage, current = (values.number(decoded.get(key)) for key in ("voltage", "current"))
    if not power or not voltage or not current:
        return False
    return abs(current * voltage / power) > _TOO_MUCH


def named_values(listed: Any) -> dict[str, Any]:
    """What a list of objects holds that each name their quantity, by that; empty for others."""
    found: dict[str, Any] = {}
    for one in listed if listed.__class__ is list else ():
        name = None
        if one.__class__ is dict and "value" in one:
            name = next((one[key] for key in _NAMING if one.get(key).__class__ is str), None)
        if name is None:
            return {}
        found[name] = {"value": one["value"], "unit": one.get("unit")}
    return found


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
    if metric == "illuminance" and raw.__class__ is str and raw.isalpha():
        builder.put_text(at_endpoint(device, means.endpoint), "illuminance_level", raw.lower(), raw)
        return
    if metric == "position" and raw.__class__ is str and raw.isalpha():
        builder.put_text(at_endpoint(device, "position"), "state", raw)
        return
    if unit is None and (number := values.number(raw)) is not None:
        if metric == "temperature" and number in _NOT_CONNECTED:
            builder.put_bad(at_endpoint(device, means.endpoint), metric, raw)
            return
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
