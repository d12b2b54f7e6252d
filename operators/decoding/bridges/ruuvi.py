"""Ruuvi Gateway: `ruuvi/GATEWAY/TAG` with what a tag broadcast, decoded or in hexadecimal digits.

Sources: docs.ruuvi.com, "MQTT: time-stamped data" and "Data format 5 (RAWv2)".
"""

from typing import Any

from operators.decoding.dialect import IGNORE, Dialect, Route
from operators.decoding.payloads import values
from operators.decoding.payloads.parse import Undecodable, missing
from operators.decoding.payloads.reading_builder import ReadingBuilder, json_name

_MAKER = "FF9904"
"""Data of a maker, whose number is Ruuvi's."""
_FORMAT = 5
_LENGTH = 24
_DECODED: dict[str, tuple[str, str | None]] = {
    "temperature": ("temperature", None), "humidity": ("humidity", None),
    "pressure": ("pressure", None), "voltage": ("voltage", None),
    "batteryVoltage": ("voltage", None), "battery": ("voltage", "mV"),
}  # fmt: skip
"""By key: metric and unit. A gateway's pressure is in Pa; that of the package ruuvitag-sensor is in
hPa, and its battery in mV.
"""
_MARKS = frozenset(("gw_mac", "data", *_DECODED))
METRICS = frozenset(("temperature", "humidity", "pressure", "voltage", "signal_strength"))


def _broadcast(text: str) -> dict[str, float | None]:
    """What the bytes of data format 5 say; None stands for what the tag does not measure."""
    _, found, rest = text.upper().partition(_MAKER)
    try:
        data = bytes.fromhex(rest[: 2 * _LENGTH])
    except ValueError:
        data = b""
    if not found or len(data) < _LENGTH or data[0] != _FORMAT:
        raise Undecodable("undecoded", f"expected Ruuvi's data format {_FORMAT}; got {text[:80]!r}")
    temperature = int.from_bytes(data[1:3], "big", signed=True)
    humidity, pressure = (int.from_bytes(data[n : n + 2], "big") for n in (3, 5))
    millivolts = int.from_bytes(data[13:15], "big") >> 5
    return {
        "temperature": None if temperature == -0x8000 else round(temperature * 0.005, 3),
        "humidity": None if humidity == 0xFFFF else round(humidity * 0.0025, 4),
        "pressure": None if pressure == 0xFFFF else pressure + 50_000.0,
        "voltage": None if millivolts == 0x7FF else round(millivolts / 1000 + 1.6, 3),
    }


def _read(builder: ReadingBuilder, data: Any) -> None:
    if data.__class__ is not dict or _MARKS.isdisjoint(data):
        raise missing("an object with gw_mac and data of a tag, or its values")
    builder.set_time(data.get("ts"), data.get("gwts"))
    name = data.get("id", data.get("ble_mac", data.get("mac"))) or builder.topic.rpartition("/")[2]
    device = json_name(str(name).replace(":", "").upper())
    if values.number(data.get("rssi")) is not None:
        builder.put(device, "signal_strength", data["rssi"])
    text = data.get("data")
    known = any(key in data for key in _DECODED)
    found = data if known or text.__class__ is not str else _broadcast(text)
    for key, (metric, unit) in _DECODED.items():
        if (raw := found.get(key)) is not None:
            builder.put(device, metric, raw, unit)


def _fits(data: Any) -> bool:
    return data.__class__ is dict and "gw_mac" in data and "rssi" in data


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if not named and words[0] != "ruuvi":
        return None
    if words[-1] in ("gw_status", "status"):
        return IGNORE
    return Route(_read, "json")


DIALECT = Dialect("Ruuvi tags through Ruuvi Gateway", _route, _read, _fits, METRICS)
