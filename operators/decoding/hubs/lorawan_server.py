"""LoRaWAN network servers beside The Things Stack and ChirpStack: LORIOT, Actility ThingPark.

The payload is read as the server decoded it. Sources: docs.loriot.io, "Uplink data message";
docs.thingpark.com, "LRC-AS tunnel interface" (`DevEUI_uplink`).
"""

from typing import Any

from operators.decoding.dialect import Dialect, Route
from operators.decoding.payloads import lorawan
from operators.decoding.payloads.parse import Ignored, Undecodable, missing
from operators.decoding.payloads.reading_builder import ReadingBuilder, json_name


def _read(builder: ReadingBuilder, data: Any) -> None:
    if data.__class__ is not dict:
        raise missing("an uplink")
    if (uplink := data.get("DevEUI_uplink")).__class__ is dict:
        found = uplink.get("payload"), uplink.get("payload_hex")
        _put(builder, uplink.get("DevEUI"), uplink.get("Time"), uplink.get("LrrRSSI"), *found)
        return
    if data.get("cmd") not in ("rx", "gw"):
        raise Ignored
    decoded = data.get("decoded")
    fields = decoded.get("data", decoded) if decoded.__class__ is dict else None
    _put(builder, data.get("EUI"), data.get("ts"), data.get("rssi"), fields, data.get("data"))


def _put(
    builder: ReadingBuilder, eui: Any, time: Any, rssi: Any, decoded: Any, undecoded: Any
) -> None:
    if not eui or eui.__class__ is not str:
        raise missing("the EUI of a device")
    if decoded.__class__ is not dict and undecoded:
        raise Undecodable(
            "undecoded", "expected a decoded payload; got its bytes: add a decoder to the device"
        )
    builder.set_time(time)
    device = json_name(eui)
    lorawan.put(builder, device, decoded if decoded.__class__ is dict else {})
    if rssi is not None:
        builder.put(device, "signal_strength", rssi)


def _fits(data: Any) -> bool:
    if data.__class__ is not dict:
        return False
    return "DevEUI_uplink" in data or ("EUI" in data and "cmd" in data)


def _route(topic: str, named: bool) -> Route | None:
    """Any topic, where the definition names the dialect."""
    return Route(_read, "json") if named else None


DIALECT = Dialect("LORIOT and ThingPark", _route, _read, _fits)
