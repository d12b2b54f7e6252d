"""MySensors: `PREFIX-out/NODE/SENSOR/COMMAND/ACK/TYPE` with a bare value.

Source: mysensors.org, "Serial Protocol", 2.x.
"""

import re
from typing import Any

from operators.decoding.dialect import IGNORE, Route, by_topic
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint

_TOPIC = re.compile(r"(?:.+/)?[^/]*-out/(\d{1,3})/(\d{1,3})/([0-4])/[01]/(\d{1,3})", re.ASCII)
_BELOW_ANY = re.compile(r"(?:.+/)?(\d{1,3})/(\d{1,3})/([0-4])/[01]/(\d{1,3})", re.ASCII)
_SET, _INTERNAL = "1", "3"
_TYPES: dict[str, tuple[str, str | None]] = {
    "0": ("temperature", None), "1": ("humidity", None), "2": ("state", None),
    "3": ("value", "%"), "4": ("pressure", None), "8": ("speed", None), "12": ("weight", None),
    "13": ("distance", "cm"), "15": ("state", None), "16": ("state", None), "17": ("power", None),
    "18": ("energy", None), "23": ("value", "%"), "35": ("water", None), "36": ("lock", None),
    "37": ("value", None), "38": ("voltage", None), "39": ("current", None),
    "45": ("target_temperature", None), "54": ("reactive_power", None),
    "55": ("apparent_power", None), "56": ("power_factor", None),
}  # fmt: skip
"""By the number of a value's type; `V_TRIPPED` (16) may be a door or a movement."""
METRICS = frozenset(("battery", *(metric for metric, _ in _TYPES.values())))


def _route(topic: str, named: bool) -> Route | None:
    match = (_BELOW_ANY if named else _TOPIC).fullmatch(topic)
    if match is None:
        return None
    node, sensor, command, kind = match.groups()
    if command == _INTERNAL and kind == "0":
        return Route(lambda builder, data: builder.put(node, "battery", data))
    if command != _SET or kind not in _TYPES:
        return IGNORE
    metric, unit = _TYPES[kind]
    subject = at_endpoint(node, sensor)

    def _read(builder: ReadingBuilder, data: Any) -> None:
        if metric == "value":
            builder.put_number(subject, data, unit, data)
        else:
            builder.put(subject, metric, data, unit, inverted=metric == "lock")

    return Route(_read)


DIALECT = by_topic("MySensors' MQTT gateway", _route, "PREFIX-out/NODE/SENSOR/1/0/TYPE", METRICS)
