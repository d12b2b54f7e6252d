"""deCONZ and Philips Hue: sensors and lights of their REST API, whose numbers are scaled.

Temperatures, humidities and moistures are in hundredths, currents in mA, light levels in
10,000 log10(lux) + 1. Sources: dresden-elektronik.github.io/deconz-rest-doc and
developers.meethue.com.
"""

from collections.abc import Callable
from typing import Any

from operators.decoding.dialect import Dialect, Route
from operators.decoding.payloads import values
from operators.decoding.payloads.parse import Ignored, missing
from operators.decoding.payloads.reading_builder import ReadingBuilder, json_name, subject_name


def _hundredth(number: float) -> float:
    return number / 100


def _lux(level: float) -> float:
    return float(10 ** (min(level, 65535) / 10_000 - 1e-4))


_NUMBERS: dict[str, tuple[str, str | None, Callable[[float], float] | None]] = {
    "temperature": ("temperature", None, _hundredth), "humidity": ("humidity", None, _hundredth),
    "moisture": ("moisture", None, _hundredth), "lightlevel": ("illuminance", None, _lux),
    "pressure": ("pressure", "hPa", None), "power": ("power", None, None),
    "voltage": ("voltage", None, None), "current": ("current", "mA", None),
    "consumption": ("energy", "Wh", None), "battery": ("battery", None, None),
}  # fmt: skip
"""By key: metric, unit, and how it is scaled."""
_FLAGS = {
    "presence": ("presence", False), "open": ("contact", True), "water": ("water_leak", False),
    "fire": ("smoke", False), "carbonmonoxide": ("carbon_monoxide", False),
    "vibration": ("vibration", False), "tampered": ("tamper", False),
    "lowbattery": ("battery_low", False), "on": ("state", False),
    "reachable": ("availability", False),
}  # fmt: skip
"""By key: metric, and whether true is its off."""
_OF_LIGHT = frozenset(("on", "reachable"))
METRICS = frozenset([means[0] for means in _NUMBERS.values()])
METRICS |= {means[0] for means in _FLAGS.values()}


def _device(builder: ReadingBuilder, data: dict[str, Any]) -> str:
    """The address before the endpoint, `a4:c1:38:b0:55:e6:93:45-01-0402`: all its sensors' own."""
    unique = data.get("uniqueid")
    if unique.__class__ is str and unique:
        return json_name(unique.partition("-")[0])
    return subject_name(builder.topic)


def _read(builder: ReadingBuilder, data: Any) -> None:
    if data.__class__ is not dict:
        raise missing("an object of a sensor or light")
    state, config = data.get("state"), data.get("config")
    device = _device(builder, data)
    if state.__class__ is dict:
        builder.set_time(_in_utc(state.get("lastupdated")))
        _put_state(builder, device, state, is_light=data.get("r") in ("lights", "groups"))
    if config.__class__ is dict:
        if (battery := values.number(config.get("battery"))) is not None:
            builder.put(device, "battery", battery)
        if config.get("reachable").__class__ is bool:
            builder.put_availability(device, config["reachable"])
    if not builder.events:
        raise Ignored


def _put_state(builder: ReadingBuilder, device: str, state: dict[str, Any], is_light: bool) -> None:
    has_lux = "lux" in state
    for key, raw in state.items():
        if key == "buttonevent" and raw.__class__ is int:
            builder.put_button_press(device, str(raw))
        elif key == "lux" and values.number(raw) is not None:
            builder.put(device, "illuminance", raw)
        elif key in _FLAGS and raw.__class__ is bool and (is_light or key not in _OF_LIGHT):
            metric, inverted = _FLAGS[key]
            if metric == "availability":
                builder.put_availability(device, raw)
            else:
                builder.put(device, metric, raw, inverted=inverted)
        elif (
            key in _NUMBERS
            and (number := values.number(raw)) is not None
            and (key != "lightlevel" or not has_lux)
        ):
            metric, unit, scaled = _NUMBERS[key]
            builder.put(device, metric, scaled(number) if scaled else number, unit)
        else:
            builder.skipped += 1


def _in_utc(text: Any) -> str | None:
    if text.__class__ is not str or text == "none":
        return None
    return str(text) if text.endswith("Z") or "+" in text else f"{text}Z"


def _fits(data: Any) -> bool:
    if data.__class__ is not dict:
        return False
    is_event = data.get("t") == "event" and data.get("r") in ("sensors", "lights", "groups")
    kind = data.get("type")
    is_sensor = kind.__class__ is str and kind.startswith(("ZLL", "ZHA", "CLIP"))
    return is_event or (is_sensor and data.get("state").__class__ is dict)


def _route(topic: str, named: bool) -> Route | None:
    """Any topic, where the definition names the dialect."""
    return Route(_read, "json") if named else None


DIALECT = Dialect("deCONZ and Philips Hue, events of their API", _route, _read, _fits, METRICS)
