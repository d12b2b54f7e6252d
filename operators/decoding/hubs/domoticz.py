"""Domoticz: `domoticz/out`, or one topic a device below it; `dtype` says what the values are.

Source: wiki.domoticz.com, "MQTT" and "Domoticz API/JSON URL's".
"""

from typing import Any

from operators.decoding.dialect import IGNORE, Dialect, Route
from operators.decoding.payloads import values
from operators.decoding.payloads.parse import missing
from operators.decoding.payloads.reading_builder import ReadingBuilder, json_name

_KEYS: dict[str, tuple[tuple[str, str, str | None], ...]] = {
    "Temp": (("svalue1", "temperature", None),),
    "Humidity": (("nvalue", "humidity", None),),
    "Temp + Humidity": (("svalue1", "temperature", None), ("svalue2", "humidity", None)),
    "Temp + Humidity + Baro": (
        ("svalue1", "temperature", None), ("svalue2", "humidity", None),
        ("svalue4", "pressure", None),
    ),
    "Temp + Baro": (("svalue1", "temperature", None), ("svalue2", "pressure", None)),
    "Thermostat": (("svalue1", "target_temperature", None),),
    "Air Quality": (("nvalue", "carbon_dioxide", None),),
    "Lux": (("svalue1", "illuminance", None),),
    "Usage": (("svalue1", "power", None),),
    "P1 Smart Meter": (("svalue5", "power", None),),
    "Energy": (("svalue1", "power", None), ("svalue2", "energy", "Wh")),
    "kWh": (("svalue1", "power", None), ("svalue2", "energy", "Wh")),
    "Voltage": (("svalue1", "voltage", None),),
    "Current": (("svalue1", "current", None),),
    "Barometer": (("svalue1", "pressure", None),),
    "Distance": (("svalue1", "distance", "cm"),),
    "Sound Level": (("svalue1", "sound_pressure", None),),
    "Percentage": (("svalue1", "value", "%"),),
    "Soil Moisture": (("nvalue", "value", "cbar"),),
    "Custom Sensor": (("svalue1", "value", None),),
    "Text": (("svalue1", "state", None),),
}  # fmt: skip
"""By `dtype`, else by `stype`: (where the value stands, metric, unit)."""
_SWITCHES = {
    "Motion Sensor": ("motion", False), "Smoke Detector": ("smoke", False),
    "Door Contact": ("contact", True), "Contact": ("contact", True),
    "Door Lock": ("lock", True), "Dusk Sensor": ("state", False),
}  # fmt: skip
"""By `switchType`: (metric, whether 1 is its off)."""
_NO_BATTERY = 255
METRICS = frozenset(metric for listed in _KEYS.values() for _, metric, _ in listed)
METRICS |= {metric for metric, _ in _SWITCHES.values()} | {"battery"}


def _read(builder: ReadingBuilder, data: Any) -> None:
    if data.__class__ is not dict or "idx" not in data:
        raise missing("an object with the idx of a device")
    device = json_name(str(data.get("name") or data["idx"]))
    builder.set_time(data.get("LastUpdate"))
    kind, sort = str(data.get("dtype")), str(data.get("stype"))
    if kind == "Light/Switch" or kind.startswith("Lighting"):
        metric, inverted = _SWITCHES.get(str(data.get("switchType")), ("state", False))
        number = values.number(data.get("nvalue"))
        on = None if number is None else float(number != 0)
        builder.put(device, metric, on, inverted=inverted)
    else:
        for key, metric, unit in _KEYS.get(kind, _KEYS.get(sort, ())):
            if metric == "value":
                builder.put_number(device, data.get(key), unit, data.get(key))
            else:
                builder.put(device, metric, data.get(key), unit)
    if (battery := values.number(data.get("Battery"))) is not None and battery != _NO_BATTERY:
        builder.put(device, "battery", battery)


def _fits(data: Any) -> bool:
    return data.__class__ is dict and {"idx", "dtype", "nvalue"} <= data.keys()


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if named or words[:2] == ["domoticz", "out"]:
        return Route(_read, "json")
    return IGNORE if words[0] == "domoticz" else None


DIALECT = Dialect("Domoticz", _route, _read, _fits, METRICS)
