"""What a key says: its quantity, the part of the device, and its unit, in any spelling.

`TempC_SHT`, `battery_voltage_mv`, `soil_temperature_at_depth_0`, `activePowerL1`, `Temp_Channel1`.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from operators.decoding.payloads import values
from operators.decoding.payloads.metrics import METRICS, NAMES, metric_of

_LONGEST = 64
_MOST_WORDS = 12
_LONGEST_NAME = 4
"""Words of the longest name of a quantity: `battery_state_of_charge`."""
_BETWEEN = re.compile(r"[^A-Za-z0-9]+")
_CAMEL = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+")
_NUMBERED = re.compile(r"([A-Za-z]+)(\d{1,3})", re.ASCII)
_UNITS = {
    "c": "°C", "degc": "°C", "deg_c": "°C", "degrees_c": "°C", "celsius": "°C", "f": "°F",
    "degf": "°F", "deg_f": "°F", "fahrenheit": "°F", "pct": "%", "percent": "%", "rh": "%",
    "perc": "%", "w": "W", "kw": "kW", "watt": "W", "watts": "W", "wh": "Wh", "kwh": "kWh",
    "mwh": "MWh", "v": "V", "mv": "mV", "volt": "V", "volts": "V", "a": "A", "ma": "mA",
    "amps": "A", "va": "VA", "hz": "Hz", "pa": "Pa", "hpa": "hPa", "kpa": "kPa", "mbar": "mbar",
    "bar": "bar", "psi": "psi", "inhg": "inHg", "mm": "mm", "cm": "cm", "m": "m", "km": "km",
    "m3": "m³", "l": "L", "ppm": "ppm", "ppb": "ppb", "lux": "lx", "lx": "lx", "dbm": "dBm",
    "db": "dB", "dba": "dB", "ugm3": "µg/m³", "ug_m3": "µg/m³", "kmh": "km/h",
    "kmph": "km/h",
    "kph": "km/h", "km_h": "km/h", "mph": "mph", "mps": "m/s", "m_s": "m/s", "ms": "m/s",
    "deg": "°", "degrees": "°", "s": "s", "sec": "s", "seconds": "s",
    "kg": "kg", "g": "g", "us_cm": "µS/cm", "ftm": "ft",
}  # fmt: skip
"""Words at the end of a key that are its unit."""
_ENDS = ((2, "_"), (2, ""), (1, ""))
"""How many words at the end may be a unit, and what stands between them: `m_s`, `HPa`."""
_MEANT = {
    "humi": "humidity", "humid": "humidity", "barometer": "pressure", "luminosity": "illuminance",
    "light_intensity": "illuminance", "vrms": "voltage", "irms": "current",
    "noise": "sound_pressure",
    "sound_level": "sound_pressure", "noise_level": "sound_pressure", "conduct": "conductivity",
    "electrical_conductivity": "conductivity", "valve_opening": "valve_position",
    "temperatur": "temperature",
    "inhumi": "humidity", "tempv": "temperature", "pm1_0": "pm1", "pm10_0": "pm10",
    "dewpoint": "dew_point", "dewpt": "dew_point", "water_content": "moisture",
    "sds_p1": "pm10", "sds_p2": "pm25", "pms_p1": "pm10", "pms_p2": "pm25",
    "bat": "battery", "battery_charge": "battery", "temper": "temperature",
    "wind_speed": "speed", "ground_speed": "speed",
}  # fmt: skip
"""Names of quantities that are words of a key, and no key that a device has alone."""
_AIM = frozenset(("target", "setpoint", "set", "desired"))
"""Words that make a temperature the one that is wanted."""
_OTHERWISE = frozenset(
    (
        *("total", "min", "max", "avg", "average", "mean", "minimum", "maximum", "peak", "set"),
        *("threshold", "production", "consumption", "import", "export", "returned", "reverse"),
        *(
            "limit",
            "limits",
            "allowed",
            "last",
            "previous",
            "prev",
            "delta",
            "alarm",
            "alarms",
            "offset",
        ),
        *("calibration", "yesterday", "month", "year", "day", "daily", "monthly", "yearly", "week"),
        *("interval", "count", "counter", "raw", "mode", "status", "type", "time", "timeout"),
        *("unit", "units", "source", "enabled", "enable", "index", "ratio", "change", "e", "1m"),
        *("config", "setting", "settings", "rated", "nominal", "available", "request", "duration"),
        *("adc", "abs", "absolute", "resistance", "flag", "id", "name", "model", "version", "date"),
        *(
            "state",
            "trend",
            "cost",
            "price",
            "today",
            "hour",
            "hourly",
            "lower",
            "upper",
            "accumulated",
        ),
        *("high", "low", "critical", "warning", "hysteresis", "difference", "diff", "capacity"),
        *("timestamp", "updated", "desired", "target", "setpoint", "frost", "boost", "factor"),
        *("correction", "compensation", "error", "range", "estimated", "forecast", "remaining"),
    )
)
"""Words beside a quantity that make it another one, or one of another time."""
_SAID_OF_ANY = frozenset(
    ("current", "active", "actual", "measured", "instantaneous", "concentration", "mass")
)
_SAID_OF_COUNTERS = frozenset(
    (
        *("total", "power", "import", "imported", "consumed", "consumption", "forward"),
        *("positive", "cumulative", "energy", "act", "usage"),
    )
)
_RETURNED = frozenset(
    ("export", "exported", "returned", "return", "produced", "production", "reverse", "injected")
)
_PART = re.compile(r"[a-z]{0,7}\d{1,2}", re.ASCII)
"""A phase, tariff or channel, of which a total is its own."""
_DIRECTIONS = frozenset(("in", "out"))
_SAID_OF_POWER = frozenset(("total", "ac"))
_TODAY = frozenset(("today", "daily", "day"))
_COUNTED = frozenset(("energy", "water", "gas"))
_COMMON = frozenset(("count", "speed", "position", "weight", "distance", "water", "gas", "value"))
"""Quantities whose names are common words: they need a unit, or to be all of the key."""
_FLOWS = frozenset(("consumption", "production", "import", "export"))
"""Words for which only a unit tells whether they are an energy or a power."""
_ENERGIES = frozenset(("Wh", "kWh", "MWh"))
_ADJECTIVES = frozenset(("current", "power", "energy", "battery", "frequency", "uptime"))
"""Quantities that mean something else before another word: `current_program`, `power_cycles`."""
_VOLTS = frozenset(("V", "mV"))
_SOILS = frozenset(("soil", "substrate"))


class Meaning(NamedTuple):
    """What a key says; `unit` is None where it names none."""

    metric: str
    endpoint: str | None = None
    unit: str | None = None


def words_of(key: str) -> list[str]:
    """The words of a key in snake_case, CamelCase or with spaces."""
    words: list[str] = []
    for part in _BETWEEN.split(key):
        lower = part.lower()
        stem = lower.rstrip("0123456789")
        known = stem in NAMES or stem in _MEANT or lower in NAMES or lower in _UNITS
        whole = known or part in (lower, part.upper())
        split = [part] if whole and part else _CAMEL.findall(part)
        words += split if len(split) < 2 else [word.lower() for word in split]
    return words


@lru_cache(8192)
def meaning(key: str) -> Meaning | None:
    """Return what a key says of a number, None where it names no quantity."""
    if len(key) > _LONGEST:
        return None
    if (whole := metric_of(key) or _MEANT.get(key.lower())) is not None:
        return Meaning(whole)
    words = words_of(key)
    if not 1 <= len(words) <= _MOST_WORDS:
        return None
    for count, between in _ENDS:
        unit = _UNITS.get(between.join(words[-count:]).lower()) if len(words) > count else None
        if unit is not None and (found := _quantity(words[:-count], unit)) is not None:
            return found
    return _quantity(words, None)


def _quantity(words: list[str], unit: str | None) -> Meaning | None:
    """Return what is meant by the longest name among the words, the last of several."""
    words, number = _number_apart(words)
    lower = [word.lower() for word in words]
    for length in range(min(_LONGEST_NAME, len(words)), 0, -1):
        for start in range(len(words) - length, -1, -1):
            name = "_".join(lower[start : start + length])
            beside = words[:start], words[start + length :]
            metric = _named(name, unit)
            is_common = name in _COMMON and unit is None
            if metric is None or (is_common and not _is_soil(metric, beside)):
                continue
            if (found := _beside(metric, name, beside, number, unit)) is not None:
                return found
    return None


def _named(name: str, unit: str | None) -> str | None:
    """The metric of a name, where it has this unit."""
    metric = NAMES.get(name) or _MEANT.get(name)
    if unit in _ENERGIES and (metric == "power" or name in _FLOWS):
        return "energy"
    if name in _FLOWS:
        metric = None if name in _RETURNED else "power"
    if metric == "battery" and unit in _VOLTS:
        metric = "voltage"
    if metric is None or METRICS[metric].kind != "number" or name == "factor":
        return None
    if unit is None:
        return None if name in _FLOWS else metric
    return metric if values.conversion(metric, unit) is not None else None


def _number_apart(words: list[str]) -> tuple[list[str], str | None]:
    """`TempC1`, `power2`: the number behind the name of a quantity is that of the part."""
    last = _NUMBERED.fullmatch(words[-1])
    if last is None or NAMES.get(words[-1].lower()):
        return words, None
    stem = last[1].lower()
    if stem in NAMES or stem in _MEANT:
        return [*words[:-1], last[1]], last[2]
    return words, None


def _is_soil(metric: str, beside: tuple[list[str], list[str]]) -> bool:
    lower = {word.lower() for word in beside[0] + beside[1]}
    return metric == "water" and not _SOILS.isdisjoint(lower)


def _is_part(word: str) -> bool:
    return (
        len(word) == 1 or word.lower() in _DIRECTIONS or _PART.fullmatch(word.lower()) is not None
    )


def _beside(
    metric: str,
    name: str,
    words: tuple[list[str], list[str]],
    number: str | None,
    unit: str | None,
) -> Meaning | None:
    """Return what a quantity is with the other words of its key, None if they make it another."""
    rest, after = words[0] + words[1], words[1]
    lower = {word.lower() for word in rest}
    said = _SAID_OF_ANY
    if metric in _COUNTED:
        said |= _SAID_OF_COUNTERS
        if metric == "energy" and (lower | {name}) & _RETURNED:
            metric, said = "energy_returned", said | _RETURNED
        elif metric == "energy" and lower & _TODAY:
            metric, said = "energy_today", said | _TODAY
        elif metric == "water" and unit is None:
            metric = "moisture"
    elif metric == "power":
        said |= _SAID_OF_POWER
    elif metric == "temperature" and lower & _AIM:
        metric, said = "target_temperature", said | _AIM
    elif metric == "battery":
        said |= {"battery"}
    if metric in _ADJECTIVES and unit is None and not all(_is_part(word) for word in after):
        return None
    kept = [word for word in rest if word.lower() not in said]
    if not {word.lower() for word in kept}.isdisjoint(_OTHERWISE):
        return None
    if "total" in said and not all(_PART.fullmatch(word.lower()) for word in kept):
        kept = [word for word in rest if word.lower() not in said or word.lower() == "total"]
    return Meaning(metric, "_".join(kept + ([number] if number else [])) or None, unit)
