"""HomeMatic through hm2mqtt.js (`hm/status/NAME/DATAPOINT`) or CCU-Jack (`device/status/…`).

Both send an object with the value and its time; CCU-Jack also says how good it is. Sources:
github.com/owagner/hm2mqtt and mqtt-smarthome; github.com/mdzio/ccu-jack, VEAP states.
"""

from typing import Any

import msgspec

from operators.decoding.dialect import Dialect, Route
from operators.decoding.payloads.any_key import put_any
from operators.decoding.payloads.parse import missing
from operators.decoding.payloads.reading_builder import ReadingBuilder, subject_name
from operators.events import Reading

_POINTS: dict[str, tuple[str, str | None, bool]] = {
    "ACTUAL_TEMPERATURE": ("temperature", None, False),
    "SET_TEMPERATURE": ("target_temperature", None, False),
    "SET_POINT_TEMPERATURE": ("target_temperature", None, False),
    "ACTUAL_HUMIDITY": ("humidity", None, False), "MOTION": ("motion", None, False),
    "ILLUMINATION": ("illuminance", None, False), "LOWBAT": ("battery_low", None, False),
    "LOW_BAT": ("battery_low", None, False), "UNREACH": ("availability", None, True),
    "SABOTAGE": ("tamper", None, False), "CURRENT": ("current", "mA", False),
    "ENERGY_COUNTER": ("energy", "Wh", False), "OPERATING_VOLTAGE": ("voltage", None, False),
    "VALVE_STATE": ("valve_position", None, False),
    "RSSI_DEVICE": ("signal_strength", None, False),
}  # fmt: skip
"""By data point: metric, unit, and whether true is its off."""
_UNCERTAIN, _BAD = 100, 200
"""States of CCU-Jack from here on."""


def _read(builder: ReadingBuilder, data: Any) -> None:
    if data.__class__ is not dict or not _fits(data):
        raise missing("an object with val or v, and ts")
    words = [word for word in builder.topic.split("/") if word != "status"]
    device = subject_name("/".join(words[1:-1]) or words[0])
    builder.set_time(data["ts"])
    raw = data["v"] if "v" in data else data["val"]
    how = data.get("s", 0)
    code = how if how.__class__ is int else 0
    if data.get("q") not in (None, 0):
        code = _BAD  # ioBroker, which sends the same object
    if (point := _POINTS.get(words[-1])) is None:
        put_any(builder, device, words[-1], raw, good=code < _BAD)
    elif code >= _BAD:
        builder.put_bad(device, point[0], raw)
    else:
        builder.put(device, point[0], raw, point[1], inverted=point[2])
    if _UNCERTAIN <= code < _BAD:
        events = builder.events
        for place, event in enumerate(events):
            if isinstance(event, Reading):
                events[place] = msgspec.structs.replace(event, quality="stale")


def _fits(data: Any) -> bool:
    if data.__class__ is not dict or "ts" not in data:
        return False
    return ("val" in data and "lc" in data) or {"ts", "v", "s"} == data.keys()


def _route(topic: str, named: bool) -> Route | None:
    """Any topic, where the definition names the dialect."""
    return Route(_read, "json") if named else None


DIALECT = Dialect("HomeMatic through hm2mqtt or CCU-Jack", _route, _read, _fits)
