"""Tasmota: `tele/DEVICE/SENSOR`, `…/STATE`, `stat/DEVICE/RESULT` in any full topic; `cmnd` is
left out.
"""

import re
from typing import Any

from operators.decoding.dialects.tasmota import zigbee as tasmota_zigbee
from operators.decoding.payloads import values
from operators.decoding.payloads.base import IGNORE, Dialect, Route, never
from operators.decoding.payloads.metrics import METRICS, metric_of
from operators.decoding.payloads.payload import Refused
from operators.decoding.payloads.reading_builder import Sheet, at_endpoint, json_name, subject_name

_PREFIXES = ("tele", "stat", "cmnd")
_LAST = re.compile(r"[A-Z][A-Z0-9_]*", re.ASCII)
_POWER = re.compile(r"POWER(\d*)", re.ASCII)
_CONTACT = re.compile(r"(?:Switch|Button)\d*", re.ASCII)
_SHUTTER = re.compile(r"Shutter\d*", re.ASCII)
_JSON_DUE = re.compile(r"SENSOR|STATE|RESULT|STATUS\d*|ENERGY|MARGINS", re.ASCII)
_ENERGY = {"Total": "energy", "Yesterday": "energy_yesterday", "Today": "energy_today"}
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
_NOT_SENSORS = frozenset(("Wifi", "ZbState", "ZbInfo", "StatusSTS", "Status", "update"))


def route(topic: str, sure: bool) -> Route | None:
    words = topic.split("/")
    if words[:2] == ["tasmota", "discovery"]:
        return IGNORE
    at = next((n for n, word in enumerate(words[:-1]) if word in _PREFIXES), None)
    if at is None or len(words) < 3:
        return None
    if words[at] == "cmnd":
        return IGNORE
    last = words[-1]
    if not sure and at not in (0, len(words) - 2) and not _LAST.fullmatch(last):
        return None
    rest = words[:at] + words[at + 1 : -1]
    device = subject_name("/".join(rest))
    if last == "LWT":
        covers = topic[: -len(last)]
        return Route(lambda sheet, data: sheet.availability(device, data, covers))
    if last.startswith("INFO") or last == "LOGGING":
        return IGNORE

    def read(sheet: Sheet, data: Any) -> None:
        _message(sheet, device, rest, last, data)

    return Route(read, "json" if _JSON_DUE.fullmatch(last) else "any")


def _message(sheet: Sheet, device: str, words: list[str], last: str, data: Any) -> None:
    if data.__class__ is dict:
        _object(sheet, device, words, data, last)
    elif _JSON_DUE.fullmatch(last):
        raise Refused("bad_shape", f"expected a JSON object of {device}; got {type(data).__name__}")
    elif (power := _POWER.fullmatch(last)) is not None:
        _switch(sheet, at_endpoint(device, power[1]), data)
    elif re.fullmatch(r"SWITCH\d+", last, re.ASCII):
        _switch(sheet, at_endpoint(device, last.capitalize()), data)
    elif re.fullmatch(r"SHUTTER\d+", last, re.ASCII):
        sheet.put(at_endpoint(device, last.capitalize()), "position", data)
    else:
        sheet.skipped += 1


def _object(sheet: Sheet, device: str, words: list[str], data: dict[str, Any], last: str) -> None:
    if last.startswith("STATUS"):
        inner = data.get("StatusSNS", data.get("StatusSTS"))
        if inner.__class__ is not dict:
            sheet.skipped += len(data)
            return
        data = inner
    if "Time" in data:
        sheet.at(data["Time"])
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
                    tasmota_zigbee.write(sheet, words, outer, received, units)
        elif (power := _POWER.fullmatch(key)) is not None:
            _switch(sheet, at_endpoint(device, power[1]), raw)
        elif _CONTACT.fullmatch(key):
            _contact(sheet, device, key, raw)
        elif _SHUTTER.fullmatch(key):
            position = raw.get("Position") if raw.__class__ is dict else raw
            sheet.put(at_endpoint(device, key), "position", position)
        elif raw.__class__ is dict and tasmota_zigbee.ADDRESS.fullmatch(key):
            tasmota_zigbee.write(sheet, words, key, raw, units)
        elif not result or (raw.__class__ is dict and key != "Wifi"):
            _sensor(sheet, device, key, raw, units)


def _switch(sheet: Sheet, subject: str, raw: Any) -> None:
    if values.binary("state", raw) is None:
        sheet.bad(subject, "state", raw)
    else:
        sheet.put(subject, "state", raw)


def _contact(sheet: Sheet, device: str, key: str, raw: Any) -> None:
    action = raw.get("Action", raw.get("ACTION")) if raw.__class__ is dict else raw
    if raw.__class__ is not dict or (isinstance(action, str) and action.upper() in ("ON", "OFF")):
        _switch(sheet, at_endpoint(device, key), action)
    elif isinstance(action, str) and action:
        sheet.pressed(device, action, key)


def _sensor(sheet: Sheet, device: str, key: str, raw: Any, units: dict[str, str]) -> None:
    if key == "UptimeSec":
        sheet.put(device, "uptime", raw)
    elif key == "Wifi":
        if raw.__class__ is dict and "Signal" in raw:
            sheet.put(device, "signal_strength", raw["Signal"])
    elif key == "IBEACON":
        _beacon(sheet, device, raw)
    elif key in _NOT_SENSORS or key.startswith("Status"):
        sheet.skipped += 1
    elif raw.__class__ is dict:
        _values(sheet, device, None if key == "ENERGY" else key, raw, units)
    else:
        _values(sheet, device, None, {key: raw}, units)


def _values(
    sheet: Sheet, device: str, endpoint: str | None, data: dict[str, Any], units: dict[str, str]
) -> None:
    for key, raw in data.items():
        metric = metric_of(key) or (_ENERGY.get(key) if endpoint is None else None)
        if metric is None or metric in _FOREIGN or raw.__class__ is dict:
            sheet.skipped += 1
            continue
        unit = units.get(METRICS[metric].unit or "")
        if raw.__class__ is list:
            for n, item in enumerate(raw, 1):
                sheet.put(
                    at_endpoint(device, f"{endpoint}.{n}" if endpoint else str(n)),
                    metric,
                    item,
                    unit,
                )
        else:
            sheet.put(at_endpoint(device, endpoint), metric, raw, unit)


def _beacon(sheet: Sheet, device: str, raw: Any) -> None:
    if raw.__class__ is not dict:
        return
    mac = raw.get("MAC")
    subject = json_name(mac) if isinstance(mac, str) and mac else at_endpoint(device, "IBEACON")
    if "RSSI" in raw:
        sheet.put(subject, "signal_strength", raw["RSSI"])
    if "STATE" in raw:
        sheet.put(subject, "presence", raw["STATE"])


def read(sheet: Sheet, data: Any) -> None:
    raise Refused("unrecognised", f"expected a topic with tele, stat or cmnd; got {sheet.topic!r}")


DIALECT = Dialect(route, never, read)
