"""rtl_433: `rtl_433/HOST/events` (the payload names the device) and `…/devices/MODEL/…/KEY`.

Topics that people make of it, `rtl_433/MODEL/ID/KEY`, are read as well, and OpenMQTTGateway's
`…/RTL_433toMQTT/…`.

Keys end in their unit: `temperature_C`, `wind_avg_km_h`. Source: rtl_433, docs/DATA_FORMAT.md.
"""

import re
from typing import Any

from operators.decoding.dialect import IGNORE, Route, by_topic
from operators.decoding.payloads import values
from operators.decoding.payloads.parse import wrong_type
from operators.decoding.payloads.reading_builder import ReadingBuilder, json_name, subject_name

_UNITS = {
    "c": "°C", "f": "°F", "hpa": "hPa", "kpa": "kPa", "psi": "psi", "bar": "bar", "km_h": "km/h",
    "m_s": "m/s", "mi_h": "mph", "mph": "mph", "lux": "lx", "w": "W", "kwh": "kWh", "v": "V",
    "mv": "mV", "a": "A", "cm": "cm", "ppm": "ppm", "ug_m3": "µg/m³",
}  # fmt: skip
_KEYS = {
    "temperature": "temperature", "pressure": "pressure", "wind_avg": "speed",
    "wind_speed": "speed", "light": "illuminance", "power": "power", "energy": "energy",
    "battery": "voltage", "voltage": "voltage", "current": "current", "depth": "distance",
    "co2": "carbon_dioxide", "setpoint": "target_temperature", "pm1": "pm1", "pm2_5": "pm25",
    "pm10": "pm10",
}  # fmt: skip
_PROBE = re.compile(r"([a-z]+)_?(\d+)", re.ASCII)
_SWITCH = re.compile(r"switch(\d)", re.ASCII)
_PLAIN = {"humidity": "humidity", "moisture": "moisture", "rssi": "signal_strength"}
_BATTERY = {"ok": 0.0, "low": 1.0}
"""What `battery` said before 2020."""
_SAYS_WHO = frozenset(("model", "channel", "id", "sensor_id", "time", "mic", "subtype"))
_FLAGS = {
    "alarm": "state",
    "battery_low": "battery_low",
    "tamper": "tamper",
    "motion": "motion",
    "detect_wet": "water_leak",
    "closed": "contact",
}
_NAMED = frozenset(("temperature", "pressure", "power", "energy", "voltage", "current"))
"""Quantities that a device may have several of, by names: `current_pv_A`."""
METRICS = frozenset(
    (
        *_KEYS.values(),
        *_PLAIN.values(),
        *_FLAGS.values(),
        "battery_low",
        "battery",
        "contact",
        "availability",
    )
)


def _put(builder: ReadingBuilder, device: str, key: str, raw: Any) -> None:
    name = key.lower()
    if name in _PLAIN:
        builder.put(device, _PLAIN[name], raw)
    elif name in _FLAGS:
        builder.put(device, _FLAGS[name], raw)
    elif name == "battery_ok":
        charge = values.number(raw)
        builder.put(device, "battery_low", None if charge is None else float(charge < 0.5))
    elif name in ("current", "battery") and values.number(raw) is not None:
        builder.put(device, name, raw)
    elif (switch := _SWITCH.fullmatch(name)) is not None:
        if raw in ("OPEN", "CLOSED"):
            builder.put(f"{device}#{switch[1]}", "contact", raw)
    elif name == "battery" and raw.__class__ is str:
        builder.put(device, "battery_low", _BATTERY.get(raw.lower()))
    elif name in ("reed_open", "contact_open"):
        builder.put(device, "contact", raw, inverted=True)
    else:
        found = _quantity(name)
        if found is None:
            builder.skipped += 1
        else:
            metric, unit, probe = found
            builder.put(f"{device}#{probe}" if probe else device, metric, raw, unit)


def _quantity(name: str) -> tuple[str, str, str] | None:
    """(metric, unit, probe) of `temperature_2_C` and the like."""
    words = name.split("_")
    for n in range(1, len(words)):
        unit, quantity = "_".join(words[n:]), "_".join(words[:n])
        if unit in _UNITS:
            numbered = _PROBE.fullmatch(quantity)
            if numbered is not None and numbered[1] in _KEYS:
                return _KEYS[numbered[1]], _UNITS[unit], numbered[2]
            if quantity in _KEYS:
                return _KEYS[quantity], _UNITS[unit], ""
            if words[0] in _NAMED:
                return _KEYS[words[0]], _UNITS[unit], "_".join(words[1:n])
            return None
    return None


def _is_read(name: str) -> bool:
    others = (*_PLAIN, *_FLAGS, "battery_ok", "reed_open", "contact_open")
    return name in others or _quantity(name) is not None


def _event(builder: ReadingBuilder, data: Any) -> None:
    if data.__class__ is not dict:
        raise wrong_type("a JSON object of a received device", data)
    number = "id" if data.get("id") not in (None, "") else "sensor_id"
    parts = [data[key] for key in ("model", "channel", number) if data.get(key) not in (None, "")]
    device = "/".join(json_name(str(part)) for part in parts)
    builder.set_time(data.get("time"))
    celsius = {key.lower() for key in data}
    for key, raw in data.items():
        if key in _SAYS_WHO:
            continue
        if key.endswith("_F") and f"{key[:-1]}c".lower() in celsius:
            continue
        own = f"{device}#reed" if key == "reed_open" and "contact_open" in data else device
        _put(builder, own, key, raw)


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    at = next((n for n, word in enumerate(words) if named or word.startswith("rtl_433")), None)
    if "RTL_433toMQTT" in words:
        return Route(_event, "json")
    if at is None or len(words) < 2:
        return None
    if words[-1] == "availability" and len(words) == at + 3:
        base = topic.removesuffix("availability")
        return Route(
            lambda builder, data: builder.put_availability(subject_name(base[:-1]), data, base)
        )
    if words[-1] in ("events", "states"):
        return Route(_event, "json") if words[-1] == "events" else IGNORE
    key = words[-1]
    if "devices" in words[:-2]:
        at = words.index("devices")
    elif len(words) < at + 4 or not _is_read(key.lower()):
        return Route(_event, "json") if named else IGNORE
    device = subject_name("/".join(words[at + 1 : -1]))
    if key in _SAYS_WHO:
        return IGNORE
    return Route(lambda builder, data: _put(builder, device, key, data))


DIALECT = by_topic("devices that rtl_433 receives", _route, "rtl_433/HOST/events", METRICS)
