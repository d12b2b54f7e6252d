"""Cameras' own events over MQTT.

Topics are `onvif2mqtt/CAMERA/motion` (onvif2mqtt) and `axis/SERIAL/event/…` (Axis).
"""

from typing import Any

from operators.decoding.dialect import IGNORE, Dialect, Route
from operators.decoding.payloads.metrics import BINARY, METRICS, metric_of
from operators.decoding.payloads.parse import missing, wrong_type
from operators.decoding.payloads.reading_builder import (
    ReadingBuilder,
    at_endpoint,
    json_name,
    subject_name,
)

_ANALYTICS = "ObjectAnalytics"


def _axis(builder: ReadingBuilder, data: Any) -> None:
    if data.__class__ is not dict:
        raise wrong_type("a JSON object of an Axis camera", data)
    words = builder.topic.split("/")
    serial = data.get("serial")
    if not isinstance(serial, str) or not serial:
        if words[0] != "axis" or len(words) < 2:
            raise missing("serial")
        serial = words[1]
    message = data.get("message")
    details = message.get("data") if message.__class__ is dict else None
    named = data.get("topic")
    path = named.split("/") if isinstance(named, str) and _ANALYTICS in named else words
    if details.__class__ is not dict or "active" not in details or _ANALYTICS not in path[:-1]:
        builder.skipped += 1
        return
    builder.set_time(data.get("timestamp"))
    builder.put(at_endpoint(json_name(serial), path[-1]), "motion", details["active"])


def _route(topic: str, named: bool) -> Route | None:
    words = topic.rstrip("/").split("/")
    if words[0] == "axis" and len(words) > 2:
        return Route(_axis, "json")
    if len(words) < 2 or not (named or words[0].startswith("onvif")):
        return None
    camera = subject_name("/".join(words[1:-1]) or words[0])
    if words[-1].lower() == "lwt":
        covers = f"{words[0]}/" if len(words) == 2 else None
        return Route(lambda builder, data: builder.put_availability(camera, data, covers))
    metric = metric_of(words[-1])
    if metric is None or METRICS[metric].kind != "binary":
        return IGNORE

    def write(builder: ReadingBuilder, data: Any) -> None:
        raw = data.get("state", data.get("value")) if data.__class__ is dict else data
        builder.put(camera, metric, raw)

    return Route(write)


def _fits(data: Any) -> bool:
    return (
        data.__class__ is dict
        and "serial" in data
        and "message" in data
        and str(data.get("topic")).startswith("axis:")
    )


DIALECT = Dialect(
    "cameras' own events through onvif2mqtt, and those of Axis",
    _route,
    _axis,
    _fits,
    frozenset(BINARY),
)
