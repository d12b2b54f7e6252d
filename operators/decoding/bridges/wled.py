"""WLED lights: `wled/DEVICE/g` (brightness) and `…/status`. Source: kno.wled.ge, "MQTT"."""

from typing import Any

from operators.decoding.dialect import IGNORE, Route, by_topic
from operators.decoding.payloads import values
from operators.decoding.payloads.reading_builder import ReadingBuilder, subject_name

METRICS = frozenset(("brightness", "state", "availability"))


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if len(words) < 3 or not (named or words[0] == "wled"):
        return None
    device = subject_name("/".join(words[1:-1]))
    if words[-1] == "status":
        return Route(lambda builder, data: builder.put_availability(device, data))
    if words[-1] != "g":
        return IGNORE

    def read(builder: ReadingBuilder, data: Any) -> None:
        level = values.number(data)
        builder.put(device, "state", None if level is None else float(level > 0))
        builder.put(device, "brightness", data)

    return Route(read)


DIALECT = by_topic("WLED lights", _route, "wled/DEVICE/g", METRICS)
