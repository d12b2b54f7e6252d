"""The envelope of the motion and pressure sensors: event_id, device_id, source, type, data, timestamp."""

from typing import Any

from operators.dialects import generic, values
from operators.dialects.dialect import Dialect, Route
from operators.dialects.payload import Refused, excerpt
from operators.dialects.sheet import Sheet, json_name

_FIELDS = ("event_id", "device_id", "type", "data", "timestamp")
TYPES = {"pressure_detected": "button_pressed"}


def read(sheet: Sheet, data: Any) -> None:
    if data.__class__ is not dict:
        raise Refused("bad_shape", f"expected an object with device_id and type; got {type(data).__name__}")
    device, kind = data.get("device_id"), data.get("type")
    if not (isinstance(device, str) and device and isinstance(kind, str) and kind):
        got = f"{str(device)[:40]!r} and {str(kind)[:40]!r}"
        raise Refused("bad_shape", f"expected texts as device_id and type; got {got}")
    sheet.at(data.get("timestamp"))
    device = json_name(device)
    event_id = data.get("event_id")
    id = str(event_id) if event_id.__class__ in (str, int) and event_id != "" else None
    details = data.get("data")
    details = dict(details) if details.__class__ is dict else {} if details is None else {"value": details}
    type_ = kind.lower()
    if type_ == "motion_detected" and "presence" in details:
        present = values.binary("motion", details["presence"])
        sheet.put(device, "motion", details["presence"])
        if id:
            sheet.events[-1].id = f"{id}.motion"
        if present != 1.0:
            return
    if event_id is not None:
        details["event_id"] = event_id
    source = data.get("source")
    sheet.occurred(device, TYPES.get(type_, type_), details, source if source.__class__ is str else None, id)


def _on_sensor_topic(sheet: Sheet, data: Any) -> None:
    if data.__class__ is list or (data.__class__ is dict and ("type" in data or fits(data))):
        read(sheet, data)
    elif data.__class__ is str and values.number(data) is None and values.binary("motion", data) is None:
        raise Refused("bad_json", f"expected one JSON value; got {excerpt(data)}")
    else:
        generic.read(sheet, data)


def route(topic: str, sure: bool) -> Route | None:
    if sure:
        return Route(read, "json")
    words = topic.split("/")
    return Route(_on_sensor_topic) if words[0] == "sensor" and len(words) == 2 else None


def fits(data: Any) -> bool:
    """An envelope, even one that lacks a field: two of its fields are enough, one of them only its own."""
    if data.__class__ is not dict or ("event_id" not in data and "device_id" not in data):
        return False
    return sum(name in data for name in _FIELDS) >= (2 if "event_id" in data else 3)


DIALECT = Dialect(route, fits, read)
