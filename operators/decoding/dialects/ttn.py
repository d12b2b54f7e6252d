"""The Things Stack: `v3/APP/devices/DEVICE/up`.

The payload is read as the device's formatter decoded it.
"""

import re
from functools import lru_cache
from typing import Any

from operators.decoding.dialect import IGNORE, Dialect, Route
from operators.decoding.payloads import values
from operators.decoding.payloads.metrics import FAHRENHEIT, metric_of
from operators.decoding.payloads.parse import Ignored, Undecodable, missing, wrong_type
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, json_name

_CHANNEL = re.compile(r"(.+)_(\d{1,3})", re.ASCII)


@lru_cache(4096)
def _plan(key: str) -> tuple[str, str | None] | None:
    """(metric, channel) of a key; Cayenne LPP appends the channel."""
    if (metric := metric_of(key)) is not None:
        return metric, None
    if (match := _CHANNEL.fullmatch(key)) is None:
        return None
    metric = "value" if match[1] == "analog_in" else metric_of(match[1])
    return None if metric is None else (metric, match[2])


def _read(builder: ReadingBuilder, data: Any) -> None:
    ids = data.get("end_device_ids") if data.__class__ is dict else None
    device = ids.get("device_id") if ids.__class__ is dict else None
    if not isinstance(device, str) or not device:
        raise missing("an object with end_device_ids.device_id")
    if any(
        key in data for key in ("join_accept", "downlink_message", "location_solved")
    ) or _is_downlink(data):
        raise Ignored
    uplink = data.get("uplink_message")
    if uplink.__class__ is not dict:
        raise wrong_type("an object as uplink_message", uplink)
    decoded = uplink.get("decoded_payload")
    if decoded is None and uplink.get("frm_payload"):
        raise Undecodable(
            "undecoded",
            "expected decoded_payload; got only frm_payload: add a payload formatter to the device",
        )
    if decoded is not None and decoded.__class__ is not dict:
        raise wrong_type("an object as decoded_payload", decoded)
    at = uplink.get("received_at")
    builder.set_time(data.get("received_at") if at is None else at)
    device = json_name(device)
    _write(builder, device, decoded or {})
    gateways = uplink.get("rx_metadata")
    levels = (
        [g.get("rssi") for g in gateways if g.__class__ is dict]
        if gateways.__class__ is list
        else []
    )
    strengths = [strength for rssi in levels if (strength := values.number(rssi)) is not None]
    if strengths:
        builder.put(device, "signal_strength", max(strengths))


def _write(builder: ReadingBuilder, device: str, decoded: dict[str, Any]) -> None:
    celsius = any(
        len(key) <= 64 and (plan := _plan(key)) is not None and plan[0] == "temperature"
        for key in decoded
    )
    for key, raw in decoded.items():
        if key.lower() in FAHRENHEIT and not celsius:
            builder.put(device, "temperature", raw, "°F")
            continue
        plan = _plan(key) if len(key) <= 64 else None
        if (
            plan is None
            or raw.__class__ is dict
            or (plan[0] in decoded and key != plan[0] and plan[1] is None)
        ):
            builder.skipped += 1
        else:
            builder.put(at_endpoint(device, plan[1]), plan[0], raw)


def _is_downlink(data: dict[str, Any]) -> bool:
    return any(key.startswith("downlink_") for key in data)


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if words[0] == "v3" and len(words) > 4 and words[2] == "devices":
        return Route(_read, "json") if words[4:] == ["up"] else IGNORE
    return None


def _fits(data: Any) -> bool:
    return data.__class__ is dict and ("end_device_ids" in data or "uplink_message" in data)


DIALECT = Dialect("The Things Stack", _route, _read, _fits)
