"""AWS IoT device shadows: what the thing reported; not what is desired, and not what was before.

Source: docs.aws.amazon.com/iot, "Device Shadow MQTT topics" and "service documents".
"""

from typing import Any

from operators.decoding.dialect import ALL, IGNORE, Route, by_topic
from operators.decoding.dialects.json import read_object
from operators.decoding.payloads.parse import Ignored, missing
from operators.decoding.payloads.reading_builder import ReadingBuilder, subject_name

_TOLD = ("update", "update/accepted", "update/documents", "get/accepted")


def _read_as(thing: str) -> Route:
    def _read(builder: ReadingBuilder, data: Any) -> None:
        if data.__class__ is not dict:
            raise missing("an object with a state")
        document = data.get("current", data)
        state = document.get("state") if document.__class__ is dict else None
        reported = state.get("reported") if state.__class__ is dict else None
        if reported.__class__ is not dict:
            raise Ignored
        builder.set_time(data.get("timestamp"))
        read_object(builder, thing, reported)

    return Route(_read, "json")


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if words[:2] != ["$aws", "things"] or len(words) < 5 or words[3] != "shadow":
        return None
    rest = words[6:] if words[4] == "name" else words[4:]
    return _read_as(subject_name(words[2])) if "/".join(rest) in _TOLD else IGNORE


DIALECT = by_topic("AWS IoT's device shadows", _route, "$aws/things/THING/shadow/…", ALL)
