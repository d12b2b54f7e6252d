"""EMS-ESP: boilers and thermostats of Bosch, Buderus and others, on `ems-esp/DEVICE_data`.

Source: emsesp.org, "MQTT", and docs/dump_entities.csv of EMS-ESP32 (short names and units).
"""

import re
from typing import Any

from operators.decoding.dialect import IGNORE, Route, by_topic
from operators.decoding.payloads import values
from operators.decoding.payloads.parse import wrong_type
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, subject_name

_DEVICE = re.compile(r"([a-z]+)_data(?:_([a-z0-9]+))?", re.ASCII)
_TEMPERATURE = re.compile(r"(?!.*(?:min|max|hyst|diff|offset|calib|adj)).*te?mp\d?", re.ASCII)
_CHOSEN = re.compile(
    r"^(?:ww|dhw)?_?(?:sel|set|target|desired|comfort|eco|day|night|away|manual|disinfect|holiday)"
    r"|^heating_?te?mp|^(?:pumpon|emergency|poolset|summer|nofrost|keepwarm|switchover|targetflow"
    r"|tempauto|cool|heat|off|(?:no|vac)?reduce|flowset)temp",
    re.ASCII,
)
_SENSOR = re.compile(r"hpbrine(?:in|out)|hpt[acrlw]\d|hpp[lh]1|flowtemp(?:hc|vf)", re.ASCII)
"""Temperatures of heat pumps and mixers that are not named so."""
_COUNTER = re.compile(
    r"(?:auxelecheat)?nrg\w*|(?:gas)?meter\w*|energytotal|(?:el|elgen|fuel)(?:heat|dhw)", re.ASCII
)
_FLAG = re.compile(
    r"burngas2?|fanwork|ignwork|oilpreheat|heatingpump2?|\w*(?:active|activated)"
    r"|(?:ww|dhw)?(?:circ|charging|recharging|onetime|disinfecting|tempok)",
    re.ASCII,
)
"""What is on or off, also where EMS-ESP is set to write that as 1 and 0."""
_UNITS = {
    "syspress": ("pressure", "bar"), "hpcurrpower": ("power", "W"), "solarpower": ("power", "W"),
    "hppower": ("power", "kW"), "energytoday": ("energy_today", "Wh"),
}  # fmt: skip
METRICS = frozenset(
    ("temperature", "target_temperature", "pressure", "power", "energy", "energy_today",
     "state", "value",
     "availability", "signal_strength", "uptime")
)  # fmt: skip


def _put(builder: ReadingBuilder, device: str, key: str, raw: Any) -> None:
    name = key.lower()
    subject = at_endpoint(device, key)
    number = values.number(raw)
    if _TEMPERATURE.fullmatch(name) and number is not None:
        chosen = _CHOSEN.search(name) is not None
        builder.put(subject, "target_temperature" if chosen else "temperature", raw)
    elif _SENSOR.fullmatch(name) and number is not None:
        builder.put(subject, "temperature", raw)
    elif _COUNTER.fullmatch(name) and number is not None:
        builder.put(subject, "energy", raw)
    elif name in _UNITS:
        metric, unit = _UNITS[name]
        builder.put(subject, metric, raw, unit)
    elif (
        raw.__class__ is bool
        or (isinstance(raw, str) and raw.lower() in ("on", "off"))
        or (_FLAG.fullmatch(name) and number in (0.0, 1.0))
    ):
        builder.put(subject, "state", raw)
    elif number is not None and raw.__class__ is not str and name != "id":
        builder.put_number(subject, raw, None)
    else:
        builder.skipped += 1


def _data(device: str) -> Route:
    def read(builder: ReadingBuilder, data: Any) -> None:
        if data.__class__ is not dict:
            raise wrong_type(f"a JSON object of {device}", data)
        for key, raw in data.items():
            if raw.__class__ is dict:  # a circuit, such as hc1 or dhw
                for name, inner in raw.items():
                    _put(builder, f"{device}/{key}", name, inner)
            else:
                _put(builder, device, key, raw)

    return Route(read, "json")


def _heartbeat(base: str) -> Route:
    def read(builder: ReadingBuilder, data: Any) -> None:
        if data.__class__ is not dict:
            raise wrong_type("a JSON object as heartbeat", data)
        for key, metric in (("uptime_sec", "uptime"), ("rssi", "signal_strength")):
            if key in data:
                builder.put(base, metric, data[key])

    return Route(read, "json")


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    at = next((n for n, word in enumerate(words) if word in ("ems-esp", "ems_esp")), None)
    if at is None and named:
        at = 0
    if at is None or at == len(words) - 1:
        return None
    base = subject_name(words[at])
    if words[-1] == "status":
        return Route(lambda builder, data: builder.put_availability(base, data, f"{words[0]}/"))
    if words[-1] == "heartbeat":
        return _heartbeat(base)
    found = _DEVICE.fullmatch(words[-1])
    if found is None:
        return IGNORE
    part = f"/{found[2]}" if found[2] else ""
    return _data(f"{base}/{found[1]}{part}")


DIALECT = by_topic("EMS-ESP, heating of Bosch and others", _route, "ems-esp/DEVICE_data", METRICS)
