"""Weather stations: Ecowitt and Fine Offset, themselves or through ecowitt2mqtt, and WeeWX.

Keys of the station itself end in their unit, `tempf` and `baromrelin`; ecowitt2mqtt drops it and
means metric units; WeeWX writes `outTemp_C`. Rain, sun and the direction of the wind are no
quantities of ours. Sources: bachya/ecowitt2mqtt and matthewwall/weewx-mqtt, README.
"""

import re
from functools import lru_cache
from typing import Any, NamedTuple

from operators.decoding.dialect import Dialect, Route
from operators.decoding.payloads.parse import missing
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, subject_name

_MARKS = frozenset(
    ("PASSKEY", "baromrelin", "baromrel", "baromabsin", "outTemp_C", "outTemp_F", "barometer_mbar")
)
_KEYS: tuple[tuple[str, str, str | None], ...] = (
    (r"temp(?P<at>in|\d)?f|tf_(?P<probe>ch\d|co2)|(?P<place>out|in)temp_f", "temperature", "°F"),
    (r"temp(?P<at>in|\d)?|(?P<place>out|in)temp_c", "temperature", "°C"),
    (r"humidity(?P<at>in|\d)?|humi_(?P<probe>co2)|(?P<place>out|in)humidity", "humidity", "%"),
    (r"dewpoint|dewpoint_c", "dew_point", "°C"),
    (r"dewpoint_f", "dew_point", "°F"),
    (r"soilmoisture(?P<at>\d)", "moisture", "%"),
    (r"barom(?P<at>rel|abs)in|barometer_inhg", "pressure", "inHg"),
    (r"barom(?P<at>rel|abs)|barometer_(?:mbar|hpa)", "pressure", "hPa"),
    (r"wind(?P<at>speed|gust)_?mph", "speed", "mph"),
    (r"wind(?P<at>speed|gust)(?:_kph|_kmh)?", "speed", "km/h"),
    (r"wind(?P<at>speed|gust)_mps", "speed", "m/s"),
    (r"pm25_(?P<at>ch\d)", "pm25", None),
    (r"co2", "carbon_dioxide", None),
    (r"leak_(?P<at>ch\d)", "water_leak", None),
)
_OF_STATION = frozenset(("out", "rel", "speed"))
METRICS = frozenset(metric for _, metric, _ in _KEYS)


class _Meaning(NamedTuple):
    metric: str
    endpoint: str | None
    unit: str | None


@lru_cache(1024)
def _meaning(key: str) -> _Meaning | None:
    for pattern, metric, unit in _KEYS:
        if (found := re.fullmatch(pattern, key, re.ASCII)) is not None:
            endpoint = next((part for part in found.groups() if part), None)
            return _Meaning(metric, None if endpoint in _OF_STATION else endpoint, unit)
    return None


def _read(builder: ReadingBuilder, data: Any) -> None:
    if data.__class__ is not dict:
        raise missing("an object of a weather station")
    at = data.get("dateutc")
    builder.set_time(f"{at}+00:00" if at.__class__ is str else None, data.get("dateTime"))
    station = subject_name(builder.topic)
    for key, raw in data.items():
        means = _meaning(key.lower()) if len(key) <= 64 else None
        if means is None or raw.__class__ in (dict, list):
            builder.skipped += 1
        else:
            builder.put(at_endpoint(station, means.endpoint), means.metric, raw, means.unit)


def _fits(data: Any) -> bool:
    return data.__class__ is dict and not _MARKS.isdisjoint(data)


def _route(topic: str, named: bool) -> Route | None:
    """Any topic, where the definition names the dialect."""
    return Route(_read, "json") if named else None


DIALECT = Dialect("weather stations: Ecowitt, ecowitt2mqtt, WeeWX", _route, _read, _fits, METRICS)
