"""Victron Venus OS: `N/PORTAL/SERVICE/INSTANCE/PATH` with `{"value": …}`; null, `[]` and empty
mean "no value".
"""

from typing import Any

from operators.decoding.payloads.base import IGNORE, Dialect, Route, never
from operators.decoding.payloads.metrics import METRICS, metric_of
from operators.decoding.payloads.payload import Refused
from operators.decoding.payloads.reading_builder import Sheet, at_endpoint, subject_name

_ENERGY = {"Forward": "energy", "Reverse": "energy_returned"}
_FOREIGN = frozenset(("value", "count", "availability", "position", "gas", "water", "uptime"))
"""Metrics' names that mean something else on the D-Bus."""


def _metric(path: list[str]) -> str | None:
    word = path[-1]
    if len(path) > 1 and path[-2] == "Energy":
        return _ENERGY.get(word)
    if word == "State":
        return "state" if "Relay" in path else None
    metric = metric_of(word)
    return None if metric in _FOREIGN else metric


def route(topic: str, sure: bool) -> Route | None:
    words = topic.split("/")
    if words[0] in ("R", "W") and len(words) > 1:
        return IGNORE
    if words[0] != "N":
        return None
    if len(words) < 5 or words[2] == "settings":
        return IGNORE
    path = words[4:]
    metric = _metric(path)
    subject = at_endpoint(subject_name("/".join(words[1:4])), "/".join(path[:-1]))

    def read_path(sheet: Sheet, data: Any) -> None:
        if data is None or data == []:
            value = None
        elif data.__class__ is dict and "value" in data:
            value = data["value"]
        else:
            raise Refused("bad_shape", f"expected an object with value; got {type(data).__name__}")
        if metric is None:
            sheet.skipped += 1
        elif value is None or value == []:
            sheet.add(subject, metric, None, None, METRICS[metric].unit, "bad", None)
        else:
            sheet.put(subject, metric, value)

    return Route(read_path, "json", empty=True)


def read(sheet: Sheet, data: Any) -> None:
    raise Refused(
        "unrecognised", f"expected a topic N/PORTAL/SERVICE/INSTANCE/PATH; got {sheet.topic!r}"
    )


DIALECT = Dialect(route, never, read)
