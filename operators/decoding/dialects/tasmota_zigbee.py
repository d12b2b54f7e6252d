"""What a Tasmota gateway received from its Zigbee devices (`ZbReceived`)."""

import re
from typing import Any

from operators.decoding.payloads import values
from operators.decoding.payloads.metrics import METRICS, metric_of, names
from operators.decoding.payloads.reading_builder import (
    ReadingBuilder,
    at_endpoint,
    json_name,
    subject_name,
)

ADDRESS = re.compile(r"0x[0-9A-Fa-f]{1,16}", re.ASCII)
_TOPIC_ADDRESS = re.compile(r"(?:0x)?[0-9A-F]{4}", re.ASCII)
_OF_THE_DEVICE = frozenset(("linkquality", "battery"))
_FOREIGN = names("state value count availability uptime tilt water gas speed lock position")


def _device(words: list[str], outer: str, received: dict[str, Any]) -> str:
    name = received.get("Name")
    if isinstance(name, str) and name:
        return json_name(name)
    if not ADDRESS.fullmatch(outer):
        return json_name(outer)
    return (
        f"{subject_name('/'.join(words[:-1] if _ends_in_address(words, outer) else words))}/{outer}"
    )


def _ends_in_address(words: list[str], outer: str) -> bool:
    """Whether a topic names the device after its gateway (SetOption89)."""
    last = words[-1]
    return len(words) > 1 and (
        _TOPIC_ADDRESS.fullmatch(last) is not None or f"0x{last}".lower() == outer.lower()
    )


def write(
    builder: ReadingBuilder, words: list[str], outer: str, received: Any, units: dict[str, str]
) -> None:
    """Write the readings of one device behind the gateway whose topic has the device `words`."""
    if received.__class__ is not dict:
        return
    device = _device(words, outer, received)
    number = values.number(received.get("Endpoint"))
    subject = at_endpoint(device, f"{number:.0f}" if number is not None and number > 1 else None)
    own = {
        **units,
        **{
            name: received[key]
            for name, key in (("°C", "TempUnit"), ("hPa", "PressureUnit"))
            if isinstance(received.get(key), str) and received[key]
        },
    }
    for key, raw in received.items():
        if key == "Power":
            on = raw if values.binary("state", raw) is not None else None
            if on is None:
                builder.put_bad(subject, "state", raw)
            else:
                builder.put(subject, "state", on)
            continue
        metric = metric_of(key)
        if metric is None or metric in _FOREIGN or raw.__class__ is dict:
            builder.skipped += 1
        else:
            unit = own.get(METRICS[metric].unit or "")
            builder.put(device if metric in _OF_THE_DEVICE else subject, metric, raw, unit)
