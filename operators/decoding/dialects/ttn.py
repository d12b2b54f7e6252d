"""The Things Stack: `v3/APP/devices/DEVICE/up` with the payload as the device's formatter
decoded it.
"""

import re
from functools import lru_cache
from typing import Any

from operators.decoding.payloads import values
from operators.decoding.payloads.base import IGNORE, Dialect, Route
from operators.decoding.payloads.metrics import FAHRENHEIT, metric_of
from operators.decoding.payloads.payload import Ignored, Refused
from operators.decoding.payloads.reading_builder import Sheet, at_endpoint, json_name

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


def read(sheet: Sheet, data: Any) -> None:
    ids = data.get("end_device_ids") if data.__class__ is dict else None
    device = ids.get("device_id") if ids.__class__ is dict else None
    if not isinstance(device, str) or not device:
        raise Refused("bad_shape", "expected an object with end_device_ids.device_id; got none")
    if any(
        key in data for key in ("join_accept", "downlink_message", "location_solved")
    ) or _is_downlink(data):
        raise Ignored
    uplink = data.get("uplink_message")
    if uplink.__class__ is not dict:
        raise Refused(
            "bad_shape", f"expected an object as uplink_message; got {type(uplink).__name__}"
        )
    decoded = uplink.get("decoded_payload")
    if decoded is None and uplink.get("frm_payload"):
        raise Refused(
            "undecoded",
            "expected decoded_payload; got only frm_payload: add a payload formatter to the device",
        )
    if decoded is not None and decoded.__class__ is not dict:
        raise Refused(
            "bad_shape", f"expected an object as decoded_payload; got {type(decoded).__name__}"
        )
    at = uplink.get("received_at")
    sheet.at(data.get("received_at") if at is None else at)
    device = json_name(device)
    _write(sheet, device, decoded or {})
    gateways = uplink.get("rx_metadata")
    heard = (
        [g.get("rssi") for g in gateways if g.__class__ is dict]
        if gateways.__class__ is list
        else []
    )
    strengths = [strength for rssi in heard if (strength := values.number(rssi)) is not None]
    if strengths:
        sheet.put(device, "signal_strength", max(strengths))


def _write(sheet: Sheet, device: str, decoded: dict[str, Any]) -> None:
    celsius = any(
        len(key) <= 64 and (plan := _plan(key)) is not None and plan[0] == "temperature"
        for key in decoded
    )
    for key, raw in decoded.items():
        if key.lower() in FAHRENHEIT and not celsius:
            sheet.put(device, "temperature", raw, "°F")
            continue
        plan = _plan(key) if len(key) <= 64 else None
        if (
            plan is None
            or raw.__class__ is dict
            or (plan[0] in decoded and key != plan[0] and plan[1] is None)
        ):
            sheet.skipped += 1
        else:
            sheet.put(at_endpoint(device, plan[1]), plan[0], raw)


def _is_downlink(data: dict[str, Any]) -> bool:
    return any(key.startswith("downlink_") for key in data)


def route(topic: str, sure: bool) -> Route | None:
    words = topic.split("/")
    if words[0] == "v3" and len(words) > 4 and words[2] == "devices":
        return Route(read, "json") if words[4:] == ["up"] else IGNORE
    return None


def fits(data: Any) -> bool:
    return data.__class__ is dict and ("end_device_ids" in data or "uplink_message" in data)


DIALECT = Dialect(route, fits, read)
