"""Values as devices write them: numbers, two-state words, units, and what makes a value bad."""

import math
from functools import lru_cache
from typing import Any

from operators.decoding.payloads.metrics import METRICS, Metric
from operators.model import two_state
from operators.model.units import UNITS

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

MORE_UNITS: dict[str, dict[str, tuple[float, float]]] = {
    "temperature": {"C": (1, 0), "F": (5 / 9, -160 / 9), "Cel": (1, 0), "ºC": (1, 0),
        "ºF": (5 / 9, -160 / 9)},
    "energy": {"GWh": (1e6, 0), "kJ": (1 / 3600, 0), "MJ": (1 / 3.6, 0), "GJ": (1 / 3.6e-3, 0),
        "Wmin": (1 / 60000, 0)},
    "power": {"MW": (1e6, 0)},
    "voltage": {"kV": (1e3, 0), "µV": (1e-6, 0), "MV": (1e6, 0)},
    "current": {"µA": (1e-6, 0)},
    "apparent_power": {"kVA": (1e3, 0), "mVA": (1e-3, 0)},
    "reactive_power": {"kvar": (1e3, 0), "mvar": (1e-3, 0)},
    "pressure": {"cbar": (10, 0), "psi": (68.94757293168, 0)},
    "frequency": {"kHz": (1e3, 0), "MHz": (1e6, 0), "GHz": (1e9, 0)},
    "power_factor": {"%": (0.01, 0), "/": (1, 0), "1": (1, 0)},
    "distance": {"km": (1e3, 0), "in": (0.0254, 0), "ft": (0.3048, 0), "yd": (0.9144, 0),
        "mi": (1609.344, 0)},
    "weight": {"mg": (1e-6, 0), "µg": (1e-9, 0), "oz": (0.028349523125, 0), "st": (6.35029318, 0),
        "t": (1e3, 0)},
    "speed": {"kn": (1852 / 3600, 0), "ft/s": (0.3048, 0), "mm/s": (1e-3, 0), "cm/s": (1e-2, 0)},
    "water": {"L": (1e-3, 0), "l": (1e-3, 0), "mL": (1e-6, 0), "ft³": (0.028316846592, 0),
        "gal": (0.003785411784, 0)},
    "uptime": {"ms": (1e-3, 0), "min": (60, 0), "h": (3600, 0), "d": (86400, 0), "w": (604800, 0)},
    "conductivity": {"mS/cm": (1e3, 0), "S/cm": (1e6, 0), "S/m": (1e4, 0)},
    "carbon_dioxide": {"ppb": (1e-3, 0), "/1000000": (1, 0)},
    "pm25": {"mg/m³": (1e3, 0), "ug/m3": (1, 0), "µg/m3": (1, 0)},
    "sound_pressure": {"dBA": (1, 0), "dBFS": (1, 0)},
    "signal_strength": {"dB": (1, 0), "dBW": (1, 30)},
    "illuminance": {"lux": (1, 0)},
    "linkquality": {"": (1, 0)},
}  # fmt: skip
"""Per metric, units that only devices write: (factor, offset) to the metric's unit."""
_LONGEST_UNIT = 32
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
    if unit == own:
        return 1.0, 0.0
    family = metric
    if own == "°C":
        family = "temperature"
    elif own == "kWh":
        family = "energy"
    elif own == "%":
        return {"%RH": (1.0, 0.0), "%EL": (1.0, 0.0), "/": (100.0, 0.0)}.get(unit)
    if (found := MORE_UNITS.get(_SAME.get(family, family), {}).get(unit)) is not None:
        return found
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
