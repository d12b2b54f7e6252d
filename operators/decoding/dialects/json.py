"""Flat JSON of devices of no known dialect.

An object is read by its known keys, a bare value by a topic that ends in a metric.
"""

from typing import Any

import msgspec

from operators.decoding.dialect import Dialect, Route
from operators.decoding.payloads import flat_json, key_names, lorawan, values
from operators.decoding.payloads.metrics import METRIC_OF_UNIT, METRICS, metric_of
from operators.decoding.payloads.parse import Undecodable, excerpt
from operators.decoding.payloads.reading_builder import (
    ReadingBuilder,
    at_endpoint,
    json_name,
    subject_name,
)
from operators.events import Reading

_UNITS = ("unit", "units", "uom", "unit_of_measurement")
_SYSTEMS = frozenset(("metric", "si"))
"""What is no unit of one quantity, and means the usual ones."""
_WRAPPERS = frozenset(
    ("data", "values", "payload", "readings", "sensors", "params", "fields", "object")
)
"""Names of objects that only hold the readings of the device."""
_DEEPEST = 4
_MOST = 100
AVAILABILITY = frozenset(("lwt", "availability", "available", "online", "status"))


def read_object(builder: ReadingBuilder, subject: str, data: dict[str, Any]) -> None:
    """Read an object by its known keys. Raises `Undecodable` (unrecognised)."""
    unit = _stated_unit(data) or ""
    numbers = [
        metric
        for key in data
        if (metric := metric_of(key)) and METRICS[metric].kind in ("number", "any")
    ]
    if unit and numbers == ["value"]:
        builder.put(subject, METRIC_OF_UNIT.get(unit, "value"), data.get("value"), unit)
        return
    is_register = "data" in data and set(numbers) <= {"power_factor"}  # nibepi; `factor` is a scale
    if is_register and unit in METRIC_OF_UNIT and values.number(data["data"]) is not None:
        builder.put(subject, METRIC_OF_UNIT[unit], data["data"], unit)
        return
    units = {m: unit for m in numbers if unit and values.conversion(m, unit) is not None}
    units |= _units_beside(data)
    if unit and numbers and not units and unit.lower() not in _SYSTEMS:
        count = _in_unknown_unit(builder, subject, data)
    else:
        count = flat_json.put_known(builder, subject, data, units)
    count += lorawan.put_named(builder, subject, data)
    count = count or _inside(builder, subject, data, _DEEPEST)
    if not count:
        raise Undecodable(
            "unrecognised", f"expected a key that is a known metric; got {excerpt(', '.join(data))}"
        )


def _stated_unit(data: Any) -> str | None:
    """The unit that an object states of its one value."""
    return next((str(data[key]).strip() for key in _UNITS if data.get(key).__class__ is str), None)


def _units_beside(data: dict[str, Any]) -> dict[str, str]:
    """Units that a key of their own states: `temperature_unit` beside `temperature`."""
    return {
        metric: unit
        for key, unit in data.items()
        if key.lower().endswith("_unit")
        and unit.__class__ is str
        and (metric := metric_of(key[: -len("_unit")])) is not None
        and values.conversion(metric, unit) is not None
    }


def _inside(builder: ReadingBuilder, subject: str, data: Any, depth: int) -> int:
    """Read what a message holds that has no known key itself; return how many values there were.

    `{"temperature": {"value": 20, "unit": "°C"}}`, and objects within, whose names are endpoints.
    """
    entries: list[tuple[Any, Any]] = list(
        data.items() if isinstance(data, dict) else enumerate(data[:_MOST], 1)
    )
    count = 0
    for key, inner in entries:
        name = str(key)
        if inner.__class__ not in (dict, list) or not depth:
            continue
        if inner.__class__ is dict and _valued(builder, subject, name, inner):
            count += 1
            continue
        part = subject
        if name.lower() not in _WRAPPERS:
            part = f"{subject}/{json_name(name)}" if "#" in subject else at_endpoint(subject, name)
        if listed := lorawan.named_values(inner):
            count += sum(_valued(builder, subject, it, one) for it, one in listed.items())
        elif inner.__class__ is dict:
            no_value = "value" in inner and values.number(inner["value"]) is None
            without = ("value",) if no_value else ()
            found = flat_json.put_known(builder, part, inner, _units_beside(inner), without)
            found += lorawan.put_named(builder, part, inner)
            count += found or _inside(builder, part, inner, depth - 1)
        else:
            count += _inside(builder, part, inner, depth - 1)
    return count


