"""Nuki locks and openers: `nuki/ID/KEY`. Source: Nuki, "MQTT API Specification" 1.4."""

from typing import Any

from operators.decoding.dialect import IGNORE, Route, by_topic
from operators.decoding.payloads import values
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, subject_name

_LOCK = {1: 0.0, 2: 1.0, 3: 1.0, 4: 1.0, 5: 1.0, 6: 1.0, 7: 1.0}
"""`state`: 1 is locked; unlocking, unlocked, locking and unlatched are not. Others tell nothing."""
_DOOR = {2: 1.0, 3: 0.0}
"""`doorsensorState`: 2 is closed, 3 opened."""
_LOW = {
    "batteryCritical": None, "keypadBatteryCritical": "keypad",
    "doorsensorBatteryCritical": "doorsensor",
}  # fmt: skip
METRICS = frozenset(("lock", "contact", "battery", "battery_low", "availability", "state"))
_JAMMED = 254


def _coded(subject: str, metric: str, codes: dict[int, float]) -> Route:
    def read(builder: ReadingBuilder, data: Any) -> None:
        code = values.number(data)
        builder.put(subject, metric, None if code is None else codes.get(int(code)))
        if metric == "lock" and code is not None:
            builder.put(at_endpoint(subject, "blocked"), "state", code == _JAMMED)

    return Route(read)


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if len(words) < 3 or not (named or words[0] == "nuki"):
        return None
    device, key = subject_name(words[-2]), words[-1]
    if key == "state":
        return _coded(device, "lock", _LOCK)
    if key == "doorsensorState":
        return _coded(device, "contact", _DOOR)
    if key in _LOW:
        subject = at_endpoint(device, _LOW[key])
        return Route(lambda builder, data: builder.put(subject, "battery_low", data))
    if key == "batteryChargeState":
        return Route(lambda builder, data: builder.put(device, "battery", data))
    if key == "connected":
        return Route(lambda builder, data: builder.put_availability(device, data))
    return IGNORE


DIALECT = by_topic("Nuki locks", _route, "nuki/ID/KEY", METRICS)
