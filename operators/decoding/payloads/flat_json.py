"""Readings of a flat JSON object by the names of its keys."""

from collections.abc import Collection
from typing import Any

from operators.decoding.payloads.metrics import FAHRENHEIT, METRICS, metric_of
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint

_SWITCHED = frozenset(("on", "off"))
"""What a switch called `power` is."""


def put_known(
    builder: ReadingBuilder,
    subject: str,
    data: dict[str, Any],
    units: dict[str, str] | None = None,
    without: Collection[str] = (),
) -> int:
    """Write the readings of all keys that name a metric; return how many keys did.

    `units` are the units stated, by metric.

    Metrics in `without` are not read. A key that is the metric itself wins over its aliases, and of
    those the first.
    """
    count = 0
    fahrenheit = False
    taken: set[str] = set()
    for key, raw in data.items():
        metric = metric_of(key)
        if raw.__class__ is dict:
            builder.skipped += 1
        elif metric is None:
            name = key.lower()
            if name in FAHRENHEIT:
                fahrenheit = True
            elif name == "open" and raw.__class__ is bool:
                count += 1
                builder.put(subject, "contact", raw, inverted=True)
            else:
                builder.skipped += 1
        elif metric in without or metric in taken or _is_other(key, metric, data):
            builder.skipped += 1
        else:
            count += 1
            if (
                raw.__class__ is str
                and raw.lower() in _SWITCHED
                and METRICS[metric].kind == "number"
            ):
                builder.put(at_endpoint(subject, key), "state", raw)
                continue
            taken.add(metric)
            builder.put(subject, metric, raw, units.get(metric) if units else None)
    if fahrenheit:
        count += _fahrenheit(builder, subject, data)
    return count


def _is_other(key: str, metric: str, data: dict[str, Any]) -> bool:
    """Whether another key says the metric, or this one says something else: a scale of a number."""
    if key.lower() == "factor":
        return not any(metric_of(name) in ("power", "voltage", "current") for name in data)
    return metric in data and key != metric


def _fahrenheit(builder: ReadingBuilder, subject: str, data: dict[str, Any]) -> int:
    if any(metric_of(key) == "temperature" for key in data):
        return 0
    key = next(key for key in data if key.lower() in FAHRENHEIT)
    builder.put(subject, "temperature", data[key], "°F")
    return 1
