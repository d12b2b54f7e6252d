"""CloudEvents 1.0 in structured JSON, single or as a batch."""

from typing import Any

from operators.decoding.payloads.base import Dialect, Route
from operators.decoding.payloads.payload import Refused
from operators.decoding.payloads.reading_builder import Sheet, json_name


def _event(sheet: Sheet, data: Any) -> None:
    if data.__class__ is not dict:
        raise Refused("bad_shape", f"expected a CloudEvent, an object; got {type(data).__name__}")
    for name in ("id", "source", "type"):
        if data.get(name).__class__ is not str or not data[name]:
            raise Refused(
                "bad_shape",
                f"expected a text as {name} of a CloudEvent; got {str(data.get(name))[:40]!r}",
            )
    version = data.get("specversion")
    if version.__class__ is not str or version.partition(".")[0] != "1":
        raise Refused(
            "unsupported", f"expected CloudEvents specversion 1.x; got {str(version)[:40]!r}"
        )
    sheet.at(data.get("time"))
    subject = data.get("subject")
    device = subject if isinstance(subject, str) and subject else data["source"]
    sheet.occurred(json_name(device), data["type"], _details(data), data["source"])


def _details(data: dict[str, Any]) -> dict[str, Any]:
    if data.get("data").__class__ is dict:
        return dict(data["data"])
    if "data_base64" in data:
        return {"data_base64": data["data_base64"]}
    return {"value": data["data"]} if "data" in data else {}


def read(sheet: Sheet, data: Any) -> None:
    for event in data if data.__class__ is list else (data,):
        _event(sheet, event)


def route(topic: str, sure: bool) -> Route | None:
    return Route(read, "json") if sure else None


def fits(data: Any) -> bool:
    if data.__class__ is list:
        return bool(data) and fits(data[0]) and data[0].__class__ is dict
    return data.__class__ is dict and "specversion" in data


DIALECT = Dialect(route, fits, read)
