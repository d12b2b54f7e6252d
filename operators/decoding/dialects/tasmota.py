"""Tasmota: `tele/DEVICE/SENSOR`, `…/STATE` and `stat/DEVICE/RESULT` in any full topic.

`cmnd` is left out.
"""

import re
from typing import Any

from operators.decoding.dialect import ALL, IGNORE, Route, by_topic
from operators.decoding.dialects import tasmota_zigbee
from operators.decoding.payloads import values
from operators.decoding.payloads.metrics import METRICS, metric_of
from operators.decoding.payloads.parse import wrong_type
from operators.decoding.payloads.reading_builder import (
    ReadingBuilder,
    at_endpoint,
    json_name,
    subject_name,
)

_PREFIXES = ("tele", "stat", "cmnd")
_LAST = re.compile(r"[A-Z][A-Z0-9_]*", re.ASCII)
_POWER = re.compile(r"POWER(\d*)", re.ASCII)
_CONTACT = re.compile(r"(?:Switch|Button)\d*", re.ASCII)
_SHUTTER = re.compile(r"Shutter\d*", re.ASCII)
_JSON_DUE = re.compile(r"SENSOR|STATE|RESULT|STATUS\d*|ENERGY|MARGINS", re.ASCII)
_ENERGY = {
    "Total": "energy", "Yesterday": "energy_yesterday", "Today": "energy_today",
    "ExportActive": "energy_returned", "Export": "energy_returned",
}  # fmt: skip
_METER = {
    **dict.fromkeys(("total_in", "e_in", "energy_in", "total_in_t0"), "energy"),
    **dict.fromkeys(("total_out", "e_out", "energy_out"), "energy_returned"),
    **dict.fromkeys(("power_curr", "power_cur", "power_in", "watt", "curr_w"), "power"),
}
"""Names that are usual in descriptors of smart meters, which people write themselves."""
_COUNTERS = {"Total": "energy", "TotalIn": "energy", "TotalOut": "energy_returned"}
"""What an object that has a power calls its energy."""
_AIMED = {"OBJTMP": "object", "AMBTMP": "ambient"}
"""Temperatures of an infrared thermometer: of what it looks at, and its own."""
_PULSES = re.compile(r"C\d", re.ASCII)
"""A pin whose pulses are counted, as those of a water meter."""
_SAID_IN_METERS = {"volt": "voltage", "amperage": "current", "amp": "current", "curr": "current"}
_PART_OF_METER = re.compile(r"([A-Za-z]+)_([LlPp][123])", re.ASCII)
"""Phases in the descriptors that people copy: `Volt_p1`, `Power_L1`."""
_NUMBERED = re.compile(r"([A-Z][A-Za-z]+?)(\d{1,2})", re.ASCII)
_FOREIGN = frozenset(
    (
        "state",
        "value",
        "count",
        "availability",
        "gas",
        "water",
        "uptime",
        "tilt",
        "position",
        "lock",
    )
)
_OF_SENSORS = frozenset(("speed", "distance", "weight"))
"""Quantities that only sensors tell: a light has a `Speed` of fading."""
_RADAR = ("LD24", "AS3935")
"""Sensors whose `Energy` is the strength of an echo or of a flash of lightning."""
_DISTANCES = {"VL53": "mm", "AS3935": "km"}
"""Units of `Distance` by the sensor's name; of all others it is cm."""
_NOT_SENSORS = frozenset(("Wifi", "ZbState", "ZbInfo", "StatusSTS", "Status", "update", "IRHVAC"))


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if words[:2] == ["tasmota", "discovery"]:
        return IGNORE
    at = next((n for n, word in enumerate(words[:-1]) if word in _PREFIXES), None)
    if at is None or len(words) < 3:
        return None
    if words[at] == "cmnd":
        return IGNORE
    last = words[-1]
    if not named and at not in (0, len(words) - 2) and not _LAST.fullmatch(last):
        return None
    rest = words[:at] + words[at + 1 : -1]
    device = subject_name("/".join(rest))
    if last == "LWT":
        covers = topic[: -len(last)]
        return Route(lambda builder, data: builder.put_availability(device, data, covers))
    if last.startswith("INFO") or last in ("LOGGING", "HASS_STATE"):
        return IGNORE

    def _read(builder: ReadingBuilder, data: Any) -> None:
        _message(builder, device, rest, last, data)

    return Route(_read, "json" if _JSON_DUE.fullmatch(last) else "any")


