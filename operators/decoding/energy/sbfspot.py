"""SBFspot, which reads SMA inverters: one JSON object of an inverter, keys as in its `MQTT_Data`.

Several inverters share a topic: the serial number names the device. Source:
github.com/SBFspot/SBFspot, `SBFspot.cfg` and `mqtt.cpp`.
"""

import re
from typing import Any

from operators.decoding.dialect import Dialect, Route
from operators.decoding.payloads.key_table import Means, put_key
from operators.decoding.payloads.parse import missing
from operators.decoding.payloads.reading_builder import ReadingBuilder, json_name

_KEYS = {
    "PACTot": Means("power"), "PDCTot": Means("power", "dc"),
    "EToday": Means("energy_today"), "ETotal": Means("energy"),
    "GridFreq": Means("frequency"), "InvTemperature": Means("device_temperature"),
    "BatChaStt": Means("battery"), "BatVol": Means("voltage", "battery"),
    "BatAmp": Means("current", "battery"), "BatTmpVal": Means("temperature", "battery"),
    "MeteringWTot": Means("power", "grid"), "MeteringWIn": Means("power", "from_grid"),
    "MeteringWOut": Means("power", "to_grid"),
}  # fmt: skip
_PART = re.compile(r"([PUI])(AC|DC)(\d)", re.ASCII)
_LETTERS = {"P": "power", "U": "voltage", "I": "current"}
_MARKS = frozenset(("PACTot", "EToday", "ETotal", "InvStatus"))


def _means(key: str) -> Means | None:
    if (found := _PART.fullmatch(key)) is not None:
        return Means(_LETTERS[found[1]], ("l" if found[2] == "AC" else "dc") + found[3])
    return _KEYS.get(key)


def _read(builder: ReadingBuilder, data: Any) -> None:
    if data.__class__ is not dict or data.get("InvSerial").__class__ not in (int, str):
        raise missing("an object with InvSerial")
    builder.set_time(data.get("Timestamp"), data.get("InvTime"))
    for key, raw in data.items():
        if (means := _means(key)) is None:
            builder.skipped += 1
        else:
            put_key(builder, json_name(str(data["InvSerial"])), means, raw)


def _fits(data: Any) -> bool:
    return data.__class__ is dict and "InvSerial" in data and not _MARKS.isdisjoint(data)


def _route(topic: str, named: bool) -> Route | None:
    return Route(_read, "json") if named else None


METRICS = frozenset((*(means.metric for means in _KEYS.values()), *_LETTERS.values()))
DIALECT = Dialect("inverters of SMA through SBFspot", _route, _read, _fits, METRICS)
