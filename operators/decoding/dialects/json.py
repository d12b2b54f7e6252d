"""Flat JSON of devices of no known dialect.

An object is read by its known keys, a bare value by a topic that ends in a metric.
"""

from typing import Any

from operators.decoding.dialect import Dialect, Route
from operators.decoding.payloads import flat_json, values
from operators.decoding.payloads.metrics import METRIC_OF_UNIT, METRICS, metric_of
from operators.decoding.payloads.parse import Undecodable, excerpt
from operators.decoding.payloads.reading_builder import ReadingBuilder, subject_name

AVAILABILITY = frozenset(("lwt", "availability", "available", "online", "status"))


def _object(builder: ReadingBuilder, subject: str, data: dict[str, Any]) -> None:
    unit = data.get("unit")
    metrics = [
        metric
        for key in data
        if (metric := metric_of(key)) and METRICS[metric].kind in ("number", "any")
    ]
    if unit.__class__ is str and len(metrics) == 1:
        if metrics == ["value"]:
            builder.put(subject, METRIC_OF_UNIT.get(unit, "value"), data.get("value"), unit)
            return
        if values.conversion(metrics[0], unit) is not None:
            flat_json.put_known(builder, subject, data, {metrics[0]: unit})
            return
    if not flat_json.put_known(builder, subject, data):
        raise Undecodable(
            "unrecognised", f"expected a key that is a known metric; got {excerpt(', '.join(data))}"
        )


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
