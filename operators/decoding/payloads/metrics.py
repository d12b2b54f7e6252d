"""The closed list of metrics with their units, and the names under which devices send them."""

import re
from functools import lru_cache
from typing import Literal, NamedTuple

Kind = Literal["number", "binary", "text", "state", "any"]


class Metric(NamedTuple):
    """One quantity: its unit, the kind of its values, and their physical range (inclusive)."""

    name: str
    unit: str | None = None
    kind: Kind = "number"
    low: float = -1.7976931348623157e308
    high: float = 1.7976931348623157e308


def names(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


def _numbers() -> dict[str, Metric]:
    units = {
        "°C": "temperature device_temperature target_temperature dew_point",
        "%": "humidity battery moisture position valve_position", "hPa": "pressure",
        "lx": "illuminance", "W": "power", "VA": "apparent_power", "var": "reactive_power",
        "kWh": "energy energy_returned energy_today energy_yesterday", "V": "voltage",
        "A": "current", "Hz": "frequency", "lqi": "linkquality", "dBm": "signal_strength",
        "ppm": "carbon_dioxide carbon_monoxide_level", "µg/m³": "pm1 pm25 pm10",
        "µS/cm": "conductivity",
        "m": "distance", "kg": "weight", "m/s": "speed", "°": "tilt latitude longitude",
        "dB": "sound_pressure", "m³": "water gas", "mired": "color_temp", "s": "uptime",
    }  # fmt: skip
    ranges = {
        **dict.fromkeys(
            ("humidity", "battery", "position", "valve_position", "moisture"), (0.0, 100.0)
        ),
        **dict.fromkeys(("temperature", "device_temperature"), (-90.0, 400.0)),
        "linkquality": (0.0, 255.0),
        "power_factor": (-1.0, 1.0),
    }
    named: list[tuple[str, str | None]] = [
        (name, unit) for unit, listed in units.items() for name in listed.split()
    ]
    named += [(name, None) for name in ("illuminance_raw", "power_factor", "brightness", "count")]
    return {
        name: Metric(name, unit, "number", *ranges[name]) if name in ranges else Metric(name, unit)
        for name, unit in named
    }


_BINARY = (
    "occupancy motion presence contact vibration tamper water_leak smoke gas_alarm carbon_monoxide"
    " heat sound lock battery_low availability"
)
BINARY = tuple(_BINARY.split())
TEXT = ("illuminance_level", "cover_state", "hvac_mode", "hvac_action")

METRICS: dict[str, Metric] = {
    **_numbers(),
    **{name: Metric(name, None, "binary") for name in BINARY},
    **{name: Metric(name, None, "text") for name in TEXT},
    "state": Metric("state", None, "state"),
    "value": Metric("value", None, "any"),
}

ALIASES: dict[str, str] = {
    alias.lower(): metric
    for metric, aliases in {
        "temperature": "tempc temp tC temperature_c local_temperature current_temperature atmp",
        "humidity": "hum rh rhum relative_humidity",
        "pressure": "pres barometric_pressure",
        "illuminance": "lux illuminance_lux",
        "battery": (
            "batt battery_percent battery_percentage battery_level soc state_of_charge"
            " battery_state_of_charge"
        ),
        "voltage": "volt rms_voltage",
        "power": "apower act_power active_power power_active total_act_power",
        "apparent_power": "aprt_power aprtpower power_apparent total_aprt_power",
        "reactive_power": "power_reactive",
        "power_factor": "pf factor",
        "current": "rms_current",
        "frequency": "freq ac_frequency",
        "energy": "consumed_energy energy_consumed total_act_energy import_energy_active",
        "energy_returned": (
            "produced_energy energy_produced total_act_ret_energy export_energy_active"
        ),
        "carbon_monoxide_level": "co carbon_monoxide_ppm",
        "carbon_dioxide": "co2 carbondioxide co2_ppm rco2",
        "moisture": "moi soil_moisture",
        "conductivity": "fer fertility",
        "signal_strength": "rssi wifi_signal wifi_rssi",
        "pm1": "pm01",
        "pm25": "pm2.5 pm2_5 pm02",
        "position": "current_pos",
        "target_temperature": "occupied_heating_setpoint current_heating_setpoint",
        "hvac_mode": "system_mode",
        "hvac_action": "running_state",
        "valve_position": "pi_heating_demand",
    }.items()
    for alias in aliases.split()
}
NAMES: dict[str, str] = {**{name: name for name in METRICS}, **ALIASES}
"""Lower-case key or name: metric."""

OPENINGS = frozenset(("door", "window", "opening", "garage_door"))
"""What others call a contact that is 1 when open."""


def may_be_two_state(metric: str | None, unit: str | None) -> bool:
    """Whether 1 and 0 of a signal may be on and off; they are not of a battery at 1 %."""
    known = METRICS.get(metric) if metric else None
    return unit is None and (known is None or known.kind != "number")


METRIC_OF_UNIT: dict[str, str] = {
    "°C": "temperature", "°F": "temperature", "W": "power", "kW": "power", "kWh": "energy",
    "Wh": "energy", "MWh": "energy", "V": "voltage", "mV": "voltage", "A": "current",
    "mA": "current", "hPa": "pressure", "mbar": "pressure", "kPa": "pressure", "lx": "illuminance",
    "ppm": "carbon_dioxide",
}  # fmt: skip
"""The metric that a unit alone tells."""

FAHRENHEIT = ("tempf", "tf", "temperature_f")
"""Names of a temperature in °F, read only where the same object has none in °C."""


_LONGEST_KEY = 64
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@lru_cache(4096)
def _metric_of(key: str) -> str | None:
    return NAMES.get(key.lower()) or NAMES.get(_WORD_START.sub("_", key).lower())


def metric_of(key: str) -> str | None:
    """Return the metric that a key names in any case or in CamelCase, else None."""
    return _metric_of(key) if len(key) <= _LONGEST_KEY else None


def by_suffix(name: str, names: dict[str, str] = NAMES) -> tuple[str, str] | None:
    """Return (metric, what is left before it) of the longest name at the end of `name`.

    The name is all of it or follows a `_`; None if there is none.
    """
    at = 0
    while True:
        if (metric := names.get(name[at:].lower())) is not None:
            return metric, name[: max(at - 1, 0)]
        at = name.find("_", at) + 1
        if not at:
            return None
