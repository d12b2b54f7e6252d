"""Shelly generation 1: `shellies/DEVICE/…` with bare values."""

from collections.abc import Callable
from typing import Any

from operators.decoding.dialect import IGNORE, Route
from operators.decoding.payloads import flat_json, values
from operators.decoding.payloads.metrics import metric_of, names
from operators.decoding.payloads.parse import wrong_type
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, subject_name

_LEFT_OUT = frozenset(("announce", "info", "command"))
_SWITCHED = frozenset(("relay", "light", "color", "white"))
_PARTS = names(
    "announce info command online status relay light color white roller emeter meter input"
    " input_event longpush sensor ext_temperature ext_temperature_f ext_temperatures ext_humidity"
    " ext_humidities ext_switch temperature temperature_f temperature_status overtemperature"
    " voltage adc settings emeter_n"
)
_SENSOR = {
    "state": "contact", "illumination": "illuminance_level", "flood": "water_leak",
    "bat": "battery", "tilt": "tilt", "gas": "gas_alarm",
}  # fmt: skip
_METERED = {
    "power": ("power", None), "energy": ("energy", "Wmin"), "total": ("energy", "Wh"),
    "total_returned": ("energy_returned", "Wh"), "returned_energy": ("energy_returned", "Wmin"),
    "reactive_power": ("reactive_power", None), "voltage": ("voltage", None),
    "current": ("current", None), "pf": ("power_factor", None), "pos": ("position", None),
    "frequency": ("frequency", None),
}  # fmt: skip
_OF_LAST_MINUTES = frozenset(("energy", "returned_energy"))
"""What an energy meter counts anew, beside `total` and `total_returned` for good."""
_NEVER_BELOW_ZERO = frozenset(("tilt", "illuminance", "battery"))
_SET = {"tmp": "temperature", "target_t": "target_temperature"}
_WHOLE = {"temperature": "device_temperature", "overtemperature": "heat", "voltage": "voltage"}
_EXTERNAL = {"ext_temperature": "temperature", "ext_humidity": "humidity", "ext_switch": "state"}
_MAPS = {"ext_temperatures": ("temperature", "tC"), "ext_humidities": ("humidity", "hum")}


def route(topic: str, named: bool) -> Route | None:
    """Return how to read a topic of generation 1, None for others."""
    words = topic.split("/")
    if words[0] != "shellies" or len(words) < 2:
        return None
    if len(words) == 2:
        return IGNORE
    at = next((n for n in range(2, len(words)) if words[n] in _PARTS), 2)
    return _route(subject_name("/".join(words[1:at])), words[at:])


def _route(device: str, path: list[str]) -> Route:
    part = path[0]
    if path[-1] in _LEFT_OUT:
        return IGNORE
    if part == "online":
        return Route(lambda builder, data: builder.put_availability(device, data))
    if path == ["sensor", "concentration"]:
        concentration = at_endpoint(device, path[1])
        return Route(lambda builder, data: builder.put_number(concentration, data, "ppm", data))
    if part == "sensor" and len(path) == 2:
        return _plain(device, _SENSOR.get(path[1]) or metric_of(path[1]))
    if len(path) == 1:
        if part in _MAPS:
            return Route(_externals(device, *_MAPS[part]), "json")
        if part == "status":
            return Route(lambda builder, data: _status(builder, device, data), "json")
        return _plain(device, _WHOLE.get(part))
    if part == "emeter_n":  # the neutral conductor
        return _plain(at_endpoint(device, part), *_METERED.get(path[1], (None, None)))
    if not path[1].isdigit():
        metered = _METERED.get(path[1]) if part in _SWITCHED or part == "roller" else None
        return _plain(device, *metered) if metered else IGNORE
    return _component(device, part, path[1], path[2:])


