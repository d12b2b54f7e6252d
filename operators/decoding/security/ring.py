"""Ring's cameras and alarm devices through ring-mqtt: `ring/LOCATION/CATEGORY/DEVICE/KIND/state`.

Source: github.com/tsightler/ring-mqtt, "Topics".
"""

from typing import Any

from operators.decoding.dialect import IGNORE, Route, by_topic
from operators.decoding.payloads import values
from operators.decoding.payloads.key_table import Means, put_key
from operators.decoding.payloads.parse import wrong_type
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, subject_name

_CATEGORIES = frozenset(("alarm", "camera", "chime", "smart_lighting", "lighting", "intercom"))
_SENSORS = {
    "contact": "contact", "motion": "motion", "flood": "water_leak", "smoke": "smoke",
    "co": "carbon_monoxide", "lock": "lock", "temperature": "temperature", "battery": "battery",
    "wireless": "signal_strength",
}  # fmt: skip
_INFO = {
    "batteryLevel": Means("battery"), "batteryLife": Means("battery"),
    "wirelessSignal": Means("signal_strength"),
}  # fmt: skip
_TAMPERS = {"ok": False, "tamper": True}
METRICS = frozenset((*_SENSORS.values(), "tamper", "state", "availability"))


def _info(device: str) -> Route:
    def read(builder: ReadingBuilder, data: Any) -> None:
        if data.__class__ is not dict:
            raise wrong_type("a JSON object of what is known of a device", data)
        builder.set_time(data.get("lastUpdate"))
        for key, raw in data.items():
            if key == "tamperStatus" and raw in _TAMPERS:
                builder.put(device, "tamper", _TAMPERS[raw])
            elif key in _INFO and values.number(raw) is not None:
                put_key(builder, device, _INFO[key], raw)
            else:
                builder.skipped += 1

    return Route(read, "json")


def _state(device: str, kind: str) -> Route:
    def read(builder: ReadingBuilder, data: Any) -> None:
        if data.__class__ in (dict, list):
            builder.skipped += 1
        elif kind in _SENSORS:
            builder.put(device, _SENSORS[kind], data, inverted=kind == "contact")
        else:
            builder.put(at_endpoint(device, kind), "state", data)

    return Route(read)


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if len(words) < 5 or words[2] not in _CATEGORIES or not (named or words[0] == "ring"):
        return None
    device = subject_name(words[3])
    if len(words) == 5 and words[4] == "status":
        return Route(lambda builder, data: builder.put_availability(device, data))
    if len(words) != 6 or words[5] != "state":
        return IGNORE
    return _info(device) if words[4] == "info" else _state(device, words[4])


DIALECT = by_topic("Ring's devices through ring-mqtt", _route, "ring/LOCATION/CATEGORY/DEVICE/KIND",
                   METRICS)  # fmt: skip
