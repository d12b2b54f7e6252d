"""Open Vehicle Monitoring System: `ovms/USER/VEHICLE/metric/v/b/soc` with a bare value.

Speeds are in km/h, powers in kW, whatever the user's screen shows. Source: docs.openvehicles.com,
"Metrics".
"""

from typing import Any

from operators.decoding.dialect import ALL, IGNORE, Route, by_topic
from operators.decoding.payloads import values
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, subject_name

_KEYS: dict[str, tuple[str, str | None, str | None]] = {
    "v/b/soc": ("battery", None, None), "v/b/temp": ("temperature", None, "battery"),
    "v/b/voltage": ("voltage", None, "battery"), "v/b/current": ("current", None, "battery"),
    "v/b/power": ("power", "kW", "battery"), "v/b/12v/voltage": ("voltage", None, "12v"),
    "v/c/power": ("power", "kW", "charger"), "v/c/voltage": ("voltage", None, "charger"),
    "v/c/current": ("current", None, "charger"), "v/c/temp": ("temperature", None, "charger"),
    "v/c/kwh": ("energy", "kWh", "charge"), "v/p/speed": ("speed", "km/h", None),
    "v/p/latitude": ("latitude", None, None), "v/p/longitude": ("longitude", None, None),
    "v/e/temp": ("temperature", None, "outside"), "v/e/cabintemp": ("temperature", None, "cabin"),
    "v/m/temp": ("temperature", None, "motor"), "v/i/temp": ("temperature", None, "inverter"),
}  # fmt: skip
"""By the metric's path: metric, unit and endpoint."""


def _read_as(vehicle: str, path: str) -> Route:
    known = _KEYS.get(path)
    is_opening = path.startswith("v/d/")
    name = path.removeprefix("v/").replace("/", ".")

    def _read(builder: ReadingBuilder, data: Any) -> None:
        word = data.strip().lower() if data.__class__ is str else data
        number = values.number(data)
        if known is not None:
            if word != "":
                builder.put(at_endpoint(vehicle, known[2]), known[0], data, known[1])
        elif word in ("yes", "no"):
            metric, on = ("contact" if is_opening else "state"), float(word == "yes")
            builder.put(at_endpoint(vehicle, name), metric, on, inverted=is_opening)
        elif number is not None:
            builder.put_number(at_endpoint(vehicle, name), number, None, data)
        else:
            builder.skipped += 1

    return Route(_read)


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if len(words) < 4 or not (named or words[0] == "ovms"):
        return None
    if words[3] != "metric" or words[4:5] != ["v"]:
        return IGNORE
    return _read_as(subject_name(words[2]), "/".join(words[4:]))


DIALECT = by_topic("OVMS's vehicles", _route, "ovms/USER/VEHICLE/metric/…", ALL)