def _message(builder: ReadingBuilder, device: str, words: list[str], last: str, data: Any) -> None:
    if data.__class__ is dict:
        _object(builder, device, words, data, last)
    elif _JSON_DUE.fullmatch(last):
        raise wrong_type(f"a JSON object of {device}", data)
    elif (power := _POWER.fullmatch(last)) is not None:
        _switch(builder, at_endpoint(device, power[1]), data)
    elif re.fullmatch(r"SWITCH\d+", last, re.ASCII):
        _switch(builder, at_endpoint(device, last.capitalize()), data)
    elif re.fullmatch(r"SHUTTER\d+", last, re.ASCII):
        builder.put(at_endpoint(device, last.capitalize()), "position", data)
    else:
        builder.skipped += 1


def _object(
    builder: ReadingBuilder, device: str, words: list[str], data: dict[str, Any], last: str
) -> None:
    if last.startswith("STATUS"):
        inner = data.get("StatusSNS", data.get("StatusSTS"))
        if inner.__class__ is not dict:
            builder.skipped += len(data)
            return
        data = inner
    if "Time" in data or "Epoch" in data:
        builder.set_time(data.get("Epoch"), data.get("Time"))
    units = {
        name: unit
        for name, key in (("°C", "TempUnit"), ("hPa", "PressureUnit"), ("m/s", "SpeedUnit"))
        if isinstance(unit := data.get(key), str) and unit
    }
    result = last == "RESULT"
    for key, raw in data.items():
        if key == "ZbReceived":
            if raw.__class__ is dict:
                for outer, received in raw.items():
                    tasmota_zigbee.write(builder, words, outer, received, units)
        elif key == "MtrReceived":
            _matter(builder, device, raw, units)
        elif (power := _POWER.fullmatch(key)) is not None:
            _switch(builder, at_endpoint(device, power[1]), raw)
        elif _CONTACT.fullmatch(key):
            _contact(builder, device, key, raw)
        elif _SHUTTER.fullmatch(key):
            position = raw.get("Position") if raw.__class__ is dict else raw
            builder.put(at_endpoint(device, key), "position", position)
        elif raw.__class__ is dict and tasmota_zigbee.ADDRESS.fullmatch(key):
            tasmota_zigbee.write(builder, words, key, raw, units)
        elif not result or (raw.__class__ is dict and key != "Wifi"):
            _sensor(builder, device, key, raw, units)


def _matter(builder: ReadingBuilder, device: str, raw: Any, units: dict[str, str]) -> None:
    """What came over Matter, of one endpoint or by their names; its `Power` is on or off."""
    if raw.__class__ is not dict:
        return
    for outer, received in [("", raw)] if "Name" in raw else raw.items():
        if received.__class__ is dict:
            name = str(received.get("Name") or outer)
            if "Power" in received:
                _switch(builder, at_endpoint(device, name), received["Power"])
            others = {key: it for key, it in received.items() if key not in ("Name", "Power")}
            _values(builder, device, name, others, units)


def _switch(builder: ReadingBuilder, subject: str, raw: Any) -> None:
    if values.binary("state", raw) is None:
        builder.put_bad(subject, "state", raw)
    else:
        builder.put(subject, "state", raw)


def _contact(builder: ReadingBuilder, device: str, key: str, raw: Any) -> None:
    action = raw.get("Action", raw.get("ACTION")) if raw.__class__ is dict else raw
    if raw.__class__ is not dict or (isinstance(action, str) and action.upper() in ("ON", "OFF")):
        _switch(builder, at_endpoint(device, key), action)
    elif isinstance(action, str) and action:
        builder.put_button_press(device, action, key)


