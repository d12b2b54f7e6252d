"""States of Home Assistant entities, whichever way they come.

The metric follows from the domain, device class, unit and name.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from operators.decoding.payloads import values
from operators.decoding.payloads.metrics import (
    METRIC_OF_UNIT,
    METRICS,
    NAMES,
    OPENINGS,
    by_suffix,
    names,
)
from operators.decoding.payloads.reading_builder import ReadingBuilder

IGNORED = frozenset(("automation", "script", "update", "button", "scene"))
ON_OFF = frozenset(("switch", "light", "fan", "input_boolean"))
NUMERIC = frozenset(("sensor", "number", "input_number"))
MISSING = frozenset(("unavailable", "unknown", "none"))
TEXT_CLASSES = frozenset(("timestamp", "date", "enum"))

BINARY_CLASSES = {
    **dict.fromkeys(
        names("motion occupancy presence vibration tamper smoke heat sound lock carbon_monoxide"),
        "",
    ),
    **dict.fromkeys(OPENINGS, "contact"), "moisture": "water_leak", "gas": "gas_alarm",
    "battery": "battery_low",
}  # fmt: skip
_OWN_NAME = (
    "temperature humidity pressure illuminance power apparent_power reactive_power power_factor"
    " energy voltage current frequency battery signal_strength carbon_dioxide pm1 pm25 pm10"
    " moisture conductivity distance weight speed sound_pressure water gas"
)
SENSOR_CLASSES = {
    **dict.fromkeys(_OWN_NAME.split(), ""),
    "carbon_monoxide": "carbon_monoxide_level", "atmospheric_pressure": "pressure",
    "duration": "uptime", "wind_speed": "speed",
}  # fmt: skip
BINARY_NAMES = {
    **{name: metric for name, metric in NAMES.items() if METRICS[metric].kind == "binary"},
    **dict.fromkeys(OPENINGS, "contact"),
    "leak": "water_leak",
}

State = Callable[[ReadingBuilder, str, str], None]


class Meaning(NamedTuple):
    """Meaning of an entity's states: metric, unit they come in, and whether 1 and 0 swap.

    `is_certain` is False where the metric is a guess.
    """

    metric: str
    unit: str | None = None
    inverted: bool = False
    is_certain: bool = True


def binary_meaning(name: str, device_class: str | None) -> tuple[Meaning, str]:
    """Return the meaning of a binary sensor, and what its name says beyond the metric."""
    if device_class:
        metric = BINARY_CLASSES.get(device_class, "state") or device_class
        return Meaning(metric, None, device_class in OPENINGS), name
    found = by_suffix(name, BINARY_NAMES)
    if found is None:
        return Meaning("state"), name
    metric, before = found
    return (
        Meaning(metric, None, metric == "contact" and not name.lower().endswith("contact")),
        before,
    )


def sensor_meaning(name: str, device_class: str | None, unit: str | None) -> tuple[Meaning, str]:
    """Return the meaning of a sensor or number, and what its name says beyond the metric.

    `is_certain` is False without any hint.
    """
    if device_class in TEXT_CLASSES:
        return Meaning("state"), name
    if device_class:
        metric = SENSOR_CLASSES.get(device_class, "value") or device_class
        return Meaning(metric, unit), name
    if unit in METRIC_OF_UNIT:
        return Meaning(METRIC_OF_UNIT[unit], unit), name
    found = by_suffix(name)
    if found is None:
        return Meaning("value", unit, is_certain=unit is not None), name
    return (
        Meaning(found[0], unit if METRICS[found[0]].kind in ("number", "any") else None),
        found[1],
    )


@lru_cache(16384)
def meaning(entity: str, device_class: str | None, unit: str | None) -> Meaning | None:
    """Return the meaning of an entity's states; None for entities that are left out."""
    domain, _, name = entity.partition(".")
    if domain in IGNORED:
        return None
    if domain == "binary_sensor":
        return binary_meaning(name, device_class)[0]
    if domain in NUMERIC:
        return sensor_meaning(name, device_class, unit)[0]
    return Meaning(
        {"cover": "cover_state", "climate": "hvac_mode", "lock": "lock"}.get(domain, "state")
    )


def write(builder: ReadingBuilder, entity: str, means: Meaning, state: str) -> None:
    """Write the reading of an entity's state text."""
    domain = entity.partition(".")[0]
    if state.lower() in MISSING:
        metric = means.metric
        if domain in ("person", "device_tracker"):
            metric = "presence"
        elif metric == "value" and not means.is_certain:
            metric = "state"
        unit = means.unit if metric == "value" else METRICS[metric].unit
        builder.add(entity, metric, None, state, unit, "bad", state)
    elif domain in ("person", "device_tracker"):
        present = {"home": 1.0, "not_home": 0.0}.get(state.lower())
        text = state if present is None else None
        builder.add(entity, "presence", present or 0.0, text, None, builder.quality, state)
    else:
        write_state(builder, entity, domain, means, state)


def write_state(
    builder: ReadingBuilder, subject: str, domain: str, means: Meaning, state: str
) -> None:
    """Write the reading of a state that is data, by the rules shared with ESPHome."""
    metric = means.metric
    if metric == "cover_state":
        word = state.strip().lower()
        builder.put_text(subject, metric, values.COVER.get(word, word), state)
    elif metric == "state":
        value = (
            None
            if domain in ("sensor", "number", "text_sensor", "input_number")
            else values.binary(metric, state)
        )
        if value is not None:
            builder.add(subject, metric, value, None, None, builder.quality, state)
        elif domain in ON_OFF or domain == "binary_sensor":
            builder.put_bad(subject, metric, state)
        else:
            builder.put_text(subject, metric, state)
    elif metric == "value":
        if (
            not means.is_certain
            and values.number(state) is None
            and state.strip().lower() not in NOT_FINITE
        ):
            builder.put_text(subject, "state", state)
        else:
            builder.put_number(subject, state, means.unit, state)
    else:
        builder.put(subject, metric, state, means.unit, means.inverted)


NOT_FINITE = frozenset(("nan", "inf", "-inf", "+inf", "infinity", "-infinity", "+infinity"))


def attribute(attributes: Any, key: str) -> str | None:
    """Return a text attribute, None where it is missing or no text."""
    value = attributes.get(key) if attributes.__class__ is dict else None
    return value if value.__class__ is str and value else None
