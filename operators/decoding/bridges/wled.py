"""WLED lights: `wled/DEVICE/g` (brightness), `…/status`, `…/motion/N` and `…/button/N`.

Source: kno.wled.ge, "MQTT".
"""

from typing import Any

from operators.decoding.dialect import IGNORE, Route, by_topic
from operators.decoding.payloads import values
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, subject_name

METRICS = frozenset(("brightness", "state", "availability", "motion"))


def _input(device: str, kind: str, number: str) -> Route:
    if kind == "motion":
        return Route(lambda builder, data: builder.put(at_endpoint(device, number), kind, data))
    subject = at_endpoint(device, f"{kind}/{number}")
    return Route(lambda builder, data: builder.put(subject, "state", data))


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if len(words) < 2 or not (named or words[0] == "wled"):
        return None
    if len(words) == 2:  # where it listens for commands
        return IGNORE
    if len(words) > 3 and words[-2] in ("motion", "button"):
        return _input(subject_name("/".join(words[1:-2])), words[-2], words[-1])
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
