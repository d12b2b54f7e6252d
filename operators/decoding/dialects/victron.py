"""Victron Venus OS: `N/PORTAL/SERVICE/INSTANCE/PATH` with `{"value": …}`.

Null, `[]` and an empty payload mean "no value".
"""

import re
from typing import Any

from operators.decoding.dialect import ALL, IGNORE, Route, by_topic
from operators.decoding.payloads.metrics import METRICS, metric_of
from operators.decoding.payloads.parse import wrong_type
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, subject_name

_ENERGY = {"Forward": "energy", "Reverse": "energy_returned"}
_LETTERS = {"P": "power", "V": "voltage", "I": "current", "F": "frequency", "S": "apparent_power"}
_TANK = {"Level": "%", "Remaining": "m³"}
_CELL = re.compile(r"((?:Max|Min)Cell|Battery)(Voltage|Temperature)", re.ASCII)
"""The highest and the lowest cell of a battery, and the battery of a wireless sensor."""
_YIELDS = frozenset(("User", "System"))
"""What a solar charger produced since its owner's and its own beginning."""
_FOREIGN = frozenset(("value", "count", "availability", "position", "gas", "water", "uptime"))
"""Metrics' names that mean something else on the D-Bus."""


def _metric(path: list[str]) -> str | None:
    word = path[-1]
    if len(path) > 1 and path[-2] == "Energy":
        return _ENERGY.get(word)
    if (cell := _CELL.fullmatch(word)) is not None:
        return metric_of(cell[2])
    if path[-2:-1] == ["Yield"] and word in _YIELDS:
        return "energy"
    if word == "State":
        return "state" if "Relay" in path else None
    if word in _LETTERS and len(path) > 1:
        return _LETTERS[word]
    metric = metric_of(word)
    return None if metric in _FOREIGN else metric


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if words[0] in ("R", "W") and len(words) > 1:
        return IGNORE
    if words[0] != "N":
        return None
    if len(words) < 5 or words[2] == "settings":
        return IGNORE
    path, word = words[4:], words[-1]
    metric = _metric(path)
    part = path[:-1] if word not in _YIELDS else path
    if (cell := _CELL.fullmatch(word)) is not None:
        part = [*part, cell[1]]
    subject = at_endpoint(subject_name("/".join(words[1:4])), "/".join(part))

    def read_path(builder: ReadingBuilder, data: Any) -> None:
        if data is None or data == []:
            value = None
        elif data.__class__ is dict and "value" in data:
            value = data["value"]
        else:
            raise wrong_type("an object with value", data)
        if words[2] == "tank" and len(path) == 1 and path[0] in _TANK:
            builder.put_number(at_endpoint(subject, path[0]), value, _TANK[path[0]], value)
        elif metric is None:
            builder.skipped += 1
        elif value is None or value == []:
            builder.add(subject, metric, None, None, METRICS[metric].unit, "bad", None)
        else:
            builder.put(subject, metric, value)

    return Route(read_path, "json", empty=True)


DIALECT = by_topic(
    "Victron Venus OS", _route, "N/PORTAL/SERVICE/INSTANCE/PATH", ALL - _FOREIGN | {"value"}
)