def _list(builder: ReadingBuilder, subject: str, data: list[Any], depth: int) -> int:
    """Read a list of named values, or one of objects by their numbers."""
    listed = lorawan.named_values(data)
    count = sum(_valued(builder, subject, name, one) for name, one in listed.items())
    return count or _inside(builder, subject, data, depth)


def _valued(builder: ReadingBuilder, subject: str, name: str, data: dict[str, Any]) -> bool:
    """Write the value of an object with a name and a `value`, if the name says its quantity."""
    raw = data.get("value", data.get("val"))
    if raw is None or raw.__class__ in (dict, list):
        return False
    if (metric := metric_of(name)) is not None:
        means = key_names.Meaning(metric)
    elif (found := key_names.meaning(name)) is not None:
        means = found
    else:
        return False
    is_number = METRICS[means.metric].kind in ("number", "any")
    unit = (_stated_unit(data) or means.unit) if is_number else None
    builder.put(at_endpoint(subject, means.endpoint), means.metric, raw, unit)
    return True


def _in_unknown_unit(builder: ReadingBuilder, subject: str, data: dict[str, Any]) -> int:
    """Write numbers whose stated unit is not theirs as bad, and all else as it is."""
    first = len(builder.events)
    count = flat_json.put_known(builder, subject, data)
    for place, event in enumerate(builder.events[first:], first):
        if isinstance(event, Reading) and METRICS[event.metric].kind == "number":
            builder.events[place] = msgspec.structs.replace(event, quality="bad")
    return count


def read(builder: ReadingBuilder, data: Any) -> None:
    """Read what fits no other dialect. Raises `Undecodable` (unrecognised)."""
    device, _, word = builder.topic.rstrip("/").rpartition("/")
    name = word.lower()
    if device and name in AVAILABILITY and _is_availability(name, data):
        builder.put_availability(subject_name(device), data)
    elif data.__class__ is dict:
        metric = metric_of(word)
        if metric in (None, "value", "state") or not _one_value(builder, metric, device, data):
            read_object(builder, subject_name(builder.topic), data)
    elif data.__class__ is list and _list(builder, subject_name(builder.topic), data, _DEEPEST):
        return
    elif data.__class__ is not list and (metric := metric_of(word)) is not None:
        if metric not in ("state", "value") or not _named_before(builder, device, data):
            builder.put(subject_name(device or word), metric, data)
    elif data.__class__ is str and _by_suffix(builder, device, word, data):
        return
    else:
        raise Undecodable(
            "unrecognised",
            "expected a topic of a known dialect or one that ends in a metric; got"
            f" {excerpt(str(data))}",
        )


def _one_value(builder: ReadingBuilder, metric: Any, device: str, data: dict[str, Any]) -> bool:
    """Read `{"value": 20}` on a topic that ends in a metric, if it is that."""
    if any(metric_of(key) not in (None, "value") for key in data):
        return False
    value = data.get("value", data.get("val"))
    if value is None or value.__class__ in (dict, list):
        return False
    unit = _stated_unit(data)
    numeric = METRICS[metric].kind == "number"
    if unit and (not numeric or values.conversion(metric, unit) is None):
        return False
    builder.put(subject_name(device or metric), metric, value, unit or None)
    return True


def _named_before(builder: ReadingBuilder, device: str, data: Any) -> bool:
    """Read a number on `inverter_1/pv_power/state`; 1 on `heater/power/state` is a state."""
    above, _, word = device.rpartition("/")
    number = values.number(data)
    if number is None or (metric_of(word) is not None and number in (0, 1)):
        return False
    return _by_suffix(builder, above, word, str(data))


def _by_suffix(builder: ReadingBuilder, device: str, word: str, data: str) -> bool:
    """Read a number on a topic such as `cars/1/outside_temp`."""
    found = key_names.meaning(word)
    if found is None or not device or values.number(data) is None:
        return False
    if METRICS[found.metric].kind != "number":
        return False
    builder.put(at_endpoint(subject_name(device), found.endpoint), found.metric, data, found.unit)
    return True


def _is_availability(name: str, data: Any) -> bool:
    if data.__class__ is dict:
        return data.get("state").__class__ is str and len(data) == 1
    if name in ("lwt", "availability"):
        return data.__class__ is not list
    return data.__class__ is str and (
        data.strip().lower() in ("stopped", "connected", "disconnected")
        or values.binary("availability", data) is not None
    )


def _route(topic: str, named: bool) -> Route | None:
    """Any topic, where the definition names the dialect."""
    return Route(read) if named else None


DIALECT = Dialect(
    "known keys of a JSON object, or a bare value on a topic that ends in a metric", _route, read
)
