"""Davis WeatherLink Live: current conditions of a station, in °F, mph and inHg.

Source: weatherlink.github.io/weatherlink-live-local-api.
"""

from typing import Any

from operators.decoding.dialect import Dialect, Route
from operators.decoding.payloads.parse import missing
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, json_name

_KEYS: dict[str, tuple[str, str | None, str | None]] = {
    "temp": ("temperature", "°F", None), "hum": ("humidity", None, None),
    "dew_point": ("dew_point", "°F", None), "wind_speed_last": ("speed", "mph", None),
    "wind_speed_hi_last_2_min": ("speed", "mph", "gust"),
    "temp_in": ("temperature", "°F", "in"), "hum_in": ("humidity", None, "in"),
    "dew_point_in": ("dew_point", "°F", "in"), "bar_sea_level": ("pressure", "inHg", None),
    "bar_absolute": ("pressure", "inHg", "absolute"), "pm_1": ("pm1", None, None),
    "pm_2p5": ("pm25", None, None), "pm_10": ("pm10", None, None),
    **{f"temp_{n}": ("temperature", "°F", f"soil{n}") for n in range(1, 5)},
}  # fmt: skip
"""By key: metric, unit and endpoint."""
METRICS = frozenset(metric for metric, *_ in _KEYS.values())


def _read(builder: ReadingBuilder, data: Any) -> None:
    station = _station(data)
    conditions = station.get("conditions")
    if conditions.__class__ is not list:
        raise missing("an object with the conditions of a station")
    device = json_name(str(station.get("did") or builder.topic))
    builder.set_time(station.get("ts"))
    listed = [one for one in conditions if one.__class__ is dict]
    several = len({one["txid"] for one in listed if "txid" in one}) > 1
    for one in listed:
        transmitter = str(one["txid"]) if several and "txid" in one else None
        for key, raw in one.items():
            if (means := _KEYS.get(key)) is None or raw is None:
                builder.skipped += 1
                continue
            parts = [part for part in (transmitter, means[2]) if part]
            builder.put(at_endpoint(device, ".".join(parts) or None), means[0], raw, means[1])


def _station(data: Any) -> dict[str, Any]:
    found: Any = data.get("data", data) if data.__class__ is dict else None
    return found if isinstance(found, dict) else {}


def _fits(data: Any) -> bool:
    if data.__class__ is not dict or ("data" not in data and "conditions" not in data):
        return False
    conditions = _station(data).get("conditions")
    return conditions.__class__ is list and any(
        one.__class__ is dict and "data_structure_type" in one for one in conditions
    )


def _route(topic: str, named: bool) -> Route | None:
    """Any topic, where the definition names the dialect."""
    return Route(_read, "json") if named else None


DIALECT = Dialect("Davis WeatherLink Live", _route, _read, _fits, METRICS)
