"""Paradox alarm panels through PAI: `paradox/states/KIND/NAME/PROPERTY`, `True` or `False`.

Source: github.com/ParadoxAlarmInterface/pai, wiki "MQTT topics and payloads".
"""

from typing import Any

from operators.decoding.dialect import IGNORE, Route, by_topic
from operators.decoding.payloads import values
from operators.decoding.payloads.key_table import Means, put_key
from operators.decoding.payloads.reading_builder import ReadingBuilder, subject_name

_ZONE = {
    "tamper": Means("tamper"), "rf_low_battery_trouble": Means("battery_low"),
    "low_battery_trouble": Means("battery_low"),
}  # fmt: skip
_POWER = {"vdc": "voltage", "dc": "voltage", "battery": "voltage"}
_TEXTS = frozenset(("label", "key", "id", "definition", "type", "partition", "signal_strength"))
METRICS = frozenset(("state", "contact", "tamper", "battery_low", "voltage", "availability"))


def _property(device: str, kind: str, name: str) -> Route:
    if kind == "system" and name in _POWER:
        means = Means(_POWER[name], name)
    elif kind == "zones" and (known := _ZONE.get(name)) is not None:
        means = known
    elif kind == "partitions" and name == "current_state":
        means = Means("state")
    else:
        means = Means("state", name)

    def read(builder: ReadingBuilder, data: Any) -> None:
        if kind == "zones" and name == "open":
            builder.put(device, "contact", data, inverted=True)
        elif means.endpoint and means.metric == "state" and values.binary("state", data) is None:
            builder.skipped += 1
        else:
            put_key(builder, device, means, data)

    return Route(read)


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if len(words) < 3 or not (named or words[0] == "paradox"):
        return None
    if words[1] == "interface" and words[-1] in ("availability", "status"):
        base = words[0]
        return Route(
            lambda builder, data: builder.put_availability(subject_name(base), data, f"{base}/")
        )
    if words[1] != "states" or len(words) != 5 or words[-1] in _TEXTS:
        return IGNORE
    kind, name, key = words[2:]
    device = name if kind == "zones" else f"{kind}/{name}"  # a zone and a partition may share names
    return _property(subject_name(device), kind, key)


DIALECT = by_topic("Paradox alarm panels through PAI", _route, "paradox/states/KIND/NAME/PROPERTY",
                   METRICS)  # fmt: skip
