"""The envelope of motion and pressure sensors.

Its fields are event_id, device_id, source, type, data and timestamp.

Their bridge posts the same as `{"type", "device_id", "details": {"event_id", "source", "data",
"original_timestamp", "mqtt_topic"}}`, which is read as the message it was made from.
"""

from typing import Any

from operators.decoding.dialect import Dialect, Route
from operators.decoding.dialects import json
from operators.decoding.payloads import values
from operators.decoding.payloads.parse import Undecodable, excerpt, wrong_type
from operators.decoding.payloads.reading_builder import ReadingBuilder, json_name

_FIELDS = ("event_id", "device_id", "type", "data", "timestamp")
TYPES = {"pressure_detected": "button_pressed"}


def _read(builder: ReadingBuilder, data: Any) -> None:
    data = _as_sent(builder, data)
    device, type_ = device_and_type(data)
    builder.set_time(data.get("timestamp"))
    event_id, id = data.get("event_id"), id_of(data)
    details = data.get("data")
    details = (
        dict(details)
        if details.__class__ is dict
        else {}
        if details is None
        else {"value": details}
    )
    if type_ == "motion_detected" and "presence" in details:
        present = values.binary("motion", details["presence"])
        builder.put(device, "motion", details["presence"])
        if id:
            builder.events[-1].id = f"{id}.motion"
        if present != 1.0:
            return
    if event_id is not None:
        details["event_id"] = event_id
    builder.put_occurrence(device, type_, details, source_of(data), id)


def device_and_type(data: Any) -> tuple[str, str]:
    """The device, and the type in the words of the vocabulary. Raises `Undecodable`."""
    if data.__class__ is not dict:
        raise wrong_type("an object with device_id and type", data)
    device, kind = data.get("device_id"), data.get("type")
    if not (isinstance(device, str) and device and isinstance(kind, str) and kind):
        got = f"{str(device)[:40]!r} and {str(kind)[:40]!r}"
        raise Undecodable("bad_shape", f"expected texts as device_id and type; got {got}")
    type_ = kind.lower()
    return json_name(device), TYPES.get(type_, type_)


def id_of(data: dict[str, Any]) -> str | None:
    """Return the envelope's own id, None without one."""
    event_id = data.get("event_id")
    return str(event_id) if event_id.__class__ in (str, int) and event_id != "" else None


def source_of(data: dict[str, Any]) -> str | None:
    """Return the source that an envelope names, None without one."""
    source = data.get("source")
    return source if source.__class__ is str else None


def _as_sent(builder: ReadingBuilder, data: Any) -> Any:
    """A posted body as the message it was made from; other values as they are."""
    if data.__class__ is not dict or "data" in data or data.get("details").__class__ is not dict:
        return data
    details = data["details"]
    topic = details.get("mqtt_topic")
    if topic.__class__ is str and topic:
        builder.topic = topic
    return {
        "event_id": details.get("event_id"),
        "device_id": data.get("device_id"),
        "source": details.get("source"),
        "type": data.get("type"),
        "data": details.get("data"),
        "timestamp": details.get("original_timestamp"),
    }


def _on_sensor_topic(builder: ReadingBuilder, data: Any) -> None:
    if data.__class__ is list or (data.__class__ is dict and ("type" in data or _fits(data))):
        _read(builder, data)
    elif (
        data.__class__ is str
        and values.number(data) is None
        and values.binary("motion", data) is None
    ):
        raise Undecodable("bad_json", f"expected one JSON value; got {excerpt(data)}")
    else:
        json.read(builder, data)


def _route(topic: str, named: bool) -> Route | None:
    if named:
        return Route(_read, "json")
    words = topic.split("/")
    return Route(_on_sensor_topic) if words[0] == "sensor" and len(words) == 2 else None


def _fits(data: Any) -> bool:
    """An envelope, even one that lacks a field, or a posted body.

    Two of its fields are enough if one of them is only its own.
    """
    if data.__class__ is not dict or ("event_id" not in data and "device_id" not in data):
        return False
    if "device_id" in data and "type" in data and data.get("details").__class__ is dict:
        return True
    return sum(name in data for name in _FIELDS) >= (2 if "event_id" in data else 3)


DIALECT = Dialect(
    "motion and pressure sensors (event_id, device_id, source, type, data, timestamp), also as "
    "their bridge posts it",
    _route,
    _read,
    _fits,
    frozenset(("motion",)),
)
