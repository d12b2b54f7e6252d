"""Z-Wave JS UI: `zwave/LOCATION/NODE/CLASS/ENDPOINT/PROPERTY`, classes by number or by name.

The payload is `{"time", "value"}`, the whole value, or the value alone. Source: zwave-js-ui,
"Gateway"; codes are those of the Z-Wave command classes.
"""

from collections.abc import Callable
from typing import Any

from operators.decoding.dialect import IGNORE, Route, by_topic
from operators.decoding.payloads import values
from operators.decoding.payloads.metrics import METRICS, by_suffix
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, subject_name

_CLASSES = {
    "switch_binary": 37, "switch_multilevel": 38, "sensor_binary": 48, "sensor_multilevel": 49,
    "meter": 50, "thermostat_setpoint": 67, "door_lock": 98, "notification": 113, "battery": 128,
}  # fmt: skip
_NUMBERS = frozenset(_CLASSES.values())
_METER = {"65537": ("energy", "kWh"), "66049": ("power", "W"), "66561": ("voltage", "V"),
          "66817": ("current", "A"), "67073": ("power_factor", None)}  # fmt: skip
_ALARMS: dict[tuple[str, str], tuple[str, frozenset[int]]] = {
    ("home_security", "motion_sensor_status"): ("motion", frozenset((7, 8))),
    ("home_security", "cover_status"): ("tamper", frozenset((3,))),
    ("water_alarm", "sensor_status"): ("water_leak", frozenset((1, 2))),
    ("smoke_alarm", "sensor_status"): ("smoke", frozenset((1, 2))),
    ("co_alarm", "sensor_status"): ("carbon_monoxide", frozenset((1, 2))),
    ("heat_alarm", "heat_sensor_status"): ("heat", frozenset((1, 2))),
    ("access_control", "door_state"): ("contact", frozenset((23,))),
    ("access_control", "door_state_(simple)"): ("contact", frozenset((23,))),
}
"""Kinds of notification: the metric, and the codes at which it is 1."""
_BINARY = {"motion": "motion", "tamper": "tamper", "water": "water_leak", "smoke": "smoke",
           "co": "carbon_monoxide", "heat": "heat", "door/window": "contact"}  # fmt: skip
_QUANTITIES = {"luminance": "illuminance", "carbon_dioxide_(co2)_level": "carbon_dioxide",
               "particulate_matter_2.5": "pm25", "soil_humidity": "moisture",
               "carbon_monoxide_(co)_level": "carbon_monoxide_level"}  # fmt: skip
_SILENT = frozenset(("lastActive", "nodeinfo", "version"))
_SECURED = 255
USED = frozenset(
    ("state", "temperature", "target_temperature", "humidity", "illuminance", "pressure", "power",
     "energy", "voltage", "current", "power_factor", "battery", "battery_low", "motion", "tamper",
     "water_leak", "smoke", "carbon_monoxide", "heat", "contact", "lock", "availability", "value",
     "carbon_dioxide", "pm25", "moisture")
)  # fmt: skip


def _put(
    builder: ReadingBuilder, subject: str, number: int, path: list[str], raw: Any, unit: Any
) -> None:
    name = path[0].lower()
    if number == 37 and name == "currentvalue":
        builder.put(subject, "state", raw)
    elif number == 38 and name == "currentvalue":
        builder.put_number(subject, raw, None, raw)  # of a light, a blind or a fan: 0 to 99
    elif number == 128 and name in ("level", "islow"):
        builder.put(subject, "battery" if name == "level" else "battery_low", raw)
    elif number == 50 and path[-1] in _METER:
        metric, unit = _METER[path[-1]]
        builder.put(subject, metric, raw, unit)
    elif number == 67 and name == "setpoint":
        builder.put(subject, "target_temperature", raw, unit)
    elif number == 98 and name == "currentmode":
        builder.put(subject, "lock", None if raw is None else raw != _SECURED)
    elif number == 49:
        _quantity(builder, subject, name, raw, unit)
    elif number == 48:
        kind = _BINARY.get("/".join(path).lower().replace("door_window", "door/window"))
        builder.put(subject, kind or "state", raw, inverted=kind == "contact")
    elif number == 113 and (alarm := _ALARMS.get((name, path[-1].lower()))) is not None:
        code = values.number(raw)
        builder.put(subject, alarm[0], None if code is None else code in alarm[1])
    else:
        builder.skipped += 1


def _quantity(builder: ReadingBuilder, subject: str, name: str, raw: Any, unit: Any) -> None:
    found = by_suffix(name)
    metric = _QUANTITIES.get(name) or (found[0] if found is not None else "value")
    if METRICS[metric].kind != "number":
        builder.put_number(at_endpoint(subject, name), raw, unit)
    else:
        builder.put(subject, metric, raw, unit)


def _value(data: Any) -> tuple[Any, Any, Any]:
    """(value, unit, time) of a payload in any of its three forms."""
    if data.__class__ is not dict:
        return data, None, None
    unit = data.get("unit")
    time = data.get("time", data.get("lastUpdate"))
    return data.get("value"), unit if unit.__class__ is str and unit else None, time


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if len(words) < 3 or not (named or words[0] in ("zwave", "zwave2mqtt", "zwavejs2mqtt")):
        return None
    if words[1] == "_CLIENTS" and words[-1] == "status":
        return _status(subject_name(words[0]), f"{words[0]}/")
    if words[-1] in _SILENT or words[1].startswith("_") or words[-1] == "set":
        return IGNORE
    if words[-1] == "status" and len(words) < 5:
        return _status(subject_name("/".join(words[1:-1])), None)
    for n in range(2, len(words) - 2):
        number = _CLASSES.get(words[n], int(words[n]) if words[n].isdecimal() else 0)
        endpoint = words[n + 1].removeprefix("endpoint_")
        if number and endpoint.isdecimal():
            if number not in _NUMBERS:
                return IGNORE
            device = subject_name("/".join(words[1:n]))
            return Route(_reader(device, endpoint, number, words[n + 2 :]))
    return IGNORE


def _reader(
    device: str, endpoint: str, number: int, path: list[str]
) -> Callable[[ReadingBuilder, Any], None]:
    subject = at_endpoint(device, endpoint if endpoint != "0" else None)

    def read(builder: ReadingBuilder, data: Any) -> None:
        raw, unit, time = _value(data)
        builder.set_time(time)
        _put(builder, subject, number, path, raw, unit)

    return read


def _status(subject: str, covers: str | None) -> Route:
    """Whether a node, or the gateway, can be reached; who sleeps will wake."""

    def read(builder: ReadingBuilder, data: Any) -> None:
        state = data.get("status") if data.__class__ is dict else None
        raw = state != "Dead" if state.__class__ is str else _value(data)[0]
        builder.put_availability(subject, raw, covers)

    return Route(read)


DIALECT = by_topic("Z-Wave JS UI", _route, "zwave/NODE/CLASS/ENDPOINT/PROPERTY", USED)
