"""Quantities as people write them in definitions: durations, numbers with units, names."""

import difflib
import re
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)

SECONDS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400, "w": 604800}

_KINDS: dict[str, dict[str, float | tuple[float, float]]] = {
    "temperature": {"°C": 1, "K": (1, -273.15), "°F": (5 / 9, -160 / 9)},
    "ratio": {"%": 0.01},
    "power": {"W": 1, "kW": 1e3, "mW": 1e-3, "MW": 1e6},
    "energy": {
        "Wh": 1, "kWh": 1e3, "MWh": 1e6, "GWh": 1e9, "J": 1 / 3600, "kJ": 1e3 / 3600,
        "MJ": 1e6 / 3600, "GJ": 1e9 / 3600, "Wmin": 1 / 60,
    },
    "voltage": {"V": 1, "mV": 1e-3, "kV": 1e3, "µV": 1e-6, "MV": 1e6},
    "current": {"A": 1, "mA": 1e-3, "µA": 1e-6},
    "apparent power": {"VA": 1, "kVA": 1e3, "mVA": 1e-3},
    "reactive power": {"var": 1, "kvar": 1e3, "mvar": 1e-3},
    "pressure": {
        "Pa": 1, "hPa": 100, "kPa": 1e3, "mbar": 100, "bar": 1e5, "cbar": 1e3,
        "mmHg": 133.322387415, "inHg": 3386.389, "psi": 6894.757293168,
    },
    "speed": {
        "m/s": 1, "km/h": 1 / 3.6, "mph": 0.44704, "kn": 1852 / 3600, "ft/s": 0.3048, "mm/s": 1e-3,
        "cm/s": 1e-2,
    },
    "mass": {
        "kg": 1, "g": 1e-3, "mg": 1e-6, "µg": 1e-9, "t": 1e3, "lb": 0.45359237,
        "oz": 0.028349523125, "st": 6.35029318,
    },
    "length": {
        "m": 1, "cm": 0.01, "mm": 1e-3, "km": 1e3, "in": 0.0254, "ft": 0.3048, "yd": 0.9144,
        "mi": 1609.344,
    },
    "illuminance": {"lx": 1},
    "concentration": {"ppm": 1, "ppb": 1e-3},
    "frequency": {"Hz": 1, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9},
    "signal": {"dBm": 1, "dBW": (1, 30)},
    "link quality": {"lqi": 1},
    "particulates": {"µg/m³": 1, "mg/m³": 1e3},
    "conductivity": {"µS/cm": 1, "mS/cm": 1e3, "S/cm": 1e6, "S/m": 1e4},
    "volume": {"m³": 1, "L": 1e-3, "mL": 1e-6, "ft³": 0.028316846592, "gal": 0.003785411784},
    "sound": {"dB": 1},
    "angle": {"°": 1},
    "colour temperature": {"mired": 1},
    "flow": {"m³/h": 1, "L/h": 0.001, "L/min": 0.06, "L/s": 3.6, "m³/s": 3600},
}  # fmt: skip
"""Kind: its units, each with its factor, or factor and offset, to the first one."""

UNITS: dict[str, tuple[str, float, float]] = {
    unit: (kind, *(to_base if isinstance(to_base, tuple) else (to_base, 0)))
    for kind, units in _KINDS.items()
    for unit, to_base in units.items()
}
"""Unit: (kind, factor, offset); base value = number * factor + offset. Exact by definition (SI,
NIST SP 811).
"""


def convert(number: float, unit: str, to: str) -> float:
    """Convert between units of one kind; raises ValueError for unknown units or another kind."""
    kind, factor, offset = _unit(unit)
    to_kind, to_factor, to_offset = _unit(to)
    if kind != to_kind:
        raise ValueError(f"{unit} is {kind}, {to} is {to_kind}")
    return (number * factor + offset - to_offset) / to_factor


def _known(unit: str) -> str:
    _unit(unit)
    return unit


KnownUnit = Annotated[str, AfterValidator(_known)]
"""A unit of which the kind is known."""

