"""OpenMQTTGateway and Theengs Gateway: BLE devices on `…/GATEWAY/BTtoMQTT/ADDRESS`.

Keys are those of the Theengs decoder.
"""

import re
from functools import lru_cache
from typing import Any

from operators.decoding.dialect import IGNORE, Dialect, Route
from operators.decoding.payloads import values
from operators.decoding.payloads.metrics import FAHRENHEIT, metric_of
from operators.decoding.payloads.parse import wrong_type
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, subject_name

_ADDRESS = re.compile(r"[0-9A-F]{12}", re.ASCII)
_PROBE = re.compile(r"(.*[a-z])(\d)", re.ASCII)
_PRESSES = {1: "single", 2: "double", 3: "triple", 4: "hold"}
_PART = re.compile(r"(temp[cf])\d?_(ext)", re.ASCII)
"""`tempc2_ext`: the probe outside the case."""
_BUTTON = re.compile(r"button(\d*)", re.ASCII)
_OTHERWISE = {"BODY": frozenset(("pressure",)), "TIRE": frozenset(("count",))}
"""Keys that are no quantity of ours, by the type of device: how hard somebody brushes teeth."""
_IN_GRAMS = frozenset(("SKALE",))
"""Models of kitchen scales, which state no unit."""
_METERED = {"avg": ("power", "avgu"), "sum": ("energy", "sumu")}
_SILENT = frozenset(("SYStoMQTT", "RFtoMQTT", "SRFBtoMQTT", "IRtoMQTT", "PilighttoMQTT"))
"""Words of topics with codes of remotes and what the gateway says of itself."""
_MARKS = ("servicedata", "manufacturerdata", "model_id", "brand")


def _address(raw: Any) -> str | None:
    if raw.__class__ is not str or len(raw) > 64:
        return None
    compact = raw.replace(":", "").replace("-", "").upper()
    return compact if _ADDRESS.fullmatch(compact) else None


_OWN = {"lowbatt": "battery_low", "tempc2_dp": "dew_point"}


@lru_cache(4096)
def _plan(key: str) -> tuple[str, str | None, bool] | None:
    """(metric, probe, whether in °F) of a key."""
    if (own := _OWN.get(key)) is not None:
        return own, None, False
    if (metric := metric_of(key)) is not None:
        return metric, None, False
    name, probe = key, None
    if (match := _PROBE.fullmatch(key)) is not None:
        name, probe = match[1], match[2]
    if (part := _PART.fullmatch(key)) is not None:
        name, probe = part[1], part[2]
    if name.lower() in FAHRENHEIT:
        return "temperature", probe, True
    metric = metric_of(name) if probe else None
    return None if metric is None else (metric, probe, False)


def _write(builder: ReadingBuilder, device: str, data: dict[str, Any]) -> None:
    kind = data.get("type")
    celsius = {
        plan[1]
        for key in data
        if len(key) <= 64 and (plan := _plan(key)) and plan[0] == "temperature" and not plan[2]
    }
    for key, raw in data.items():
        if key in _METERED:
            metric, unit_key = _METERED[key]
            unit = data.get(unit_key)
            if isinstance(unit, str) and values.conversion(metric, unit) is not None:
                builder.put(device, metric, raw, unit)
        elif key == "open":
            if kind == "WCVR":
                builder.put(device, "position", raw)
            elif values.binary("state", raw) is not None:
                builder.put(device, "contact", values.binary("state", raw), inverted=True)
        elif key == "lvl_cm":  # of a tank
            builder.put(device, "distance", raw, "cm")
        elif (button := _BUTTON.fullmatch(key)) is not None:
            _button(builder, device, raw, button[1] or None)
        elif (kind == "WCVR" and key == "motion") or key in _OTHERWISE.get(str(kind), ()):
            builder.skipped += 1
        else:
            plan = _plan(key) if len(key) <= 64 else None
            if plan is None or raw.__class__ is dict or (plan[2] and plan[1] in celsius):
                builder.skipped += 1
                continue
            builder.put(at_endpoint(device, plan[1]), plan[0], raw, _unit(plan, kind, data))


def _unit(plan: tuple[str, str | None, bool], kind: Any, data: dict[str, Any]) -> str | None:
    if plan[2]:
        return "°F"
    if plan[0] == "pressure" and kind == "TIRE":
        return "bar"
    unit = data.get("unit") if plan[0] == "weight" else None
    if plan[0] == "weight" and unit is None and str(data.get("model_id")) in _IN_GRAMS:
        return "g"
    return unit if isinstance(unit, str) and unit else None


def _button(builder: ReadingBuilder, device: str, raw: Any, endpoint: str | None) -> None:
    if raw.__class__ is str and not raw.isdigit():
        if raw.strip():
            builder.put_button_press(device, raw, endpoint)
        return
    number = values.number(raw)
    if number is not None and number != 0:
        builder.put_button_press(device, _PRESSES.get(int(number), f"{number:g}"), endpoint)


def _device(data: dict[str, Any], topic: str) -> str:
    found = _address(data.get("id")) or _address(data.get("mac"))
    if found:
        return found
    last = topic.rstrip("/").rpartition("/")[2]
    return _address(last) or subject_name(last)


def _read(builder: ReadingBuilder, data: Any) -> None:
    if data.__class__ is not dict:
        raise wrong_type("a JSON object of a BLE device", data)
    _write(builder, _device(data, builder.topic), data)


def _is_gateway(words: list[str]) -> bool:
    return (words[0] == "home" and len(words) == 3) or any(
        mark in words[-2].lower() for mark in ("gateway", "theengs", "omg_")
    )


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if (
        any(word.startswith("MQTTto") for word in words)
        or not _SILENT.isdisjoint(words)
        or words[-1] == "undecoded"
    ):
        return IGNORE
    if "BTtoMQTT" in words or words[-2:-1] == ["home_presence"]:
        return Route(_read, "json")
    if len(words) > 1 and words[-1] == "LWT" and (named or _is_gateway(words)):
        gateway = subject_name(words[-2])
        covers = topic[: -len("LWT")]
        return Route(lambda builder, data: builder.put_availability(gateway, data, covers))
    if len(words) > 1 and words[-1] == "version" and _is_gateway(words):
        return IGNORE
    return Route(_read, "json") if named else None


def _fits(data: Any) -> bool:
    if data.__class__ is not dict or not any(_address(data.get(key)) for key in ("id", "mac")):
        return False
    return any(mark in data for mark in _MARKS)


DIALECT = Dialect(
    "Bluetooth devices through OpenMQTTGateway or Theengs Gateway", _route, _read, _fits
)
