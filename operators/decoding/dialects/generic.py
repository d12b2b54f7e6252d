"""Devices of no known dialect: a JSON object with known keys, or a bare value on a topic that
ends in a metric.
"""

from typing import Any

from operators.decoding.dialects.home_assistant.states import UNITS
from operators.decoding.payloads import flat_json as known
from operators.decoding.payloads import values
from operators.decoding.payloads.metrics import METRICS, metric_of
from operators.decoding.payloads.payload import Refused, excerpt
from operators.decoding.payloads.reading_builder import Sheet, subject_name

AVAILABILITY = frozenset(("lwt", "availability", "available", "online", "status"))


def _object(sheet: Sheet, subject: str, data: dict[str, Any]) -> None:
    unit = data.get("unit")
    metrics = [
        metric
        for key in data
        if (metric := metric_of(key)) and METRICS[metric].kind in ("number", "any")
    ]
    if unit.__class__ is str and len(metrics) == 1:
        if metrics == ["value"]:
            sheet.put(subject, UNITS.get(unit, "value"), data.get("value"), unit)
            return
        if values.conversion(metrics[0], unit) is not None:
            known.write(sheet, subject, data, {metrics[0]: unit})
            return
    if not known.write(sheet, subject, data):
        raise Refused(
            "unrecognised", f"expected a key that is a known metric; got {excerpt(', '.join(data))}"
        )


def read(sheet: Sheet, data: Any) -> None:
    """Read what fits no other dialect. Raises `Refused` (unrecognised)."""
    device, _, word = sheet.topic.rstrip("/").rpartition("/")
    name = word.lower()
    if device and name in AVAILABILITY and _is_availability(name, data):
        sheet.availability(subject_name(device), data)
    elif data.__class__ is dict:
        _object(sheet, subject_name(sheet.topic), data)
    elif data.__class__ is not list and (metric := metric_of(word)) is not None:
        sheet.put(subject_name(device or word), metric, data)
    else:
        raise Refused(
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
