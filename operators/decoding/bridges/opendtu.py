"""OpenDTU (`solar/SERIAL/CHANNEL/KEY`) and AhoyDTU (`inverter/NAME/chN/KEY`): micro inverters.

Sources: opendtu.solar, "MQTT Topics"; ahoydtu.de, user manual, "Publish topics".
"""

import re
from typing import Any

from operators.decoding.dialect import IGNORE, Route, by_topic
from operators.decoding.payloads import values
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
METRICS = frozenset(
    (
        *(metric for metric, _ in _KEYS.values()),
        "availability",
        "state",
        "signal_strength",
        "uptime",
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
    return IGNORE


def _state(device: str, key: str) -> Route:
    if key == "reachable":
        return Route(lambda builder, data: builder.put_availability(device, data))
    if key == "producing":
        return Route(lambda builder, data: builder.put(at_endpoint(device, key), "state", data))
    return IGNORE


def _available(device: str) -> Route:
    """AhoyDTU: 0 is not available, 1 partly, 2 available."""

    def read(builder: ReadingBuilder, data: Any) -> None:
        number = values.number(data)
        builder.put_availability(device, data if number is None else float(number > 0))

    return Route(read)


def _gateway(base: str, key: str) -> Route:
    gateway = subject_name(base)
    if key in ("status", "mqtt"):
        return Route(
            lambda builder, data: builder.put_availability(
                gateway,
                {"connected": True, "not connected": False}.get(str(data), data),
                f"{base}/",
            )
        )
    metric = {"rssi": "signal_strength", "wifi_rssi": "signal_strength", "uptime": "uptime"}.get(
        key
    )
    if metric is None:
        return IGNORE
    return Route(lambda builder, data: builder.put(gateway, metric, data))


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    at = next((n for n, word in enumerate(words) if _SERIAL.fullmatch(word)), None)
    if at is not None and at > 0 and len(words) > at + 2:
        device, (part, key) = subject_name(words[at]), words[at + 1 : at + 3]
        if part == "status":
            return _state(device, key)
        if part.isdigit():
            return _key(device, part if part != "0" else None, key)
        return IGNORE
    if at is not None and words[at + 1 :] == ["name"]:
        return IGNORE
    if not named and words[0] not in ("solar", "inverter"):
        return None
    if words[1:2] == ["dtu"] and len(words) == 3:
        return _gateway(words[0], words[2])
    if len(words) == 3 and words[1] in ("ac", "dc"):
        return _key(subject_name(words[0]), words[1], words[2])
    if len(words) == 4 and re.fullmatch(r"ch\d", words[2]):
        return _key(subject_name(words[1]), words[2][2:] if words[2] != "ch0" else None, words[3])
    if len(words) == 3 and words[1] == "total":
        return _key(subject_name(words[0]), "total", words[2])
    if len(words) == 3 and words[2] == "available":
        return _available(subject_name(words[1]))
    if len(words) == 2 and words[0] == "inverter":
        return _gateway(words[0], words[1])
    return IGNORE if named or words[0] == "inverter" else None


DIALECT = by_topic(
    "micro inverters of Hoymiles through OpenDTU or AhoyDTU", _route, "BASE/SERIAL/CHANNEL/KEY",
    METRICS,
)  # fmt: skip
