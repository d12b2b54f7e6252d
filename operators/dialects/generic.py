"""Devices of no known dialect: a JSON object with known keys, or a bare value on a topic that ends in a metric."""

from functools import lru_cache
from typing import Any

from operators.dialects.metrics import FAHRENHEIT, NAMES
from operators.dialects.payload import Refused, excerpt
from operators.dialects.sheet import Sheet, subject_name

AVAILABILITY = frozenset(("lwt", "availability", "available", "online", "status"))


def write_known(sheet: Sheet, subject: str, data: dict[str, Any]) -> int:
    """Write the readings of the keys that are known; returns how many keys were."""
    known = 0
    twins = {NAMES.get(key.lower()) for key in data}
    for key, raw in data.items():
        name = key.lower()
        metric = NAMES.get(name)
        if metric is None and name in FAHRENHEIT and "temperature" not in twins:
            known += 1
            sheet.put(subject, "temperature", raw, "°F")
        elif name == "open" and raw.__class__ is bool:
            known += 1
            sheet.put(subject, "contact", raw, inverted=True)
        elif metric is None or raw.__class__ is dict or (metric != name and metric in data):
            sheet.skipped += 1
        else:
            known += 1
            sheet.put(subject, metric, raw)
    return known


@lru_cache(8192)
def _bare(topic: str) -> tuple[str, str | None, bool]:
    device, _, word = topic.rstrip("/").rpartition("/")
    name = word.lower()
    return subject_name(device or word), NAMES.get(name), bool(device) and name in AVAILABILITY


def read(sheet: Sheet, data: Any) -> None:
    if data.__class__ is dict:
        if not write_known(sheet, subject_name(sheet.topic), data):
            raise Refused("unrecognised", f"expected a key that is a known metric; got {excerpt(', '.join(data))}")
        return
    if data.__class__ is list:
        raise Refused("unrecognised", "expected a JSON object with a known metric; got an array")
    device, metric, availability = _bare(sheet.topic)
    if availability:
        sheet.availability(device, data)
    elif metric is not None:
        sheet.put(device, metric, data)
    else:
        raise Refused(
            "unrecognised",
            f"expected a topic of a known dialect or one that ends in a metric; got {excerpt(str(data))}",
        )
