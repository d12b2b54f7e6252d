"""The envelope of the motion and pressure sensors: event_id, device_id, source, type, data, timestamp."""

from typing import Any

from operators.dialects import values
from operators.dialects.dialect import Dialect, Route
from operators.dialects.payload import Refused
from operators.dialects.sheet import Sheet, json_name

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


def route(topic: str, sure: bool) -> Route | None:
    return Route(read, "json") if sure else None


def fits(data: Any) -> bool:
    return data.__class__ is dict and ("device_id" in data or "event_id" in data) and "type" in data


DIALECT = Dialect(route, fits, read)
