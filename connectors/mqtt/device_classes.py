"""Home Assistant's device classes of metrics, their units, and how each is added up.

Sources: home-assistant.io, "Sensor" (list of device classes with their units), "Binary sensor"
(list of device classes), and developers.home-assistant.io, "Sensor entity" (state classes; energy,
water and gas take no `measurement`).
"""

from typing import NamedTuple


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PRESSURE = _words("Pa hPa kPa mbar cbar bar mmHg inHg psi")
_TEMPERATURE = _words("°C °F K")
_PARTICLES = _words("µg/m³")

UNITS: dict[str, frozenset[str]] = {
    "temperature": _TEMPERATURE,
    "humidity": _words("%"),
    "battery": _words("%"),
    "moisture": _words("%"),
    "pressure": _PRESSURE,
    "illuminance": _words("lx"),
    "power": _words("mW W kW MW GW TW"),
    "apparent_power": _words("VA"),
    "reactive_power": _words("var"),
    "power_factor": frozenset(("%", "")),
    "energy": _words("J kJ MJ GJ mWh Wh kWh MWh GWh TWh cal kcal Mcal Gcal"),
    "voltage": _words("V mV µV kV MV"),
    "current": _words("A mA"),
    "frequency": _words("Hz kHz MHz GHz"),
    "signal_strength": _words("dB dBm"),
    "carbon_dioxide": _words("ppm"),
    "pm1": _PARTICLES,
    "pm25": _PARTICLES,
    "pm10": _PARTICLES,
    "conductivity": _words("S/cm mS/cm µS/cm"),
    "distance": _words("km m cm mm mi yd in ft"),
    "weight": _words("kg g mg µg oz lb"),
    "speed": _words("ft/s in/d in/h in/s km/h kn m/s mph mm/d mm/s"),
    "sound_pressure": _words("dB dBA"),
    "water": _words("L gal m³ ft³ CCF"),
    "gas": _words("m³ ft³ CCF"),
    "duration": _words("d h min s ms"),
}
"""Device class of a sensor: the units it takes; the empty text is no unit."""

SENSORS: dict[str, str] = {
    **{name: name for name in UNITS if name != "duration"},
    **dict.fromkeys(("device_temperature", "target_temperature", "dew_point"), "temperature"),
    **dict.fromkeys(("energy_returned", "energy_today", "energy_yesterday"), "energy"),
    "uptime": "duration",
}
"""Metric: device class of its sensor."""

TOTALS: dict[str, str] = {
    **dict.fromkeys(
        ("energy", "energy_returned", "energy_today", "water", "gas"), "total_increasing"
    ),
    "energy_yesterday": "total",
}
"""Metric: state class, where it is no `measurement`."""

BINARY: dict[str, str] = {
    **{
        name: name
        for name in (
            "occupancy", "motion", "presence", "vibration", "tamper", "smoke", "heat", "sound",
            "carbon_monoxide", "lock", "problem", "running",
            "door", "window", "opening", "garage_door", "connectivity",
        )
    },
    "contact": "opening",
    "water_leak": "moisture",
    "leak": "moisture",
    "gas_alarm": "gas",
    "battery_low": "battery",
    "availability": "connectivity",
}  # fmt: skip
"""Two-state metric: device class of its binary sensor. On means 1 inside, but for the contacts."""

CLOSED_IS_ONE = frozenset(("contact",))
"""Two-state metrics whose 1 is Home Assistant's off."""


class Sensor(NamedTuple):
    """How a number is shown; None for what is left out."""

    device_class: str | None
    unit: str | None
    state_class: str | None


def sensor_of(metric: str, unit: str | None) -> Sensor:
    """The sensor of a metric in Home Assistant; without a class if the unit does not fit it."""
    device_class = SENSORS.get(metric)
    if device_class is not None and (unit or "") not in UNITS[device_class]:
        device_class = None
    state_class = (
        TOTALS.get(metric, "measurement") if device_class or metric not in TOTALS else "measurement"
    )
    return Sensor(device_class, unit, state_class)
