"""ChirpStack: `application/ID/device/EUI/event/up`, read as the device's codec decoded it.

Source: chirpstack.io, "Event types".
"""

from typing import Any

from operators.decoding.dialect import IGNORE, Dialect, Route
from operators.decoding.payloads import lorawan
from operators.decoding.payloads.parse import NotJSON, Undecodable, loads, missing, wrong_type
from operators.decoding.payloads.reading_builder import ReadingBuilder, json_name

_OF_GATEWAY = [
    ["event", kind] for kind in ("up", "stats", "ack", "txack", "exec", "raw", "mesh")
] + [["state", "conn"]]  # fmt: skip
"""What gateways say to the server, in Protobuf: `eu868/gateway/EUI/event/stats`."""


def _read(builder: ReadingBuilder, data: Any) -> None:
    device = _device(data)
    builder.set_time(data.get("time"))
    if "object" not in data and "batteryLevel" in data:
        _status(builder, device, data)
        return
    decoded = data.get("object")
    if decoded is None and (text := data.get("objectJSON")).__class__ is str and text:
        decoded = _parsed(text)  # version 3
    if decoded is None and data.get("data"):
        raise Undecodable(
            "undecoded", "expected object; got only data: add a codec to the device profile"
        )
    if decoded is not None and decoded.__class__ is not dict:
        raise wrong_type("an object as object", decoded)
    lorawan.put(builder, device, decoded or {})
    lorawan.put_strongest(builder, device, data.get("rxInfo"))


def _parsed(text: str) -> Any:
    try:
        return loads(text.encode())
    except NotJSON as error:
        raise Undecodable("bad_json", f"expected one JSON value as objectJSON ({error})") from None


def _status(builder: ReadingBuilder, device: str, data: dict[str, Any]) -> None:
    """What the network asked of the device itself."""
    if (
        data.get("externalPowerSource") is not True
        and data.get("batteryLevelUnavailable") is not True
    ):
        builder.put(device, "battery", data["batteryLevel"])


def _device(data: Any) -> str:
    """The name of the device, in version 4 or 3; its number where it has none."""
    info = data.get("deviceInfo", data) if data.__class__ is dict else None
    if info.__class__ is dict:
        for key in ("deviceName", "devEui", "devEUI"):
            if isinstance(name := info.get(key), str) and name:
                return json_name(name)
    raise missing("an object with deviceInfo.deviceName")


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if words[-4:-3] == ["gateway"] and words[-2:] in _OF_GATEWAY:
        return IGNORE
    at = next((n for n, word in enumerate(words) if word == "application"), None)
    if at is None or len(words) != at + 6 or words[at + 2] != "device":
        return None
    if words[at + 4] not in ("event", "command", "state"):
        return None
    is_read = words[at + 4] == "event" and words[-1] in ("up", "status")
    return Route(_read, "json") if is_read else IGNORE


def _fits(data: Any) -> bool:
    return data.__class__ is dict and "deviceInfo" in data and "object" in data


DIALECT = Dialect("ChirpStack", _route, _read, _fits)
