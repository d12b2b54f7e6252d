"""go-eCharger, which charges cars: `go-eCharger/SERIAL/KEY`. Source: go-e, "API v2, keys"."""

from typing import Any

from operators.decoding.dialect import IGNORE, Route, by_topic
from operators.decoding.payloads import values
from operators.decoding.payloads.parse import wrong_type
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, subject_name

_PLAIN: dict[str, tuple[str, str | None, str | None]] = {
    "eto": ("energy", None, "Wh"), "wh": ("energy", "session", "Wh"),
    "frq": ("frequency", None, None), "rssi": ("signal_strength", None, None),
    "alw": ("state", "allowed", None),
}  # fmt: skip
_PHASES = (
    ("voltage", 0, None),
    ("current", 4, None),
    ("power", 7, None),
    ("power_factor", 12, "%"),
)
"""Where the three phases of a quantity begin in `nrg`."""
_TOTAL = 11
_CHARGING = 2
_CONNECTED = (2, 3, 4)
"""`car`: 1 is idle, 2 charging, 3 waiting for the car, 4 complete."""
METRICS = frozenset(
    ("voltage", "current", "power", "power_factor", "energy", "frequency", "signal_strength",
     "state", "device_temperature")
)  # fmt: skip


def _energy(device: str) -> Route:
    def read(builder: ReadingBuilder, data: Any) -> None:
        if data.__class__ is not list or len(data) <= _TOTAL:
            raise wrong_type("a list of voltages, currents and powers", data)
        builder.put(device, "power", data[_TOTAL])
        for metric, start, unit in _PHASES:
            for n, raw in enumerate(data[start : start + 3], 1):
                builder.put(at_endpoint(device, f"l{n}"), metric, raw, unit)

    return Route(read, "json")


def _car(device: str) -> Route:
    def read(builder: ReadingBuilder, data: Any) -> None:
        code = values.number(data)
        for name, is_so in (("connected", code in _CONNECTED), ("charging", code == _CHARGING)):
            builder.put(at_endpoint(device, name), "state", is_so if code else None)

    return Route(read)


def _temperatures(device: str) -> Route:
    def read(builder: ReadingBuilder, data: Any) -> None:
        if data.__class__ is not list:
            raise wrong_type("a list of temperatures", data)
        for n, raw in enumerate(data, 1):
            if raw is not None:
                builder.put(at_endpoint(device, str(n)), "device_temperature", raw)

    return Route(read, "json")


def _route(topic: str, named: bool) -> Route | None:
    words = topic.strip("/").split("/")
    at = next((n for n, word in enumerate(words) if named or word == "go-eCharger"), None)
    if at is None:
        return None
    if len(words) != at + 3:
        return IGNORE
    device, key = subject_name(words[at + 1]), words[at + 2]
    if key in _PLAIN:
        metric, endpoint, unit = _PLAIN[key]
        subject = at_endpoint(device, endpoint)
        return Route(lambda builder, data: builder.put(subject, metric, data, unit))
    readers = {"nrg": _energy, "car": _car, "tma": _temperatures}
    return readers[key](device) if key in readers else IGNORE


DIALECT = by_topic("go-eCharger, which charges cars", _route, "go-eCharger/SERIAL/KEY", METRICS)