def _sensor(
    builder: ReadingBuilder, device: str, key: str, raw: Any, units: dict[str, str]
) -> None:
    if key == "UptimeSec":
        builder.put(device, "uptime", raw)
    elif key == "Wifi":
        if raw.__class__ is dict and "Signal" in raw:
            builder.put(device, "signal_strength", raw["Signal"])
    elif key == "IBEACON":
        _beacon(builder, device, raw)
    elif key in _NOT_SENSORS or key.startswith("Status"):
        builder.skipped += 1
    elif raw.__class__ is dict:
        _values(builder, device, None if key == "ENERGY" else key or None, raw, units)
    else:
        _values(builder, device, None, {key: raw}, units)


def _values(
    builder: ReadingBuilder,
    device: str,
    endpoint: str | None,
    data: dict[str, Any],
    units: dict[str, str],
) -> None:
    is_meter = any(_metric(key, endpoint) == "power" for key in data)
    for key, raw in data.items():
        metric = _metric(key, endpoint) or (_COUNTERS.get(key) if is_meter else None)
        if raw.__class__ is dict and "Act" in raw:  # beside what it was on average and at most
            raw = raw["Act"]
        part = endpoint
        if endpoint and key in _AIMED:
            metric, part = "temperature", f"{endpoint}.{_AIMED[key]}"
        elif metric is None and endpoint and (numbered := _NUMBERED.fullmatch(key)) is not None:
            metric, part = metric_of(numbered[1]), f"{endpoint}.{numbered[2]}"
        elif endpoint == "COUNTER" and _PULSES.fullmatch(key):
            builder.put(at_endpoint(device, f"{endpoint}.{key}"), "count", raw)
            continue
        elif metric is None and endpoint and (phase := _PART_OF_METER.fullmatch(key)) is not None:
            metric = _SAID_IN_METERS.get(phase[1].lower()) or metric_of(phase[1])
            part = f"{endpoint}.{phase[2]}"
        elif metric is None and endpoint and key.endswith("Temperature"):
            metric, part = "temperature", f"{endpoint}.{key.removesuffix('Temperature')}"
        if endpoint is None and metric in _OF_SENSORS:
            metric = None
        if metric == "energy" and (endpoint or "").startswith(_RADAR):
            metric = None
        if metric is None or metric in _FOREIGN or raw.__class__ is dict:
            builder.skipped += 1
            continue
        unit = units.get(METRICS[metric].unit or "")
        if metric == "distance":
            named = (unit for name, unit in _DISTANCES.items() if (endpoint or "").startswith(name))
            unit = next(named, "cm")
        if raw.__class__ is list:
            for n, item in enumerate(raw, 1):
                builder.put(
                    at_endpoint(device, f"{endpoint}.{n}" if endpoint else str(n)),
                    metric,
                    item,
                    unit,
                )
        else:
            builder.put(at_endpoint(device, part), metric, raw, unit)


def _metric(key: str, endpoint: str | None) -> str | None:
    """The metric of a key, also in the names that descriptors of smart meters give a counter."""
    own = _ENERGY.get(key) if endpoint is None else None
    return metric_of(key) or own or _METER.get(key.lower())


def _beacon(builder: ReadingBuilder, device: str, raw: Any) -> None:
    if raw.__class__ is not dict:
        return
    mac = raw.get("MAC")
    subject = json_name(mac) if isinstance(mac, str) and mac else at_endpoint(device, "IBEACON")
    if "RSSI" in raw:
        builder.put(subject, "signal_strength", raw["RSSI"])
    if "STATE" in raw:
        builder.put(subject, "presence", raw["STATE"])


DIALECT = by_topic(
    "Tasmota, and the Zigbee devices behind it",
    _route,
    "with tele, stat or cmnd",
    ALL - _FOREIGN | {"state", "availability", "position", "uptime", "count"},
)
