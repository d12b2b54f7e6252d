"""Frigate: tracked objects, reviews, motion, counts and the state of cameras, all under one base
topic.
"""

from typing import Any

from operators.decoding.payloads import values
from operators.decoding.payloads.base import IGNORE, Dialect, Route
from operators.decoding.payloads.metrics import names
from operators.decoding.payloads.payload import Refused
from operators.decoding.payloads.reading_builder import Sheet, at_endpoint, json_name, subject_name

_OBJECTS = {"new": "object_detected", "update": "object_updated", "end": "object_ended"}
_REVIEWS = {"new": "review_started", "update": "review_updated", "end": "review_ended"}
_LEFT_OUT = frozenset(
    ("set", "state", "snapshot", "profile", "stats", "restart", "suspend", "active")
)
_NOT_CAMERAS = frozenset(
    (
        "stats",
        "camera_activity",
        "onConnect",
        "restart",
        "notifications",
        "notification_test",
        "birdseye",
        "model_state",
    )
)
_NOT_OBJECTS = names(
    "enabled detect recordings snapshots audio review_status ptz ptz_autotracker improve_contrast"
    " motion_threshold motion_contour_area birdseye birdseye_mode review_alerts review_detections"
    " object_descriptions notifications review_descriptions audio_transcription status"
    " classification"
)
_BULKY = frozenset(("thumbnail", "snapshot", "path_data"))


def route(topic: str, sure: bool) -> Route | None:
    words = topic.split("/")
    if len(words) < 2 or not (sure or words[0].startswith("frigate")):
        return None
    base, name, path = words[0], words[1], words[2:]
    if not path:
        if name == "available":
            device = subject_name(base)
            return Route(lambda sheet, data: sheet.availability(device, data, f"{base}/"))
        handler = {"events": _objects, "reviews": _reviews, "tracked_object_update": _tracked}.get(
            name
        )
        return Route(handler, "json") if handler else IGNORE
    if name in _NOT_CAMERAS or path[-1] in _LEFT_OUT or "snapshot" in path:
        return IGNORE
    return _camera(subject_name(name), path)


def _camera(camera: str, path: list[str]) -> Route:
    if path == ["motion"]:
        return Route(lambda sheet, data: sheet.put(camera, "motion", data))
    if len(path) == 2 and path[0] == "status":
        role = at_endpoint(camera, path[1])
        return Route(lambda sheet, data: sheet.availability(role, data))
    if len(path) == 2 and path[0] == "audio":
        if path[1] == "dBFS":
            return Route(lambda sheet, data: sheet.put(camera, "sound_pressure", data))
        if path[1] in ("rms", "transcription"):
            return IGNORE
        heard = at_endpoint(camera, path[1])
        return Route(lambda sheet, data: sheet.put(heard, "sound", data))
    if len(path) == 1 and path[0] not in _NOT_OBJECTS:
        seen = at_endpoint(camera, path[0])
        return Route(lambda sheet, data: sheet.put(seen, "count", data))
    return IGNORE


def _after(sheet: Sheet, data: Any, types: dict[str, str]) -> tuple[str, dict[str, Any], str]:
    """(type, state after, camera) of an event or a review, whose own time is taken."""
    kind = data.get("type") if data.__class__ is dict else None
    if not isinstance(kind, str) or kind not in types:
        raise Refused(
            "bad_shape", f"expected an object with type {', '.join(types)}; got {str(kind)[:40]!r}"
        )
    after = data.get("after")
    camera = after.get("camera") if after.__class__ is dict else None
    if not isinstance(after, dict) or not isinstance(camera, str) or not camera:
        raise Refused("bad_shape", "expected an object as after, with camera; got none")
    ended = after.get("end_time") if kind == "end" else None
    sheet.at(after.get("frame_time") if ended is None else ended)
    return types[kind], after, json_name(camera)


def _objects(sheet: Sheet, data: Any) -> None:
    type_, after, camera = _after(sheet, data, _OBJECTS)
    if values.binary("state", after.get("false_positive")) == 1.0:
        return
    sheet.occurred(camera, type_, {key: value for key, value in after.items() if key not in _BULKY})


def _reviews(sheet: Sheet, data: Any) -> None:
    type_, after, camera = _after(sheet, data, _REVIEWS)
    details = after.get("data")
    sheet.occurred(camera, type_, {**(details if isinstance(details, dict) else {}), **after})


def _tracked(sheet: Sheet, data: Any) -> None:
    kind = data.get("type") if data.__class__ is dict else None
    if not isinstance(kind, str) or not kind:
        raise Refused("bad_shape", f"expected an object with type; got {str(kind)[:40]!r}")
    camera = data.get("camera")
    device = camera if isinstance(camera, str) and camera else sheet.topic.partition("/")[0]
    sheet.occurred(json_name(device), f"object_{kind.lower()}", dict(data))


def read(sheet: Sheet, data: Any) -> None:
    (_reviews if fits(data) and "severity" in data["after"] else _objects)(sheet, data)


def fits(data: Any) -> bool:
    return (
        data.__class__ is dict
        and data.get("after").__class__ is dict
        and "before" in data
        and "camera" in data["after"]
        and data.get("type") in ("new", "update", "end")
    )


DIALECT = Dialect(route, fits, read)