SPELT = {
    "c": "°C", "degc": "°C", "celsius": "°C", "f": "°F", "degf": "°F", "fahrenheit": "°F",
    "kelvin": "K", "percent": "%",
    "watt": "W", "watts": "W", "kilowatt": "kW", "volt": "V", "volts": "V", "ampere": "A",
    "amps": "A", "amp": "A",
    "pascal": "Pa", "lux": "lx", "hertz": "Hz", "litre": "L", "liter": "L", "litres": "L",
    "liters": "L",
    "m3": "m³", "m3/h": "m³/h", "m3/s": "m³/s", "ug/m3": "µg/m³", "us/cm": "µS/cm", "deg": "°",
    "degrees": "°", "kph": "km/h", "kmh": "km/h", "mps": "m/s", "rh": "%", "%rh": "%",
    "millibar": "mbar", "mb": "mbar", "torr": "mmHg", "in hg": "inHg", "mm hg": "mmHg",
    "milliamps": "mA", "millivolts": "mV", "megawatthours": "MWh", "kilowatts": "kW",
    "cubic meters": "m³", "cubic metres": "m³", "ft3": "ft³", "cf": "ft³", "meters": "m",
    "metres": "m", "feet": "ft", "inches": "in", "inch": "in", "dbm": "dBm", "db": "dB",
    "kwh": "kWh", "wh": "Wh", "kw": "kW", "kva": "kVA", "kvar": "kvar", "var": "var",
    "hpa": "hPa", "kpa": "kPa", "hz": "Hz", "celcius": "°C", "°c": "°C", "°f": "°F",
    "degree c": "°C", "degrees c": "°C", "degrees celsius": "°C", "degrees f": "°F",
    "degrees fahrenheit": "°F", "deg c": "°C", "deg f": "°F", "° c": "°C", "° f": "°F", "pct": "%",
    "parts per million": "ppm", "kilograms": "kg", "grams": "g",
}  # fmt: skip
"""How people spell units that have another name here."""


def _unit(unit: str) -> tuple[str, float, float]:
    if unit not in UNITS:
        raise ValueError(f"unknown unit {unit!r}{_meant(unit)}")
    return UNITS[unit]


def _meant(unit: str) -> str:
    lower = {known.lower(): known for known in reversed(UNITS)}
    found = SPELT.get(unit.lower()) or lower.get(unit.lower())
    of, slash, span = unit.partition("/")
    if not found and slash and of in UNITS and span in SECONDS:
        return (
            "; how fast something changes is written without a unit, as 'rate' gives it for its"
            " 'per'"
        )
    near = [found] if found else difflib.get_close_matches(unit, UNITS, 1, 0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(UNITS)}"


class Quantity(BaseModel):
    """A number, with its unit where one was written."""

    model_config = ConfigDict(frozen=True)
    number: float
    unit: str | None = None

    def base(self) -> float:
        """The number in the base unit of its kind."""
        if self.unit is None:
            return self.number
        _, factor, offset = UNITS[self.unit]
        return self.number * factor + offset

    def kind(self) -> str | None:
        """The kind of quantity, such as temperature; None without a unit."""
        return UNITS[self.unit][0] if self.unit else None

    def in_unit(self, unit: str | None) -> float:
        """The number in a signal's `unit`; as it stands if either has no unit.

        Raises `ValueError` for a unit of another kind.
        """
        return (
            self.number
            if unit is None or self.unit in (None, unit)
            else convert(self.number, str(self.unit), unit)
        )

    def __str__(self) -> str:
        return f"{self.number:g} {self.unit}" if self.unit else f"{self.number:g}"


_SPANS = re.compile(r"(\d+(?:\.\d+)?)([a-z]+)")
_TIMES = {
    "s": ("sec", "secs", "second", "seconds"),
    "min": ("m", "mn", "mins", "minute", "minutes"),
    "h": ("hr", "hrs", "hour", "hours"),
    "d": ("day", "days"),
    "w": ("week", "weeks"),
}
"""Units of time as people spell them, the full word last."""


LONGEST_DURATION = 100 * 366 * 86_400.0
"""Seconds; times that lie further away have no date."""
LONGEST_TEXT = 64
LARGEST = 1e300


def _bounded(seconds: float) -> float:
    if not seconds <= LONGEST_DURATION:
        raise ValueError("is longer than a hundred years; write a shorter time")
    return seconds


def _written(value: Any) -> str:
    """What a person wrote, as far as it is of use to show it."""
    if isinstance(value, int) and abs(value) > 1e15:
        return "that number"
    text = str(value)
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT // 2]}…"


def _without_unit(number: str) -> str:
    return f"{number} has no unit; write {number}s, {number}min or {number}h"


