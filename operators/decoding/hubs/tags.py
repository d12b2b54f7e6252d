"""Tags of industrial gateways: a name, a value, often its quality and time.

Kepware's IoT Gateway (standard template, and the list that Clarify documents), EMQX Neuron,
EdgeX Foundry, Siemens Industrial Edge, OPC UA PubSub (Part 14, JSON), Telegraf's JSON output and
Advantech WISE-4000. Sources: the makers' manuals of those names.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from operators.decoding.dialect import Dialect, Route
from operators.decoding.payloads.any_key import put_any
from operators.decoding.payloads.parse import missing
from operators.decoding.payloads.reading_builder import ReadingBuilder, json_name, subject_name

_NAMES = ("tagname", "resourceName", "id", "name")
_VALUES = ("value", "val", "v")
_TIMES = ("timestamp", "origin", "ts", "t")
_PINS = re.compile(r"(?:di|do|ai|ao)\d{1,2}", re.ASCII)
_MARKS = frozenset(("MessageType", "fields", "node", "q", "values", "readings", "vals"))
_LISTS = ("values", "readings", "vals", "tags")
_GOOD_QC = 3
"""Quality code of Industrial Edge: 3 is good, 0 bad, 1 uncertain."""
_OPC_BAD = 0x8000_0000
_WISE_GOOD = 192


class _Tag(NamedTuple):
    """`device` is None for the one of the message; `place` is what the tag is a part of."""

    name: str
    value: Any
    time: Any = None
    good: bool = True
    device: str | None = None
    place: str = ""


def _tags(data: Any) -> Iterator[_Tag]:
    if data.__class__ is list:
        yield from _listed(data)
    elif data.get("MessageType") == "ua-data":
        yield from _published(data)
    elif data.get("fields").__class__ is dict:
        for name, value in data["fields"].items():
            yield _Tag(name, value, place=str(data.get("name") or ""))
    elif data.get("values").__class__ is dict:
        for name, value in data["values"].items():
            yield _Tag(name, value)
        for name in data.get("errors") or ():
            yield _Tag(name, None, good=False)
    elif listed := next((data[key] for key in _LISTS if data.get(key).__class__ is list), None):
        yield from _listed(listed)
    else:
        good = data.get("q", _WISE_GOOD) == _WISE_GOOD
        for name, value in data.items():
            if _PINS.fullmatch(name):
                yield _Tag(name, value, good=good)


def _listed(tags: list[Any]) -> Iterator[_Tag]:
    for tag in tags:
        if tag.__class__ is not dict:
            continue
        name = next((tag[key] for key in _NAMES if tag.get(key).__class__ is str), None)
        if "resourceName" in tag:
            name = tag["resourceName"]
        if name.__class__ is not str or not name:
            continue
        value = next((tag[key] for key in _VALUES if key in tag), None)
        good = tag.get("q") is not False and tag.get("qc", _GOOD_QC) == _GOOD_QC
        time = next((tag[key] for key in _TIMES if tag.get(key) is not None), None)
        yield _Tag(name, value, time, good and "error" not in tag, tag.get("deviceName"))


def _published(data: dict[str, Any]) -> Iterator[_Tag]:
    for message in data.get("Messages") or ():
        payload = message.get("Payload") if message.__class__ is dict else None
        for name, field in (payload if payload.__class__ is dict else {}).items():
            if field.__class__ is not dict:
                yield _Tag(name, field, message.get("Timestamp"))
                continue
            status = field.get("StatusCode", field.get("Status", 0))
            code = status.get("Code", 0) if status.__class__ is dict else status
            time = field.get("SourceTimestamp") or message.get("Timestamp")
            good = not (code.__class__ is int and code >= _OPC_BAD)
            yield _Tag(name, field.get("Value"), time, good)


def _read(builder: ReadingBuilder, data: Any) -> None:
    if data.__class__ not in (dict, list):
        raise missing("an object or a list of tags")
    own = data if data.__class__ is dict else {}
    labels: dict[str, Any] = own["tags"] if own.get("tags").__class__ is dict else {}
    named = own.get("deviceName") or own.get("node") or labels.get("host")
    device = json_name(named) if named.__class__ is str else subject_name(builder.topic)
    for tag in _tags(data):
        builder.set_time(tag.time, own.get("origin"), own.get("timestamp"), own.get("t"))
        place, _, name = tag.name.rpartition(".")
        of = json_name(tag.device) if tag.device else device
        put_any(builder, of, name, tag.value, tag.place or place, tag.good)
    if not builder.events:
        raise missing("tags with a name and a value")


def _is_tag(tag: Any, *marks: str) -> bool:
    return tag.__class__ is dict and all(mark in tag for mark in marks)


def _fits(data: Any) -> bool:
    if data.__class__ is list:
        return bool(data) and all(_is_tag(tag, "tagname", "value") for tag in data)
    if data.__class__ is not dict or _MARKS.isdisjoint(data):
        return False
    first = {key: data[key][0] for key in _LISTS if data.get(key).__class__ is list and data[key]}
    return (
        data.get("MessageType") == "ua-data"
        or {"fields", "name", "tags", "timestamp"} <= data.keys()
        or {"node", "group", "timestamp"} <= data.keys()
        or {"s", "t", "q", "c"} <= data.keys()
        or _is_tag(first.get("values"), "id", "v", "q")
        or _is_tag(first.get("readings"), "resourceName", "value")
        or _is_tag(first.get("vals"), "id", "qc")
    )


def _route(topic: str, named: bool) -> Route | None:
    """Any topic, where the definition names the dialect."""
    return Route(_read, "json") if named else None


_ABOUT = (
    "tags of industrial gateways: Kepware, Neuron, EdgeX, Industrial Edge, OPC UA, Telegraf, WISE"
)
DIALECT = Dialect(_ABOUT, _route, _read, _fits)
