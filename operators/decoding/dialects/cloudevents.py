"""CloudEvents 1.0 in structured JSON, single or as a batch."""

from typing import Any

from operators.decoding.dialect import Dialect, Route
from operators.decoding.payloads.parse import Undecodable, wrong_type, wrong_value
from operators.decoding.payloads.reading_builder import ReadingBuilder, json_name


def _event(builder: ReadingBuilder, data: Any) -> None:
    if data.__class__ is not dict:
        raise wrong_type("a CloudEvent, an object", data)
    for name in ("id", "source", "type"):
        if data.get(name).__class__ is not str or not data[name]:
            raise wrong_value(f"a text as {name} of a CloudEvent", data.get(name))
    version = data.get("specversion")
    if version.__class__ is not str or version.partition(".")[0] != "1":
        raise Undecodable(
            "unsupported", f"expected CloudEvents specversion 1.x; got {str(version)[:40]!r}"
        )
    builder.set_time(data.get("time"))
    subject = data.get("subject")
    device = subject if isinstance(subject, str) and subject else data["source"]
    builder.put_occurrence(json_name(device), data["type"], _details(data), data["source"])


def _details(data: dict[str, Any]) -> dict[str, Any]:
    if data.get("data").__class__ is dict:
        return dict(data["data"])
    if "data_base64" in data:
        return {"data_base64": data["data_base64"]}
    return {"value": data["data"]} if "data" in data else {}


def _read(builder: ReadingBuilder, data: Any) -> None:
    for event in data if data.__class__ is list else (data,):
        _event(builder, event)


def _route(topic: str, named: bool) -> Route | None:
    return Route(_read, "json") if named else None


def _fits(data: Any) -> bool:
    if data.__class__ is list:
        return bool(data) and _fits(data[0]) and data[0].__class__ is dict
    return data.__class__ is dict and "specversion" in data


DIALECT = Dialect("CloudEvents 1.0 in JSON", _route, _read, _fits, frozenset())