def duration(value: Any) -> float:
    """Seconds of `500ms`, `30s`, `2min`, `1h30min`; raises ValueError with the remedy."""
    if isinstance(value, bool):
        raise ValueError(f"needs a time such as 30s, not {str(value).lower()}")
    if isinstance(value, (int, float)):
        raise ValueError(_without_unit(_written(value)))
    if len(str(value)) > LONGEST_TEXT:
        raise ValueError(f"{_written(value)!r} is not a duration; write 30s, 2min, 1h30min")
    parts = _SPANS.findall(str(value))
    if not parts or "".join(a + b for a, b in parts) != str(value).replace(" ", ""):
        closed = str(value).replace(" ", "")
        if re.fullmatch(r"\d+(\.\d+)?", closed):
            raise ValueError(_without_unit(closed))
        if hours := re.fullmatch(r"\d+h\d{1,2}", closed):
            raise ValueError(f"{str(value)!r} has no unit at its end; write {hours[0]}min")
        if " " in str(value) and re.fullmatch(r"(\d+(\.\d+)?[a-z]+)+", closed):
            duration(closed)
            raise ValueError(f"{str(value)!r} is written without spaces: {closed}")
        raise ValueError(f"{str(value)!r} is not a duration; write 30s, 2min, 1h30min")
    for number, unit in parts:
        if unit not in SECONDS:
            known = next((short for short, names in _TIMES.items() if unit in names), None)
            hint = f"{number}{known} ({_TIMES[known][-1]})" if known else "30s, 2min, 8h or 7d"
            raise ValueError(f"{unit!r} is not a unit of time; write {hint}")
    return _bounded(float(sum(float(number) * SECONDS[unit] for number, unit in parts)))


def duration_text(seconds: float) -> str:
    """Seconds as a definition writes them: `1h30min`, `500ms`."""
    if seconds == 0:
        return "0s"
    text, rest = "", round(seconds * 1000)
    for unit in ("w", "d", "h", "min", "s", "ms"):
        size = round(SECONDS[unit] * 1000)
        if rest >= size:
            text += f"{rest // size}{unit}"
            rest %= size
    return text


def seconds(value: Any) -> Any:
    """Seconds of what a program wrote: None, a number, or a duration (`m` is a minute).

    Raises `ValueError`.
    """
    try:
        if value is None:
            return None
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return _bounded(value)
        return duration(re.sub(r"(?<=\d)m(?!s|in)", "min", str(value)[: 2 * LONGEST_TEXT]))
    except ValueError:
        raise ValueError(
            f"{_written(value)!r} is not a duration; write seconds as a number, or 30s, 5m, 1h"
        ) from None


def quantity(value: Any) -> Quantity:
    """A `Quantity` of `30`, `"30 °C"`, `"6 kW"`; raises ValueError with the remedy."""
    if isinstance(value, Quantity):
        return value
    if isinstance(value, bool):
        raise ValueError("needs a number, such as 30 or 30 °C")
    if isinstance(value, (int, float)):
        if not abs(value) <= LARGEST:
            raise ValueError(f"needs a number up to {LARGEST:g}")
        return Quantity(number=value)
    if len(str(value)) > LONGEST_TEXT:
        raise ValueError(f"{_written(value)!r} is not a number with a unit, such as 30 °C")
    match = re.fullmatch(r"\s*(-?\d+(?:\.\d+)?)\s*(\S+)?\s*", str(value))
    if not match:
        signed = re.sub(r"^\s*\+", "", re.sub("[−–]", "-", str(value)))
        pointed = re.sub(r"(?<=\d),(?=\d)", ".", signed)
        remedy = f"; write {pointed}" if pointed != str(value) else ", such as 30 °C"
        raise ValueError(f"{str(value)!r} is not a number with a unit{remedy}")
    if match[2]:
        _unit(match[2])
    return Quantity(number=float(match[1]), unit=match[2])


def in_seconds(span: float) -> str:
    """Seconds as a duration that can be read again: `0.5s`."""
    return f"{span:.6f}".rstrip("0").rstrip(".") + "s"


_TIME = r"^(\d+(\.\d+)?(ms|s|min|h|d|w))+$"
Duration = Annotated[
    float,
    BeforeValidator(duration),
    PlainSerializer(in_seconds, when_used="json"),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": _TIME,
            "maxLength": LONGEST_TEXT,
            "examples": ["30s", "1h30min"],
        }
    ),
]
Amount = Annotated[
    Quantity,
    BeforeValidator(quantity),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string"}], "examples": [30, "30 °C"]}),
]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Some = str | list[str]
Word = bool | int | float | str
