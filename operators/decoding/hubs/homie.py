"""The Homie convention, versions 3 to 5: `homie/DEVICE/NODE/PROPERTY`, its `$unit`, and `$state`.

Source: homieiot.github.io, "Specification".
"""

import re
from typing import Any

from operators.decoding.dialect import ALL, IGNORE, Route, by_topic
from operators.decoding.dialects.zigbee2mqtt_exposes import Property
from operators.decoding.payloads import values
from operators.decoding.payloads.metrics import METRICS, metric_of
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, subject_name

_UNIT = "$unit"
_LONGEST_UNIT = 32
_MOST = 20_000
_STATES = {
    **dict.fromkeys(("ready", "sleeping", "alert"), True),
    **dict.fromkeys(("init", "disconnected", "lost"), False),
}
"""Whether a device in a `$state` can be reached, now or when it wakes."""
_FLAGS = frozenset(("true", "false"))
_PHASED = re.compile(r"([a-z]+?)(l[123])", re.ASCII)
"""`voltagel1` of a meter through mbmd."""
_PLAIN = frozenset(("value", "degrees"))
"""Properties of a node that is itself called after what it measures."""


def _meaning(node: str, name: str) -> tuple[str | None, str]:
    """(metric, endpoint) of a property."""
    if name in _PLAIN and (metric := metric_of(node)) is not None:
        return metric, node
    if (found := _PHASED.fullmatch(name)) is not None and (metric := metric_of(found[1])):
        return metric, f"{node}/{found[2]}"
    return metric_of(name), node


def _property(device: str, node: str, name: str) -> Route:
    metric, endpoint = _meaning(node, name)

    def read(builder: ReadingBuilder, data: Any) -> None:
        if data.__class__ is not str:
            builder.skipped += 1
            return
        own = at_endpoint(device, f"{node}/{name}")
        is_number = metric is not None and METRICS[metric].kind == "number"
        if metric is not None and not (is_number and data in _FLAGS):
            builder.put(at_endpoint(device, endpoint), metric, data, _unit(builder, is_number))
        elif values.number(data) is not None:
            builder.put_number(own, data, _unit(builder, True), data)
        else:
            builder.put(own, "state", data)

    return Route(read)


def _unit(builder: ReadingBuilder, is_number: bool) -> str | None:
    """The unit that the property's `$unit` stated."""
    known = builder.described.get(builder.topic) if is_number else None
    return None if known is None else known[_UNIT].unit


def _stated(builder: ReadingBuilder, data: Any) -> None:
    """Keep the unit of a property, which comes on a topic of its own."""
    topic = builder.topic.removesuffix(f"/{_UNIT}")
    if data.__class__ is str and 0 < len(data) <= _LONGEST_UNIT:
        if topic in builder.described or len(builder.described) < _MOST:
            builder.described[topic] = {_UNIT: Property("number", "value", None, data)}
    else:
        builder.described.pop(topic, None)


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
    if len(path) == 4 and path[3] == _UNIT:
        return Route(_stated, empty=True)
    if len(path) != 3 or any(word.startswith("$") for word in path):
        return IGNORE
    return _property(subject_name(path[0]), path[1], path[2])


DIALECT = by_topic("the Homie convention", _route, "homie/DEVICE/NODE/PROPERTY", ALL)
