"""Flat JSON of devices of no known dialect.

An object is read by its known keys, a bare value by a topic that ends in a metric.
"""

from typing import Any

import msgspec

from operators.decoding.dialect import Dialect, Route
from operators.decoding.payloads import flat_json, values
from operators.decoding.payloads.metrics import METRIC_OF_UNIT, METRICS, metric_of
from operators.decoding.payloads.parse import Undecodable, excerpt
from operators.decoding.payloads.reading_builder import ReadingBuilder, subject_name
from operators.events import Reading

_UNITS = ("unit", "units", "uom", "unit_of_measurement")
_SYSTEMS = frozenset(("metric", "si"))
"""What is no unit of one quantity, and means the usual ones."""
AVAILABILITY = frozenset(("lwt", "availability", "available", "online", "status"))


def _object(builder: ReadingBuilder, subject: str, data: dict[str, Any]) -> None:
    unit = next((data[key] for key in _UNITS if data.get(key).__class__ is str), "").strip()
    numbers = [
        metric
        for key in data
        if (metric := metric_of(key)) and METRICS[metric].kind in ("number", "any")
    ]
    if unit and numbers == ["value"]:
        builder.put(subject, METRIC_OF_UNIT.get(unit, "value"), data.get("value"), unit)
        return
    units = {m: unit for m in numbers if unit and values.conversion(m, unit) is not None}
    if unit and numbers and not units and unit.lower() not in _SYSTEMS:
        count = _in_unknown_unit(builder, subject, data)
    else:
        count = flat_json.put_known(builder, subject, data, units)
    if not count:
        raise Undecodable(
            "unrecognised", f"expected a key that is a known metric; got {excerpt(', '.join(data))}"
        )


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
        _object(builder, subject_name(builder.topic), data)
    elif data.__class__ is not list and (metric := metric_of(word)) is not None:
        builder.put(subject_name(device or word), metric, data)
    else:
        raise Undecodable(
            "unrecognised",
            "expected a topic of a known dialect or one that ends in a metric; got"
            f" {excerpt(str(data))}",
        )


def _is_availability(name: str, data: Any) -> bool:
    if data.__class__ is dict:
        return data.get("state").__class__ is str and len(data) == 1
    if name in ("lwt", "availability"):
        return data.__class__ is not list
    return data.__class__ is str and (
        data.strip().lower() == "stopped" or values.binary("availability", data) is not None
    )


def _route(topic: str, named: bool) -> Route | None:
    """Any topic, where the definition names the dialect."""
    return Route(read) if named else None


DIALECT = Dialect(
    "known keys of a JSON object, or a bare value on a topic that ends in a metric", _route, read
)
