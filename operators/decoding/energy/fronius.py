"""Answers of Fronius' Solar API, which its data manager or a bridge sends on as they are.

Power flow, inverters, meters and storages. Source: Fronius, "Solar API V1" (42,0410,2012).
"""

import re
from typing import Any

from operators.decoding.dialect import Dialect, Route
from operators.decoding.payloads.key_table import Means, put_key
from operators.decoding.payloads.parse import missing
from operators.decoding.payloads.reading_builder import ReadingBuilder, subject_name

_INVERTER = {
    "PAC": Means("power"), "UAC": Means("voltage"), "IAC": Means("current"),
    "FAC": Means("frequency"), "UDC": Means("voltage", "dc"), "IDC": Means("current", "dc"),
    "DAY_ENERGY": Means("energy_today", unit="Wh"), "TOTAL_ENERGY": Means("energy", unit="Wh"),
    "E_Day": Means("energy_today", unit="Wh"), "E_Total": Means("energy", unit="Wh"),
    "P": Means("power"), "SOC": Means("battery"),
}  # fmt: skip
_SITE = {
    "P_Grid": Means("power", "grid"), "P_Load": Means("power", "load"),
    "P_PV": Means("power", "pv"), "P_Akku": Means("power", "battery"),
    "E_Day": Means("energy_today", unit="Wh"), "E_Total": Means("energy", unit="Wh"),
}  # fmt: skip
_METER = {
    "PowerReal_P_Sum": Means("power"), "PowerApparent_S_Sum": Means("apparent_power"),
    "PowerReactive_Q_Sum": Means("reactive_power"), "PowerFactor_Sum": Means("power_factor"),
    "Frequency_Phase_Average": Means("frequency"),
    "EnergyReal_WAC_Sum_Consumed": Means("energy", unit="Wh"),
    "EnergyReal_WAC_Sum_Produced": Means("energy_returned", unit="Wh"),
    "StateOfCharge_Relative": Means("battery"), "Temperature_Cell": Means("temperature"),
    "Voltage_DC": Means("voltage"), "Current_DC": Means("current"),
}  # fmt: skip
"""Keys of meters, and of the controller of a storage."""
_PHASE = re.compile(
    r"(Voltage|Current)_AC_Phase_([123])|Power(Real_P|Apparent_S|Reactive_Q|Factor)_Phase_([123])",
    re.ASCII,
)
_POWERS = {"Real_P": "power", "Apparent_S": "apparent_power", "Reactive_Q": "reactive_power",
           "Factor": "power_factor"}  # fmt: skip


def _means(key: str) -> Means | None:
    if (found := _PHASE.fullmatch(key)) is None:
        return _METER.get(key) or _INVERTER.get(key)
    if found[1]:
        return Means(found[1].lower(), f"l{found[2]}")
    return Means(_POWERS[found[3]], f"l{found[4]}")


def _part(builder: ReadingBuilder, device: str, place: str, data: dict[str, Any]) -> None:
    """Write the values of an inverter, a meter or a storage, whose part of the site is `place`."""
    for key, raw in data.items():
        means = _means(key)
        if key == "Controller" and raw.__class__ is dict:
            _part(builder, device, place, raw)
        elif raw.__class__ is dict and raw.get("Values").__class__ is dict and means is not None:
            for number, value in raw["Values"].items():
                _put(builder, device, number, means, value, raw.get("Unit"))
        elif raw.__class__ is dict and "Value" in raw and means is not None:
            _put(builder, device, place, means, raw["Value"], raw.get("Unit"))
        elif means is not None and raw.__class__ not in (dict, list):
            _put(builder, device, place, means, raw)
        elif raw.__class__ is dict and key.isdecimal():
            _part(builder, device, key, raw)
        else:
            builder.skipped += 1


def _put(
    builder: ReadingBuilder, device: str, place: str, means: Means, raw: Any, unit: Any = None
) -> None:
    endpoint = "/".join(filter(None, (place, means.endpoint))) or None
    stated = unit if unit.__class__ is str and unit else means.unit
    put_key(builder, device, means._replace(endpoint=endpoint, unit=stated), raw)


def _read(builder: ReadingBuilder, data: Any) -> None:
    if not _fits(data):
        raise missing("Body with Data, and Head")
    device, held = subject_name(builder.topic), data["Body"]["Data"]
    head = data["Head"]
    builder.set_time(head.get("Timestamp") if head.__class__ is dict else None)
    site, inverters = held.get("Site"), held.get("Inverters")
    if site.__class__ is not dict:
        _part(builder, device, "", held)
        return
    for key, raw in site.items():
        # No battery and no meter are null, and so is the power of the panels by night.
        if (means := _SITE.get(key)) is None or raw is None:
            builder.skipped += 1
        else:
            put_key(builder, device, means, raw)
    if inverters.__class__ is dict:
        _part(builder, device, "", inverters)


def _fits(data: Any) -> bool:
    body = data.get("Body") if data.__class__ is dict else None
    return body.__class__ is dict and body.get("Data").__class__ is dict and "Head" in data


def _route(topic: str, named: bool) -> Route | None:
    return Route(_read, "json") if named else None


METRICS = frozenset(
    means.metric for table in (_INVERTER, _SITE, _METER) for means in table.values()
)
DIALECT = Dialect("Fronius' Solar API", _route, _read, _fits, METRICS)
