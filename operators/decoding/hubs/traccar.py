"""Traccar: positions that it forwards as JSON; the speed is in knots.

Source: traccar.org/forward, and the attributes of `Position` in its API reference.
"""

from typing import Any

from operators.decoding.dialect import Dialect, Route
from operators.decoding.payloads.parse import missing
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, json_name

_ATTRIBUTES: dict[str, tuple[str, str | None, str | None]] = {
    "batteryLevel": ("battery", None, None), "battery": ("voltage", None, "battery"),
    "power": ("voltage", None, "vehicle"), "motion": ("motion", None, None),
    "ignition": ("state", None, "ignition"), "temp1": ("temperature", None, "1"),
    "temp2": ("temperature", None, "2"), "humidity": ("humidity", None, None),
}  # fmt: skip
"""By attribute: metric, unit and endpoint; both `battery` and `power` are in volts."""
METRICS = frozenset(metric for metric, *_ in _ATTRIBUTES.values())
METRICS |= {"latitude", "longitude", "speed"}


def _read(builder: ReadingBuilder, data: Any) -> None:
    position = data.get("position") if data.__class__ is dict else None
    if position.__class__ is not dict:
        raise missing("an object with a position")
    given = data.get("device")
    device = given if given.__class__ is dict else {}
    name = json_name(str(device.get("name") or device.get("uniqueId") or position.get("deviceId")))
    builder.set_time(position.get("fixTime"), position.get("deviceTime"))
    for key, unit in (("latitude", None), ("longitude", None), ("speed", "kn")):
        if position.get(key) is not None:
            builder.put(name, key, position[key], unit)
    attributes = position.get("attributes")
    for key, raw in (attributes if attributes.__class__ is dict else {}).items():
        if (means := _ATTRIBUTES.get(key)) is None or raw is None:
            builder.skipped += 1
        else:
            builder.put(at_endpoint(name, means[2]), means[0], raw, means[1])


def _fits(data: Any) -> bool:
    position = data.get("position") if data.__class__ is dict else None
    return position.__class__ is dict and "fixTime" in position


def _route(topic: str, named: bool) -> Route | None:
    """Any topic, where the definition names the dialect."""
    return Route(_read, "json") if named else None


DIALECT = Dialect("positions of Traccar", _route, _read, _fits, METRICS)
