"""Frigate, under one base topic.

It sends tracked objects, reviews, motion, counts and the state of cameras.
"""

from typing import Any

from operators.decoding.dialect import IGNORE, Dialect, Route
from operators.decoding.payloads import values
from operators.decoding.payloads.metrics import names
from operators.decoding.payloads.parse import missing, wrong_value
from operators.decoding.payloads.reading_builder import (
    ReadingBuilder,
    at_endpoint,
    json_name,
    subject_name,
)

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


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if len(words) < 2 or not (named or words[0].startswith("frigate")):
        return None
    base, name, path = words[0], words[1], words[2:]
    if not path:
        if name == "available":
            device = subject_name(base)
            return Route(lambda builder, data: builder.put_availability(device, data, f"{base}/"))
        handler = {"events": _objects, "reviews": _reviews, "tracked_object_update": _tracked}.get(
            name
        )
        return Route(handler, "json") if handler else IGNORE
    if name in _NOT_CAMERAS or path[-1] in _LEFT_OUT or "snapshot" in path:
        return IGNORE
    return _camera(subject_name(name), path)


def _camera(camera: str, path: list[str]) -> Route:
    if path == ["motion"]:
        return Route(lambda builder, data: builder.put(camera, "motion", data))
    if len(path) == 2 and path[0] == "status":
        role = at_endpoint(camera, path[1])
        return Route(lambda builder, data: builder.put_availability(role, data))
    if len(path) == 2 and path[0] == "audio":
        if path[1] == "dBFS":
            return Route(lambda builder, data: builder.put(camera, "sound_pressure", data))
        if path[1] in ("rms", "transcription"):
            return IGNORE
        microphone = at_endpoint(camera, path[1])
        return Route(lambda builder, data: builder.put(microphone, "sound", data))
    if len(path) == 2 and path[0] == "classification":
        model = at_endpoint(camera, path[1])
        return Route(lambda builder, data: builder.put(model, "state", data))
    if len(path) == 1 and path[0] not in _NOT_OBJECTS:
        counted = at_endpoint(camera, path[0])
        return Route(lambda builder, data: builder.put(counted, "count", data))
    return IGNORE


def _after(
    builder: ReadingBuilder, data: Any, types: dict[str, str]
) -> tuple[str, dict[str, Any], str]:
    """(type, state after, camera) of an event or a review, whose own time is taken."""
    kind = data.get("type") if data.__class__ is dict else None
    if not isinstance(kind, str) or kind not in types:
        raise wrong_value(f"an object with type {', '.join(types)}", kind)
    after = data.get("after")
    camera = after.get("camera") if after.__class__ is dict else None
    if not isinstance(after, dict) or not isinstance(camera, str) or not camera:
        raise missing("an object as after, with camera")
    ended = after.get("end_time") if kind == "end" else None
    builder.set_time(after.get("frame_time") if ended is None else ended)
    return types[kind], after, json_name(camera)


def _objects(builder: ReadingBuilder, data: Any) -> None:
    type_, after, camera = _after(builder, data, _OBJECTS)
    if values.binary("state", after.get("false_positive")) == 1.0:
        return
    builder.put_occurrence(
        camera, type_, {key: value for key, value in after.items() if key not in _BULKY}
    )


def _reviews(builder: ReadingBuilder, data: Any) -> None:
    type_, after, camera = _after(builder, data, _REVIEWS)
    details = after.get("data")
    builder.put_occurrence(
        camera, type_, {**(details if isinstance(details, dict) else {}), **after}
    )


def _tracked(builder: ReadingBuilder, data: Any) -> None:
    kind = data.get("type") if data.__class__ is dict else None
    if not isinstance(kind, str) or not kind:
        raise wrong_value("an object with type", kind)
    camera = data.get("camera")
    device = camera if isinstance(camera, str) and camera else builder.topic.partition("/")[0]
    builder.put_occurrence(json_name(device), f"object_{kind.lower()}", dict(data))


def _read(builder: ReadingBuilder, data: Any) -> None:
    (_reviews if _fits(data) and "severity" in data["after"] else _objects)(builder, data)


def _fits(data: Any) -> bool:
    return (
        data.__class__ is dict
        and data.get("after").__class__ is dict
        and "before" in data
        and "camera" in data["after"]
        and data.get("type") in ("new", "update", "end")
    )


DIALECT = Dialect(
    "Frigate, cameras with object detection",
    _route,
    _read,
    _fits,
    frozenset(("motion", "sound", "sound_pressure", "count", "state", "availability")),
)
