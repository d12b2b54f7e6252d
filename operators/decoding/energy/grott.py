"""Grott, which listens to Growatt inverters: raw registers of one inverter in one JSON object.

Most are in tenths, the frequency in hundredths. Sources: github.com/johanmeijer/grott, wiki "MQTT",
and the divisors of its record layouts.
"""

import re
from typing import Any

from operators.decoding.dialect import Dialect, Route
from operators.decoding.payloads.key_table import Means, put_key
from operators.decoding.payloads.parse import missing
from operators.decoding.payloads.reading_builder import ReadingBuilder, json_name

_KEYS = {
    "pvpowerout": Means("power", step=0.1), "pvpowerin": Means("power", "pv", step=0.1),
    "pvfrequentie": Means("frequency", step=0.01),
    "pvgridvoltage": Means("voltage", "l1", step=0.1),
    "pvgridcurrent": Means("current", "l1", step=0.1),
    "pvgridpower": Means("power", "l1", step=0.1),
    "pvenergytoday": Means("energy_today", step=0.1), "pvenergytotal": Means("energy", step=0.1),
    "epvtotal": Means("energy", "pv", step=0.1),
    "pvtemperature": Means("device_temperature", step=0.1),
    "pvipmtemperature": Means("device_temperature", "ipm", step=0.1),
    "etogrid_tod": Means("energy_today", "to_grid", step=0.1),
    "etogrid_tot": Means("energy_returned", step=0.1),
    "etouser_tod": Means("energy_today", "from_grid", step=0.1),
    "etouser_tot": Means("energy", "from_grid", step=0.1),
    "elocalload_tod": Means("energy_today", "load", step=0.1),
    "elocalload_tot": Means("energy", "load", step=0.1),
    "pactogridr": Means("power", "to_grid", step=0.1),
    "pactouserr": Means("power", "from_grid", step=0.1),
    "plocaloadr": Means("power", "load", step=0.1),
    "SOC": Means("battery"),
}  # fmt: skip
_STRING = re.compile(r"pv(\d)(voltage|current|watt)|epv(\d)(today|total)", re.ASCII)
_GRID = re.compile(r"pvgrid(voltage|current|power)([23])", re.ASCII)
_OF_STRING = {"watt": "power", "today": "energy_today", "total": "energy"}


def _means(key: str) -> Means | None:
    if (found := _STRING.fullmatch(key)) is not None:
        name = found[2] or found[4]
        return Means(_OF_STRING.get(name, name), f"pv{found[1] or found[3]}", step=0.1)
    if (found := _GRID.fullmatch(key)) is not None:
        return Means(found[1], f"l{found[2]}", step=0.1)
    return _KEYS.get(key)


def _read(builder: ReadingBuilder, data: Any) -> None:
    held = data.get("values") if data.__class__ is dict else None
    if held.__class__ is not dict or data.get("device").__class__ is not str:
        raise missing("an object with device and values")
    builder.set_time(data.get("time"))
    for key, raw in held.items():
        if (means := _means(key)) is None:
            builder.skipped += 1
        else:
            put_key(builder, json_name(data["device"]), means, raw)


def _fits(data: Any) -> bool:
    if data.__class__ is not dict or data.get("device").__class__ is not str:
        return False
    held = data.get("values")
    return held.__class__ is dict and "pvstatus" in held


def _route(topic: str, named: bool) -> Route | None:
    return Route(_read, "json") if named else None


METRICS = frozenset(
    (*(means.metric for means in _KEYS.values()), *_OF_STRING.values(), "voltage", "current")
)
DIALECT = Dialect("inverters of Growatt through Grott", _route, _read, _fits, METRICS)
