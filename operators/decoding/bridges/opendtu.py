"""OpenDTU (`solar/SERIAL/CHANNEL/KEY`) and AhoyDTU (`inverter/NAME/chN/KEY`): micro inverters.

Sources: opendtu.solar, "MQTT Topics"; ahoydtu.de, user manual, "Publish topics".
"""

import re
from typing import Any

from operators.decoding.dialect import IGNORE, Route, by_topic
from operators.decoding.payloads import values
from operators.decoding.payloads.parse import wrong_type
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, subject_name

_SERIAL = re.compile(r"[0-9a-fA-F]{12}", re.ASCII)
_KEYS: dict[str, tuple[str, str | None]] = {
    "power": ("power", None), "voltage": ("voltage", None), "current": ("current", None),
    "frequency": ("frequency", None), "temperature": ("temperature", None),
    "yieldday": ("energy_today", "Wh"), "yieldtotal": ("energy", "kWh"),
    "powerfactor": ("power_factor", None), "reactivepower": ("reactive_power", None),
    "p_ac": ("power", None), "u_ac": ("voltage", None), "i_ac": ("current", None),
    "f_ac": ("frequency", None), "pf_ac": ("power_factor", None), "q_ac": ("reactive_power", None),
    "u_dc": ("voltage", None), "i_dc": ("current", None), "temp": ("temperature", None),
}  # fmt: skip
_DC = {"powerdc": "power", "p_dc": "power"}
_RATIOS = frozenset(("efficiency", "irradiation"))
"""Shares in % of no quantity of ours."""
_OF_GATEWAY = {
    "rssi": "signal_strength", "wifi_rssi": "signal_strength", "uptime": "uptime",
    "temperature": "device_temperature",
}  # fmt: skip
_OF_DTU = frozenset(("ip", "hostname", "rssi", "bssid", "status", "temperature", "uptime"))
_CHANNEL = re.compile(r"ch\d", re.ASCII)
METRICS = frozenset(
    (
        *(metric for metric, _ in _KEYS.values()),
        *_OF_GATEWAY.values(),
        "availability",
        "state",
        "value",
    )
)


def _key(device: str, endpoint: str | None, key: str) -> Route:
    name = key.lower()
    subject = at_endpoint(device, endpoint)
    if name in _KEYS:
        metric, unit = _KEYS[name]
        return Route(lambda builder, data: builder.put(subject, metric, data, unit))
    if name in _DC:  # all that the panels give the whole inverter, or one of them
        panels = subject if endpoint else at_endpoint(device, "dc")
        return Route(lambda builder, data: builder.put(panels, _DC[name], data))
    if name in _RATIOS:
        share = at_endpoint(device, f"{endpoint}/{name}" if endpoint else name)
        return Route(lambda builder, data: builder.put_number(share, data, "%", data))
    return IGNORE


def _state(device: str, key: str) -> Route:
    if key == "reachable":
        return Route(lambda builder, data: builder.put_availability(device, data))
    if key == "producing":
        return Route(lambda builder, data: builder.put(at_endpoint(device, key), "state", data))
    return IGNORE


def _available(device: str) -> Route:
    """AhoyDTU: 0 is off, 1 to 3 available (not producing, producing, no more), 4 was available."""

    def read(builder: ReadingBuilder, data: Any) -> None:
        number = values.number(data)
        builder.put_availability(device, data if number is None else float(0 < number < 4))

    return Route(read)


def _gateway(base: str, key: str) -> Route:
    gateway = subject_name(base.strip("/"))
    if key in ("status", "mqtt"):  # 2 is AhoyDTU's word for all inverters, 1 for some
        words = {"connected": True, "not connected": False, "2": True}
        return Route(
            lambda builder, data: builder.put_availability(
                gateway, words.get(str(data), data), f"{base}/"
            )
        )
    metric = _OF_GATEWAY.get(key)
    if metric is None:
        return IGNORE
    return Route(lambda builder, data: builder.put(gateway, metric, data))


def _channel(device: str, channel: str, key: str) -> Route:
    return _key(subject_name(device), channel[2:] if channel != "ch0" else None, key)


def _channels(device: str, channel: str) -> Route:
    """AhoyDTU with JSON: all keys of a channel in one object."""

    def read(builder: ReadingBuilder, data: Any) -> None:
        if data.__class__ is not dict:
            raise wrong_type("a JSON object of a channel", data)
        for key, raw in data.items():
            route = _channel(device, channel, key)
            if route.read is None:
                builder.skipped += 1
            else:
                route.read(builder, raw)

    return Route(read, "json")


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    at = next((n for n, word in enumerate(words) if _SERIAL.fullmatch(word)), None)
    if at is not None and at > 0 and len(words) > at + 2:
        device, (part, key) = subject_name(words[at]), words[at + 1 : at + 3]
        if part == "status":
            return _state(device, key)
        if part == "radio" and key == "rssi":
            return _gateway(device, key)
        if part.isdigit():
            return _key(device, part if part != "0" else None, key)
        return IGNORE
    if at is not None and words[at + 1 :] == ["name"]:
        return IGNORE
    if len(words) > 2 and words[-2] == "dtu" and (named or words[-1] in _OF_DTU):
        return _gateway("/".join(words[:-2]), words[-1])
    if len(words) > 3 and words[-3] == "dtu" and words[-2] == "heap":
        return IGNORE
    if len(words) > 3 and _CHANNEL.fullmatch(words[-2]) and words[-1].lower() in {*_KEYS, *_DC}:
        return _channel(words[-3], words[-2], words[-1])
    if not named and words[0] not in ("solar", "inverter"):
        return None
    if len(words) == 3 and words[1] in ("ac", "dc"):
        return _key(subject_name(words[0]), words[1], words[2])
    if len(words) == 4 and _CHANNEL.fullmatch(words[2]):
        return _channel(*words[1:])
    if len(words) == 3 and words[1] == "total":
        return _key(subject_name(words[0]), "total", words[2])
    if len(words) == 3 and _CHANNEL.fullmatch(words[2]):
        return _channels(words[1], words[2])
    if len(words) == 3 and words[2] == "available":
        return _available(subject_name(words[1]))
    if len(words) == 2 and words[0] == "inverter":
        return _gateway(words[0], words[1])
    return IGNORE if named or words[0] == "inverter" else None


DIALECT = by_topic(
    "micro inverters of Hoymiles through OpenDTU or AhoyDTU", _route, "BASE/SERIAL/CHANNEL/KEY",
    METRICS,
)  # fmt: skip
