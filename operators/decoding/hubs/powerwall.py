"""Tesla Powerwall: `/api/meters/aggregates` of the gateway; energies are in Wh.

Source: github.com/vloschiavo/powerwall2.
"""

from typing import Any

from operators.decoding.dialect import Dialect, Route
from operators.decoding.payloads.parse import missing
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, subject_name

_KEYS: dict[str, tuple[str, str | None]] = {
    "instant_power": ("power", None), "instant_reactive_power": ("reactive_power", None),
    "instant_apparent_power": ("apparent_power", None), "frequency": ("frequency", None),
    "energy_exported": ("energy_returned", "Wh"), "energy_imported": ("energy", "Wh"),
    "instant_average_voltage": ("voltage", None), "instant_total_current": ("current", None),
}  # fmt: skip
"""By key: metric and unit."""
METRICS = frozenset(metric for metric, _ in _KEYS.values())


def _read(builder: ReadingBuilder, data: Any) -> None:
    if data.__class__ is not dict:
        raise missing("an object of meters")
    for name, meter in data.items():
        if meter.__class__ is not dict:
            builder.skipped += 1
            continue
        builder.set_time(meter.get("last_communication_time"))
        for key, (metric, unit) in _KEYS.items():
            if meter.get(key) is not None:
                subject = at_endpoint(subject_name(builder.topic), name)
                builder.put(subject, metric, meter[key], unit)


def _fits(data: Any) -> bool:
    site = data.get("site") if data.__class__ is dict else None
    return site.__class__ is dict and "instant_power" in site


def _route(topic: str, named: bool) -> Route | None:
    """Any topic, where the definition names the dialect."""
    return Route(_read, "json") if named else None


DIALECT = Dialect("Tesla Powerwall's meters", _route, _read, _fits, METRICS)
