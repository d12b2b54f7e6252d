"""amsreader (AMS, HAN and Tibber's meters): one JSON object, whose `data` holds the meter's list.

What goes back to the grid has the endpoint `returned`. Source: UtilitechAS/amsreader-firmware.
"""

from typing import Any

from operators.decoding.dialect import Dialect, Route
from operators.decoding.payloads import values
from operators.decoding.payloads.parse import missing
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, json_name

_LIST: dict[str, tuple[str, str | None]] = {
    "P": ("power", None), "PO": ("power", "returned"), "Q": ("reactive_power", None),
    "QO": ("reactive_power", "returned"), "tPI": ("energy", None), "tPO": ("energy_returned", None),
    **{f"I{n}": ("current", f"l{n}") for n in (1, 2, 3)},
    **{f"U{n}": ("voltage", f"l{n}") for n in (1, 2, 3)},
    "PF": ("power_factor", None),
}  # fmt: skip
_NO_SENSOR = -127
METRICS = frozenset(
    (*(metric for metric, _ in _LIST.values()), "device_temperature", "signal_strength")
)


def _read(builder: ReadingBuilder, data: Any) -> None:
    found = data.get("data", data) if data.__class__ is dict else None
    if found.__class__ is not dict or not any(key in found for key in _LIST):
        raise missing("an object with the meter's values in data")
    builder.set_time(data.get("t"))
    device = json_name(str(data.get("name") or data.get("id") or builder.topic))
    for key, raw in found.items():
        if key in _LIST:
            metric, endpoint = _LIST[key]
            builder.put(at_endpoint(device, endpoint), metric, raw)
        else:
            builder.skipped += 1
    if values.number(warmth := data.get("temp")) not in (None, _NO_SENSOR):
        builder.put(device, "device_temperature", warmth)
    if "rssi" in data:
        builder.put(device, "signal_strength", data["rssi"])


def _route(topic: str, named: bool) -> Route | None:
    """Any topic, where the definition names the dialect."""
    return Route(_read, "json") if named else None


def _fits(data: Any) -> bool:
    found = data.get("data", data) if data.__class__ is dict else None
    return found.__class__ is dict and "P" in found and ("lv" in found or "rtc" in found)


DIALECT = Dialect("smart meters through amsreader", _route, _read, _fits, METRICS)
