"""Cameras' own events over MQTT: onvif2mqtt (`onvif2mqtt/CAMERA/motion`) and Axis
(`axis/SERIAL/event/…`).
"""

from typing import Any

from operators.decoding.payloads.base import IGNORE, Dialect, Route
from operators.decoding.payloads.metrics import METRICS, metric_of
from operators.decoding.payloads.payload import Refused
from operators.decoding.payloads.reading_builder import Sheet, at_endpoint, json_name, subject_name

_ANALYTICS = "ObjectAnalytics"


def _axis(sheet: Sheet, data: Any) -> None:
    if data.__class__ is not dict:
        raise Refused(
            "bad_shape", f"expected a JSON object of an Axis camera; got {type(data).__name__}"
        )
    words = sheet.topic.split("/")
    serial = data.get("serial")
    if not isinstance(serial, str) or not serial:
        if words[0] != "axis" or len(words) < 2:
            raise Refused("bad_shape", "expected serial; got none")
        serial = words[1]
    message = data.get("message")
    details = message.get("data") if message.__class__ is dict else None
    named = data.get("topic")
    path = named.split("/") if isinstance(named, str) and _ANALYTICS in named else words
    if details.__class__ is not dict or "active" not in details or _ANALYTICS not in path[:-1]:
        sheet.skipped += 1
        return
    sheet.at(data.get("timestamp"))
    sheet.put(at_endpoint(json_name(serial), path[-1]), "motion", details["active"])


def route(topic: str, sure: bool) -> Route | None:
    words = topic.rstrip("/").split("/")
    if words[0] == "axis" and len(words) > 2:
        return Route(_axis, "json")
    if len(words) < 2 or not (sure or words[0].startswith("onvif")):
        return None
    camera = subject_name("/".join(words[1:-1]) or words[0])
    if words[-1].lower() == "lwt":
        covers = f"{words[0]}/" if len(words) == 2 else None
        return Route(lambda sheet, data: sheet.availability(camera, data, covers))
    metric = metric_of(words[-1])
    if metric is None or METRICS[metric].kind != "binary":
        return IGNORE

    def write(sheet: Sheet, data: Any) -> None:
        raw = data.get("state", data.get("value")) if data.__class__ is dict else data
        sheet.put(camera, metric, raw)

    return Route(write)


def fits(data: Any) -> bool:
    return (
        data.__class__ is dict
        and "serial" in data
        and "message" in data
        and str(data.get("topic")).startswith("axis:")
    )


DIALECT = Dialect(route, fits, _axis)
