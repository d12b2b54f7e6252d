"""The Things Stack: `v3/APP/devices/DEVICE/up`.

The payload is read as the device's formatter decoded it.
"""

from typing import Any

from operators.decoding.dialect import IGNORE, Dialect, Route
from operators.decoding.payloads import lorawan
from operators.decoding.payloads.parse import Ignored, Undecodable, missing, wrong_type
from operators.decoding.payloads.reading_builder import ReadingBuilder, json_name


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
    lorawan.put(builder, device, decoded or {})
    lorawan.put_strongest(builder, device, uplink.get("rx_metadata"))


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
