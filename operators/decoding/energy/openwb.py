"""openWB, which charges cars: `openWB/lp/1/W` in version 1.9, `openWB/counter/0/get/power` in 2.

Sources: github.com/snaptec/openWB, "MQTT"; github.com/openWB/core, its topics.
"""

import re
from typing import Any

from operators.decoding.dialect import IGNORE, Route, by_topic
from operators.decoding.payloads.key_table import Means, put_key
from operators.decoding.payloads.parse import wrong_type
from operators.decoding.payloads.reading_builder import ReadingBuilder, subject_name

_PARTS = frozenset(("lp", "evu", "pv", "housebattery", "global", "Verbraucher", "SmartHome"))
"""What version 1.9 has below the base."""
_FIRST = {
    "W": Means("power"), "Hz": Means("frequency"), "%Soc": Means("battery"),
    "kWhCounter": Means("energy"), "kWhDailyCharged": Means("energy_today"),
    "kWhActualCharged": Means("energy", "session"), "DailyYieldKwh": Means("energy_today"),
    "WhCounter": Means("energy", unit="Wh"), "WhImported": Means("energy", unit="Wh"),
    "WhExported": Means("energy_returned", unit="Wh"),
    "WhExport": Means("energy_returned", unit="Wh"),
    "boolPlugStat": Means("state", "plugged"), "boolChargeStat": Means("state", "charging"),
    "ChargePointEnabled": Means("state", "enabled"),
    "AConfigured": Means("value", "configured", "A"),
    "WHouseConsumption": Means("power", "house"),
    "WAllChargePoints": Means("power", "chargepoints"),
}  # fmt: skip
_PHASE = re.compile(r"(V|A|W|Pf)Phase([123])", re.ASCII)
_LETTERS = {"V": "voltage", "A": "current", "W": "power", "Pf": "power_factor"}
_GET = {
    "power": Means("power"), "frequency": Means("frequency"), "soc": Means("battery"),
    "imported": Means("energy", unit="Wh"), "exported": Means("energy_returned", unit="Wh"),
    "daily_imported": Means("energy_today", unit="Wh"), "plug_state": Means("state", "plugged"),
    "charge_state": Means("state", "charging"),
}  # fmt: skip
_OF_PV = {
    "exported": Means("energy", unit="Wh"), "daily_exported": Means("energy_today", unit="Wh"),
}  # fmt: skip
"""What panels and inverters export is what they produced."""
_LISTS = {"currents": "current", "voltages": "voltage", "powers": "power",
          "power_factors": "power_factor"}  # fmt: skip


def _value(device: str, means: Means) -> Route:
    return Route(lambda builder, data: put_key(builder, device, means, data))


def _phases(device: str, metric: str) -> Route:
    def read(builder: ReadingBuilder, data: Any) -> None:
        if data.__class__ is not list:
            raise wrong_type("a list of one value per phase", data)
        for n, raw in enumerate(data[:3], 1):
            put_key(builder, device, Means(metric, f"l{n}"), raw)

    return Route(read, "json")


def _first(device: str, key: str) -> Route:
    if (found := _PHASE.fullmatch(key)) is not None:
        return _value(device, Means(_LETTERS[found[1]], f"l{found[2]}"))
    means = _FIRST.get(key)
    return _value(device, means) if means is not None else IGNORE


def _second(device: str, part: str, key: str) -> Route:
    if key in _LISTS:
        return _phases(device, _LISTS[key])
    means = (_OF_PV.get(key) if part == "pv" else None) or _GET.get(key)
    return _value(device, means) if means is not None else IGNORE


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if len(words) < 3 or not (named or words[0] == "openWB"):
        return None
    if len(words) > 3 and words[-2] == "get" and words[1] != "config":
        return _second(subject_name("/".join(words[:-2])), words[1], words[-1])
    if words[1:] == ["counter", "set", "home_consumption"]:
        return _value(subject_name("/".join(words[:2])), Means("power", "home_consumption"))
    if words[1] in _PARTS:
        return _first(subject_name("/".join(words[:-1])), words[-1])
    return IGNORE


METRICS = frozenset(
    (*(means.metric for table in (_FIRST, _GET, _OF_PV) for means in table.values()),
     *_LETTERS.values())
)  # fmt: skip
DIALECT = by_topic("openWB's charging", _route, "openWB/lp/1/KEY or openWB/PART/1/get/KEY", METRICS)
