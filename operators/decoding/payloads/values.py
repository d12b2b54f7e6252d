"""Values as devices write them: numbers, two-state words, units, and what makes a value bad."""

import math
import re
from functools import lru_cache
from typing import Any

from operators.decoding.payloads.metrics import METRICS, Metric
from operators.model import two_state
from operators.model.units import SECONDS, SPELT, UNITS

BINARY: dict[Any, float] = {**two_state.COMMON, "1.0": 1.0, "0.0": 0.0, 1: 1.0, 0: 0.0}
"""Two-state values, words in lower case. (1, 1.0 and True are one key.)"""

INVERTED = {1.0: 0.0, 0.0: 1.0}
CONTACT = {**two_state.CONTACT, "close": 1.0}
"""Words that say themselves what a contact is: 1 is closed."""
LOCK = {**two_state.LOCK, "lock": 0.0, "unlock": 1.0}
COVER = {
    **{word: word for word in ("open", "closed", "opening", "closing", "stopped")},
    "close": "closed", "stop": "stopped", "opened": "open",
}  # fmt: skip

SPELLINGS: dict[str, dict[str, str]] = {
    "temperature": {"C": "°C", "F": "°F", "Cel": "°C", "ºC": "°C", "ºF": "°F"},
    "water": {"l": "L"},
    "carbon_dioxide": {"/1000000": "ppm"},
    "pm25": {"ug/m3": "µg/m³", "µg/m3": "µg/m³"},
    "sound_pressure": {"dBA": "dB", "dBFS": "dB"},
    "signal_strength": {"dB": "dBm"},
    "illuminance": {"lux": "lx"},
    "linkquality": {"": "lqi"},
}
"""Per metric, units as only devices write them, and the unit that is meant."""
_FRACTIONS = {"%": (0.01, 0.0), "/": (1.0, 0.0), "1": (1.0, 0.0)}
_PERCENTS = {"%RH": (1.0, 0.0), "%EL": (1.0, 0.0), "/": (100.0, 0.0), "m³/m³": (100.0, 0.0)}
_PER = re.compile(r"(\S+)[⋅·*](\S+)⁻([¹²³])")
"""`m⋅s⁻¹`: units with exponents."""
_LONGEST_UNIT = 32
_WITH_UNIT = re.compile(r"\s*([-+]?\d+(?:\.\d+)?)\s*([^\d\s.,+-][^\d]{0,15}?)\s*", re.ASCII)
_SAME = {"gas": "water", "pm1": "pm25", "pm10": "pm25"}


def conversion(metric: str, unit: str) -> tuple[float, float] | None:
    """Return (factor, offset) from a unit as sent to the metric's own.

    None where the unit is of another kind or unknown.
    """
    return _conversion(metric, unit) if len(unit) <= _LONGEST_UNIT else None


@lru_cache(4096)
def _conversion(metric: str, unit: str) -> tuple[float, float] | None:
    own = METRICS[metric].unit
    unit = unit.strip().replace("μ", "µ")
    if (per := _PER.fullmatch(unit)) is not None:
        unit = f"{per[1]}/{per[2]}{per[3].removeprefix('¹')}"
    if unit == own:
        return 1.0, 0.0
    if own == "%":
        return (1.0, 0.0) if SPELT.get(unit.lower()) == "%" else _PERCENTS.get(unit)
    if metric == "power_factor":
        return _FRACTIONS.get(unit)
    if own == "s":
        return (SECONDS[unit], 0.0) if unit in SECONDS else None
    family = "temperature" if own == "°C" else _SAME.get(metric, metric)
    unit = SPELLINGS.get(family, {}).get(unit, unit)
    if unit not in UNITS:
        unit = SPELT.get(unit.lower(), unit)
    if own in UNITS and unit in UNITS and UNITS[own][0] == UNITS[unit][0]:
        _, factor, offset = UNITS[unit]
        _, to_factor, to_offset = UNITS[own]
        return factor / to_factor, (offset - to_offset) / to_factor
    return None


def number(raw: Any) -> float | None:
    """Return the finite number that a JSON value or a text is, else None.

    Comma decimals and digit groups are no numbers.
    """
    if raw.__class__ is str:
        if "_" in raw or not raw.isascii():
            return None
    elif raw.__class__ is not int and raw.__class__ is not float:
        return None
    try:
        value = float(raw)
    except (ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def with_unit(metric: str, raw: str, unit: str | None) -> tuple[float | None, str | None]:
    """(number, unit) of a text such as `21.5 °C`, where the unit is one of the metric."""
    found = _WITH_UNIT.fullmatch(raw) if len(raw) <= _LONGEST_UNIT else None
    if found is None or conversion(metric, found[2]) is None:
        return None, unit
    return number(found[1]), found[2]


def binary(metric: str, raw: Any) -> float | None:
    """Return 1.0 or 0.0 for a two-state value or word, in the sense of the metric, else None."""
    if raw.__class__ is str:
        raw = raw.strip().lower()
        if metric == "contact" and raw in CONTACT:
            return CONTACT[raw]
        if metric == "lock" and raw in LOCK:
            return LOCK[raw]
    elif raw.__class__ in (list, dict):
        return None
    return BINARY.get(raw)


def implied_pressure(value: float) -> float:
    """Return the hPa of a pressure sent without unit: its size tells kPa and Pa."""
    if 30 <= value <= 110:
        return value * 10
    return value / 100 if 30_000 <= value <= 110_000 else value


def in_range(metric: Metric, value: float) -> bool:
    """Whether a value is within the physical range of a metric."""
    return metric.low <= value <= metric.high


_ACTIONS = {
    "s": "single", "ss": "double", "sss": "triple", "l": "hold",
    "long_push": "hold", "clear": "release", "btn_down": "press", "btn_up": "release",
    "single_push": "single", "double_push": "double", "triple_push": "triple",
}  # fmt: skip
ACTIONS = ("single", "double", "triple", "hold", "press", "release")


def action(word: str) -> str:
    """Return what was done to a button in the vocabulary's word; others in lower case."""
    word = word.strip().lower()
    return _ACTIONS.get(word, word)
