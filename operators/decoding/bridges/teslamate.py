"""TeslaMate: `teslamate/cars/NUMBER/KEY` with bare values.

Power is in kW, speed in km/h, tyres in bar. Source: docs.teslamate.org, "MQTT Integration".
"""

from typing import Any, NamedTuple

from operators.decoding.dialect import IGNORE, Route, by_topic
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, subject_name


class _Meaning(NamedTuple):
    metric: str
    endpoint: str | None = None
    unit: str | None = None
    inverted: bool = False


_OPENINGS = (
    "windows driver_front_window driver_rear_window passenger_front_window passenger_rear_window"
    " doors driver_front_door driver_rear_door passenger_front_door passenger_rear_door trunk"
    " frunk charge_port_door"
)
_FLAGS = "plugged_in sentry_mode is_user_present is_preconditioning update_available service_mode"
_WORDS = ("charging_state", "shift_state", "geofence")
_KEYS = {
    "healthy": _Meaning("availability"),
    "locked": _Meaning("lock", inverted=True),
    "is_climate_on": _Meaning("state", "climate"),
    "battery_level": _Meaning("battery"),
    "usable_battery_level": _Meaning("battery", "usable"),
    "inside_temp": _Meaning("temperature", "inside"),
    "outside_temp": _Meaning("temperature", "outside"),
    "power": _Meaning("power", unit="kW"),
    "charger_power": _Meaning("power", "charger", "kW"),
    "charger_voltage": _Meaning("voltage", "charger"),
    "charger_actual_current": _Meaning("current", "charger"),
    "charge_energy_added": _Meaning("energy", "charge_added"),
    "speed": _Meaning("speed", unit="km/h"),
    "latitude": _Meaning("latitude"),
    "longitude": _Meaning("longitude"),
    "odometer": _Meaning("value", "odometer", "km"),
    **{
        f"{of}_battery_range_km": _Meaning("value", f"{of}_range", "km")
        for of in ("est", "rated", "ideal")
    },
    **{f"tpms_pressure_{at}": _Meaning("pressure", f"tpms_{at}", "bar") for at in ("fl", "fr")},
    **{f"tpms_pressure_{at}": _Meaning("pressure", f"tpms_{at}", "bar") for at in ("rl", "rr")},
    **{f"{name}_open": _Meaning("contact", name, None, True) for name in _OPENINGS.split()},
    **{name: _Meaning("state", name.removeprefix("is_")) for name in _FLAGS.split()},
    **{name: _Meaning("text", name.removesuffix("_state")) for name in _WORDS},
    "state": _Meaning("text"),
}
METRICS = frozenset(means.metric for means in _KEYS.values()) - {"text"} | {"state"}


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if "cars" not in words[:-2] or not (named or words[0] == "teslamate"):
        return None
    at = words.index("cars")
    means = _KEYS.get(words[-1])
    if means is None or len(words) != at + 3:
        return IGNORE
    car = subject_name("/".join(words[: at + 2]))

    def _read(builder: ReadingBuilder, data: Any) -> None:
        subject = at_endpoint(car, means.endpoint)
        if means.metric == "text":
            builder.put_text(subject, "state", str(data or ""))
        elif means.metric == "availability":
            builder.put_availability(subject, data)
        elif means.metric == "value":
            builder.put_number(subject, data, means.unit, data)
        else:
            builder.put(subject, means.metric, data, means.unit, means.inverted)

    return Route(_read)


DIALECT = by_topic("cars that TeslaMate watches", _route, "teslamate/cars/NUMBER/KEY", METRICS)
