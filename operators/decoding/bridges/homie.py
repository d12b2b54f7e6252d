"""The Homie convention, versions 3 to 5: `homie/DEVICE/NODE/PROPERTY` and `homie/DEVICE/$state`.

Source: homieiot.github.io, "Specification".
"""

from typing import Any

from operators.decoding.dialect import ALL, IGNORE, Route, by_topic
from operators.decoding.payloads import values
from operators.decoding.payloads.metrics import METRICS, metric_of
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, subject_name

_STATES = {
    **dict.fromkeys(("ready", "sleeping", "alert"), True),
    **dict.fromkeys(("init", "disconnected", "lost"), False),
}
"""Whether a device in a `$state` can be reached, now or when it wakes."""
_FLAGS = frozenset(("true", "false"))


def _property(device: str, node: str, name: str) -> Route:
    metric = metric_of(name)

    def read(builder: ReadingBuilder, data: Any) -> None:
        if data.__class__ is not str:
            builder.skipped += 1
            return
        own = at_endpoint(device, f"{node}/{name}")
        is_number = metric is not None and METRICS[metric].kind == "number"
        if metric is not None and not (is_number and data in _FLAGS):
            builder.put(at_endpoint(device, node), metric, data)
        elif data in _FLAGS:
            builder.put(own, "state", data)
        elif values.number(data) is not None:
            builder.put_number(own, data, None, data)
        else:
            builder.put_text(own, "state", data)

    return Route(read)


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if len(words) < 3 or not (named or words[0] == "homie"):
        return None
    path = words[2:] if words[1].isdecimal() else words[1:]
    if len(path) == 2 and path[1] == "$state":
        device = subject_name(path[0])
        return Route(
            lambda builder, data: builder.put_availability(device, _STATES.get(str(data), data))
        )
    if len(path) != 3 or any(word.startswith("$") for word in path):
        return IGNORE
    return _property(subject_name(path[0]), path[1], path[2])


DIALECT = by_topic("the Homie convention", _route, "homie/DEVICE/NODE/PROPERTY", ALL)