def _component(device: str, part: str, index: str, rest: list[str]) -> Route:
    subject = at_endpoint(device, f"{part}:{index}")
    if part in _EXTERNAL and not rest:
        return _plain(at_endpoint(device, f"ext:{index}"), _EXTERNAL[part])
    if part == "adc" and not rest:
        return _plain(subject, "voltage")
    if part == "input_event" and not rest:
        return Route(
            lambda builder, data: _pressed(builder, device, f"input:{index}", data), "json"
        )
    if part == "input" and not rest:
        return Route(
            lambda builder, data: None if data is None else builder.put(subject, "state", data)
        )
    if part == "roller" and not rest:
        return Route(lambda builder, data: _cover(builder, subject, data))
    if part in _SWITCHED and not rest:
        return Route(lambda builder, data: _switched(builder, subject, data))
    if part in _SWITCHED and rest == ["status"]:
        return Route(lambda builder, data: _light(builder, subject, data), "json")
    if len(rest) != 1 or part not in (*_SWITCHED, "roller", "emeter", "meter"):
        return _plain(subject, None)
    if part == "emeter" and rest[0] in _OF_LAST_MINUTES:
        return IGNORE
    metered = _METERED.get(rest[0])
    return _plain(subject, *metered) if metered else _plain(subject, None)


def _plain(subject: str, metric: str | None, unit: str | None = None) -> Route:
    def read(builder: ReadingBuilder, data: Any) -> None:
        if metric is None or data.__class__ in (dict, list):
            builder.skipped += 1
        elif metric == "illuminance_level" and data.__class__ is str:
            builder.put_text(subject, metric, data.strip().lower(), data)
        elif metric == "gas_alarm" and data.__class__ is str:
            word = {"none": "off", "mild": "on", "heavy": "on"}.get(data.strip().lower(), data)
            builder.put(subject, metric, word)
        elif metric in _NEVER_BELOW_ZERO and (values.number(data) or 0) < 0:
            builder.put_bad(subject, metric, data)  # -1 where the sensor failed
        else:
            builder.put(subject, metric, data, unit)

    return Route(read)


def _switched(builder: ReadingBuilder, subject: str, data: Any) -> None:
    value = values.binary("state", data)
    if value is None:
        builder.put_bad(subject, "state", data)
    else:
        builder.put(subject, "state", data)


def _cover(builder: ReadingBuilder, subject: str, data: Any) -> None:
    word = values.COVER.get(data.strip().lower()) if data.__class__ is str else None
    if word is None:
        builder.put_bad(subject, "cover_state", data)
    else:
        builder.put_text(subject, "cover_state", word, data)


def _light(builder: ReadingBuilder, subject: str, data: Any) -> None:
    if data.__class__ is not dict:
        raise wrong_type(f"an object as status of {subject}", data)
    for key, metric in (("ison", "state"), ("brightness", "brightness")):
        if key in data:
            builder.put(subject, metric, data[key])


def _status(builder: ReadingBuilder, device: str, data: Any) -> None:
    if data.__class__ is not dict:
        raise wrong_type(f"an object as status of {device}", data)
    for key, metric in _SET.items():
        inner = data.get(key)
        if inner.__class__ is dict and "value" in inner:
            unit = inner.get("units")
            builder.put(device, metric, inner["value"], unit if isinstance(unit, str) else None)
    if "target_t" in data and data.get("pos") is not None:
        builder.put(device, "valve_position", data["pos"])
    flat_json.put_known(
        builder,
        device,
        {_SENSOR.get(key) or key: raw for key, raw in data.items() if key not in _SET},
    )


def _pressed(builder: ReadingBuilder, device: str, endpoint: str, data: Any) -> None:
    if data.__class__ is not dict:
        raise wrong_type(f"an object with event of {device}", data)
    event = data.get("event")
    if event.__class__ is str and event.strip():
        builder.put_button_press(device, event, endpoint)


def _externals(device: str, metric: str, key: str) -> Callable[[ReadingBuilder, Any], None]:
    def read(builder: ReadingBuilder, data: Any) -> None:
        if data.__class__ is not dict:
            raise wrong_type("an object of external sensors", data)
        for index, sensor in data.items():
            if sensor.__class__ is dict and key in sensor:
                builder.put(at_endpoint(device, f"ext:{index}"), metric, sensor[key])

    return read
