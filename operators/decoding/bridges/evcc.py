"""evcc: `evcc/site/…`, `evcc/loadpoints/N/…` and `evcc/vehicles/NAME/…`, one value a topic.

Source: docs.evcc.io, "MQTT API".
"""

import re
from typing import Any

from operators.decoding.dialect import IGNORE, Route, by_topic
from operators.decoding.payloads import values
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, subject_name

_QUANTITY = re.compile(
    r"(.*?)(Power|So[cC]|Energy|Voltages?|Currents?|Import|Range|Temp)", re.ASCII
)
_MEANING: dict[str, tuple[str, str | None]] = {
    "power": ("power", None), "soc": ("battery", None), "energy": ("energy", "kWh"),
    "voltage": ("voltage", None), "current": ("current", None), "import": ("energy", "kWh"),
    "range": ("distance", "km"), "temp": ("temperature", None),
}  # fmt: skip
_IN_WH = frozenset(("chargedEnergy", "sessionEnergy"))
METRICS = frozenset((*(metric for metric, _ in _MEANING.values()), "availability", "state"))
_NOT_MEASURED = re.compile(r"(?:limit|min|max|effective|plan|buffer|priority|residual|smart).*")


def _meaning(key: str) -> tuple[str, str | None, str] | None:
    """(metric, unit, what is left of the key) of `chargePower` and the like."""
    found = _QUANTITY.fullmatch(key[:1].upper() + key[1:])
    if found is None or _NOT_MEASURED.fullmatch(key):
        return None
    metric, unit = _MEANING[found[2].lower().rstrip("s")]
    left = found[1][:1].lower() + found[1][1:]
    return metric, "Wh" if key in _IN_WH else unit, left


def _value(device: str, parts: list[str], key: str) -> Route:
    means = _meaning(key)

    def at(last: str) -> str:
        return at_endpoint(device, "/".join(part for part in (*parts, last) if part))

    def read(builder: ReadingBuilder, data: Any) -> None:
        if means is not None:
            metric, unit, endpoint = means
            builder.put(at(endpoint), metric, data, unit)
        elif data in ("true", "false"):
            builder.put(at(key), "state", data)
        elif key == "mode" and values.number(data) is None:
            builder.put_text(at(key), "state", str(data))
        else:
            builder.skipped += 1

    return Route(read)


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if len(words) < 2 or not (named or words[0] == "evcc"):
        return None
    if words[1:] == ["status"]:
        base = subject_name(words[0])
        return Route(lambda builder, data: builder.put_availability(base, data, f"{words[0]}/"))
    if words[-1] == "set" or len(words) < 3 or words[1] not in ("site", "loadpoints", "vehicles"):
        return IGNORE
    depth = 2 if words[1] == "site" else 3
    device, path = subject_name("/".join(words[:depth])), words[depth:]
    if not path or len(path) > 3:
        return IGNORE
    if len(path) > 1 and path[-1].isdigit():  # a list, such as the currents of the phases
        return _value(device, [*path[:-2], path[-1]], path[-2])
    return _value(device, path[:-1], path[-1])


DIALECT = by_topic("evcc, which charges cars", _route, "evcc/site/KEY", METRICS)
