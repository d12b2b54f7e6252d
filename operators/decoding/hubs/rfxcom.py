"""RFXCOM through rfxcom2mqtt: `rfxcom2mqtt/devices/ID`; a battery goes from 0 to 9.

Source: github.com/sguillaume/rfxcom2mqtt; RFXtrx user guide (battery_level, rssi).
"""

from typing import Any

from operators.decoding.dialect import IGNORE, Dialect, Route
from operators.decoding.payloads import values
from operators.decoding.payloads.parse import missing
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, json_name

_KEYS: dict[str, tuple[str, str | None, str | None]] = {
    "temperature": ("temperature", None, None), "humidity": ("humidity", None, None),
    "barometer": ("pressure", "hPa", None), "averageSpeed": ("speed", "m/s", None),
    "gustSpeed": ("speed", "m/s", "gust"), "power": ("power", None, None),
    "energy": ("energy", "Wh", None), "voltage": ("voltage", None, None),
    "current": ("current", None, None),
}  # fmt: skip
"""By key: metric, unit and endpoint."""
_MOST = 9
METRICS = frozenset(metric for metric, *_ in _KEYS.values()) | {"battery", "state"}


def _read(builder: ReadingBuilder, data: Any) -> None:
    if data.__class__ is not dict or "id" not in data:
        raise missing("an object with the id of a device")
    device = json_name(str(data["id"]))
    for key, raw in data.items():
        if (means := _KEYS.get(key)) is not None and raw is not None:
            builder.put(at_endpoint(device, means[2]), means[0], raw, means[1])
        elif key == "batteryLevel" and (level := values.number(raw)) is not None:
            builder.put(device, "battery", min(level + 1, _MOST + 1) * 10)
        elif key == "command" and raw in ("On", "Off"):
            unit = data.get("unitCode")
            builder.put(at_endpoint(device, None if unit is None else str(unit)), "state", raw)
        else:
            builder.skipped += 1


def _fits(data: Any) -> bool:
    return data.__class__ is dict and "seqnbr" in data and "subtype" in data


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if named or words[:2] == ["rfxcom2mqtt", "devices"]:
        return Route(_read, "json")
    return IGNORE if words[0] == "rfxcom2mqtt" else None


DIALECT = Dialect("RFXCOM through rfxcom2mqtt", _route, _read, _fits, METRICS)
