"""Quantities as people write them in definitions: durations, numbers with units, names."""

import difflib
import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

SECONDS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400, "w": 604800}

UNITS: dict[str, tuple[str, float, float]] = {
    "°C": ("temperature", 1, 0), "K": ("temperature", 1, -273.15), "°F": ("temperature", 5 / 9,
    -160 / 9),
    "%": ("ratio", 0.01, 0),
    "W": ("power", 1, 0), "kW": ("power", 1e3, 0), "mW": ("power", 1e-3, 0),
    "Wh": ("energy", 1, 0), "kWh": ("energy", 1e3, 0), "MWh": ("energy", 1e6, 0), "J": ("energy",
    1 / 3600, 0),
    "V": ("voltage", 1, 0), "mV": ("voltage", 1e-3, 0),
    "A": ("current", 1, 0), "mA": ("current", 1e-3, 0),
    "Pa": ("pressure", 1, 0), "hPa": ("pressure", 100, 0), "kPa": ("pressure", 1e3, 0),
    "mbar": ("pressure", 100, 0),
    "bar": ("pressure", 1e5, 0), "mmHg": ("pressure", 133.322387415, 0), "inHg": ("pressure",
    3386.389, 0),
    "m/s": ("speed", 1, 0), "km/h": ("speed", 1 / 3.6, 0), "mph": ("speed", 0.44704, 0),
    "kg": ("mass", 1, 0), "g": ("mass", 1e-3, 0), "lb": ("mass", 0.45359237, 0),
    "m": ("length", 1, 0), "cm": ("length", 0.01, 0), "mm": ("length", 1e-3, 0),
    "lx": ("illuminance", 1, 0), "ppm": ("concentration", 1, 0), "Hz": ("frequency", 1, 0),
    "dBm": ("signal", 1, 0),
    "VA": ("apparent power", 1, 0), "var": ("reactive power", 1, 0), "lqi": ("link quality", 1, 0),
    "µg/m³": ("particulates", 1, 0), "µS/cm": ("conductivity", 1, 0), "m³": ("volume", 1, 0),
    "dB": ("sound", 1, 0),
    "°": ("angle", 1, 0), "mired": ("colour temperature", 1, 0),
    "m³/h": ("flow", 1, 0), "L/h": ("flow", 0.001, 0), "L/min": ("flow", 0.06, 0), "L/s": ("flow",
    3.6, 0),
    "m³/s": ("flow", 3600, 0), "L": ("volume", 0.001, 0), "mL": ("volume", 1e-6, 0),
}  # fmt: skip
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


_SPELT = {
    "c": "°C", "degc": "°C", "celsius": "°C", "f": "°F", "degf": "°F", "fahrenheit": "°F",
    "kelvin": "K", "percent": "%",
    "watt": "W", "watts": "W", "kilowatt": "kW", "volt": "V", "volts": "V", "ampere": "A",
    "amps": "A", "amp": "A",
    "pascal": "Pa", "lux": "lx", "hertz": "Hz", "litre": "L", "liter": "L", "litres": "L",
    "liters": "L",
    "m3": "m³", "m3/h": "m³/h", "m3/s": "m³/s", "ug/m3": "µg/m³", "us/cm": "µS/cm", "deg": "°",
    "degrees": "°", "kph": "km/h",
}  # fmt: skip
"""How people spell units that have another name here."""


def _unit(unit: str) -> tuple[str, float, float]:
    if unit not in UNITS:
        raise ValueError(f"unknown unit {unit!r}{_meant(unit)}")
    return UNITS[unit]


def _meant(unit: str) -> str:
    lower = {known.lower(): known for known in UNITS}
    found = _SPELT.get(unit.lower()) or lower.get(unit.lower())
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


def duration(value: Any) -> float:
    """Seconds of `500ms`, `30s`, `2min`, `1h30min`; raises ValueError with the remedy."""
    if isinstance(value, (int, float)):
        raise ValueError(f"{value} has no unit; write {value}s, {value}min or {value}h")
    parts = _SPANS.findall(str(value))
    if not parts or "".join(a + b for a, b in parts) != str(value).replace(" ", ""):
        closed = str(value).replace(" ", "")
        if " " in str(value) and re.fullmatch(r"(\d+(\.\d+)?[a-z]+)+", closed):
            duration(closed)
            raise ValueError(f"{str(value)!r} is written without spaces: {closed}")
        raise ValueError(f"{str(value)!r} is not a duration; write 30s, 2min, 1h30min")
    for number, unit in parts:
        if unit not in SECONDS:
            known = next((short for short, names in _TIMES.items() if unit in names), None)
            hint = f"{number}{known} ({_TIMES[known][-1]})" if known else "30s, 2min, 8h or 7d"
            raise ValueError(f"{unit!r} is not a unit of time; write {hint}")
    return float(sum(float(number) * SECONDS[unit] for number, unit in parts))


def seconds(value: Any) -> Any:
    """Seconds of what a program wrote: None, a number, or a duration (`m` is a minute).

    Raises `ValueError`.
    """
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    try:
        return duration(re.sub(r"(?<=\d)m(?!s|in)", "min", str(value)))
    except ValueError:
        raise ValueError(
            f"{value!r} is not a duration; write seconds as a number, or 30s, 5m, 1h"
        ) from None


def quantity(value: Any) -> Quantity:
    """A `Quantity` of `30`, `"30 °C"`, `"6 kW"`; raises ValueError with the remedy."""
    if isinstance(value, Quantity):
        return value
    if isinstance(value, bool):
        raise ValueError("needs a number, such as 30 or 30 °C")
    if isinstance(value, (int, float)):
        return Quantity(number=value)
    match = re.fullmatch(r"\s*(-?\d+(?:\.\d+)?)\s*(\S+)?\s*", str(value))
    if not match:
        pointed = re.sub(r"(?<=\d),(?=\d)", ".", str(value))
        remedy = f"; write {pointed}" if pointed != str(value) else ", such as 30 °C"
        raise ValueError(f"{str(value)!r} is not a number with a unit{remedy}")
    if match[2]:
        _unit(match[2])
    return Quantity(number=float(match[1]), unit=match[2])


_TIME = r"^(\d+(\.\d+)?(ms|s|min|h|d|w))+$"
Duration = Annotated[
    float,
    BeforeValidator(duration),
    WithJsonSchema({"type": "string", "pattern": _TIME, "examples": ["30s", "1h30min"]}),
]
Amount = Annotated[
    Quantity,
    BeforeValidator(quantity),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string"}], "examples": [30, "30 °C"]}),
]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Some = str | list[str]
Word = bool | int | float | str
