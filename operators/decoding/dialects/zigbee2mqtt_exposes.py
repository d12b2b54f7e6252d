"""What Zigbee2MQTT says of each property of each device in its retained `BASE/bridge/devices`.

Source: zigbee2mqtt.io, "Exposes".
"""

from collections.abc import Container, Iterator
from typing import Any, NamedTuple

import msgspec

from operators.decoding.payloads import values
from operators.decoding.payloads.metrics import METRICS, NAMES, names
from operators.decoding.payloads.parse import wrong_type
from operators.decoding.payloads.reading_builder import ReadingBuilder

Named = tuple[str, str | None, bool] | None
"""(metric, endpoint, whether the name is an alias) that a property's name alone tells."""
_PUBLISHED, _SETTABLE = 1, 2
_DEEPEST = 8
_UNITLESS = frozenset(("speed", "position", "distance", "weight", "water", "gas", "tilt", "uptime"))
"""Quantities that a number of this name is only with a unit: others give them to settings."""
_BY_UNIT = {"water_consumed": "water"}
"""Names that say a quantity, of which only a unit tells how much."""
_NOT_HERE = frozenset(("value", "count", "availability"))
PHASED = names("power current voltage power_factor apparent_power reactive_power energy")
"""Quantities whose bare name is that of the first phase where there is one of the second."""
_OPPOSITE = frozenset(("contact", "lock"))
"""Metrics that are 0 where Zigbee2MQTT says on: an open contact, a lock that is locked."""


class Property(NamedTuple):
    """How to read one property: `how` is number, flag, word, or name for what its name tells."""

    how: str
    metric: str
    endpoint: str | None
    unit: str | None = None
    on: Any = None
    off: Any = None


class _Expose(msgspec.Struct, omit_defaults=True):
    type: Any = None
    name: Any = None
    property: Any = None
    access: Any = None
    unit: Any = None
    value_on: Any = None
    value_off: Any = None
    endpoint: Any = None
    features: list["_Expose"] | None = None


class _Definition(msgspec.Struct, omit_defaults=True):
    exposes: list[_Expose] = []


class _Device(msgspec.Struct, omit_defaults=True):
    friendly_name: str | None = None
    definition: _Definition | None = None


_LIST = msgspec.json.Decoder(list[_Device])
_ENCODE = msgspec.json.Encoder().encode
Described = dict[str, dict[str, Property]]
"""By topic of a device, its properties by key."""


def described(base: str, devices: Any, by_name: Any) -> Described:
    """Return what the payload of `BASE/bridge/devices` says; `by_name` reads a name alone."""
    if devices.__class__ is not list:
        raise wrong_type(f"a list of devices on {base}/bridge/devices", devices)
    found: Described = {}
    for device in devices:
        name = device.get("friendly_name") if device.__class__ is dict else None
        definition = device.get("definition") if name.__class__ is str else None
        if definition.__class__ is dict:
            properties = {
                key: made
                for key, kind, expose in _leaves(definition.get("exposes"), None, _DEEPEST)
                if (made := _property(key, kind, expose, by_name(key))) is not None
            }
            found[f"{base}/{name}"] = _distinct(_first_phases(properties))
    return found


def essentials(topic: str, payload: bytes) -> bytes | None:
    """Return what is read of a list of devices, and nothing else; None for another message.

    The list of a large network is a megabyte, of which a tenth says what its properties are.
    """
    if not topic.endswith("/bridge/devices"):
        return None
    try:
        return _ENCODE(_LIST.decode(payload))
    except msgspec.DecodeError:
        return None


def is_first_phase(key: str, whole: Container[str]) -> bool:
    """Whether a quantity without a phase stands for the first one, and not for all together."""
    return f"{key}_phase_b" in whole and f"{key}_phase_a" not in whole


def _first_phases(properties: dict[str, Property]) -> dict[str, Property]:
    """No phase stands for the device: what has no endpoint beside a second phase is the first."""
    return {
        key: it._replace(endpoint="phase_a")
        if it.endpoint is None and it.metric in PHASED and is_first_phase(key, properties)
        else it
        for key, it in properties.items()
    }


def _distinct(properties: dict[str, Property]) -> dict[str, Property]:
    """One property a metric and endpoint; others of the same meaning go by their key."""
    taken: dict[tuple[str, str | None], str] = {}
    for key, it in properties.items():
        if taken.setdefault((it.metric, it.endpoint), key) != key and key == it.metric:
            taken[it.metric, it.endpoint] = key
    return {
        key: it
        if taken[it.metric, it.endpoint] == key
        else it._replace(metric="value" if it.how == "number" else "state", endpoint=key)
        for key, it in properties.items()
    }


def _leaves(
    exposes: Any, kind: str | None, depth: int
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(key, type of what it stands in, itself) of each property that is published."""
    for expose in exposes if exposes.__class__ is list and depth else ():
        if expose.__class__ is not dict or expose.get("type") in ("composite", "list"):
            continue
        if expose.get("features").__class__ is list:
            yield from _leaves(expose["features"], str(expose.get("type")), depth - 1)
            continue
        key, access = expose.get("property", expose.get("name")), expose.get("access", _PUBLISHED)
        if key.__class__ is str and access.__class__ is int and access & _PUBLISHED:
            yield key, kind or "", expose


def _property(key: str, kind: str, expose: dict[str, Any], named: Named) -> Property | None:
    """How to read one property; None for what is left out."""
    if key == "action":
        return None
    name, endpoint = str(expose.get("name", key)).lower(), expose.get("endpoint")
    metric = NAMES.get(name)
    if metric is None or endpoint.__class__ is not str or not endpoint or name == key:
        metric, endpoint = named[:2] if named else (NAMES.get(key), None)
    if metric in _NOT_HERE:
        metric = None
    if expose.get("unit"):
        metric = metric or _BY_UNIT.get(name)
    settable = bool(expose.get("access", 0) & _SETTABLE)
    match expose.get("type"):
        case "numeric":
            return _number(key, name, metric, endpoint, expose.get("unit"))
        case "binary":
            return _flag(key, kind, metric, endpoint, expose, settable)
        case "enum" | "text":
            if metric is not None and METRICS[metric].kind in ("text", "state"):
                return Property("name", metric, endpoint)
            return Property("word", metric or "state", key) if metric or not settable else None
    return None


def _number(key: str, name: str, metric: str | None, endpoint: str | None, unit: Any) -> Property:
    unit = unit if unit.__class__ is str and unit.strip() else None
    if metric == "carbon_monoxide":
        metric = "carbon_monoxide_level"
    if metric is None or METRICS[metric].kind != "number":
        return Property("number", "value", key, unit)
    if unit is not None:
        fits = values.conversion(metric, unit) is not None
        return Property("number", metric, endpoint, unit) if fits else _unknown(key, unit)
    if metric == "voltage":
        return Property("name", metric, endpoint)
    if metric == "illuminance" and name == "illuminance":
        return Property("number", "illuminance_raw", endpoint)
    return _unknown(key, None) if metric in _UNITLESS else Property("number", metric, endpoint)


def _unknown(key: str, unit: str | None) -> Property:
    return Property("number", "value", key, unit)


def _flag(
    key: str,
    kind: str,
    metric: str | None,
    endpoint: str | None,
    expose: dict[str, Any],
    settable: bool,
) -> Property:
    on, off = expose.get("value_on"), expose.get("value_off")
    if metric == "gas":
        metric = "gas_alarm"
    if metric == "state" and kind == "lock":
        metric = "lock"
    known = metric is not None and METRICS[metric].kind in ("binary", "state")
    if metric is None or not known or (settable and metric not in ("state", "lock")):
        return Property("flag", "state", key, None, on, off)
    return Property("flag", metric, endpoint, None, on, off)


def put(builder: ReadingBuilder, device: str, key: str, it: Property, raw: Any) -> None:
    """Write the reading of a number, flag or word."""
    if raw.__class__ in (dict, list) or (it.endpoint == key and raw in (None, "")):
        builder.skipped += 1
        return
    subject = device if it.endpoint is None else f"{device}#{it.endpoint}"
    if it.how == "number":
        builder.put(subject, it.metric, raw, it.unit)
    elif it.how == "word":
        _word(builder, device, it, raw)
    else:
        builder.put(subject, it.metric, _two_state(it, raw))


def _two_state(it: Property, raw: Any) -> Any:
    """1.0 or 0.0 of a flag; what is neither on nor off as it came."""
    if raw.__class__ is not type(it.on) and raw.__class__ is not type(it.off):
        return raw
    if raw != it.on and raw != it.off:
        return raw
    return float((raw == it.on) is not (it.metric in _OPPOSITE))


def _word(builder: ReadingBuilder, device: str, it: Property, raw: Any) -> None:
    """A word is a state; a quantity only where it is a number or says on or off."""
    kind = METRICS[it.metric].kind
    if it.metric != "state" and (
        values.number(raw) is not None
        if kind == "number"
        else values.binary(it.metric, raw) is not None
    ):
        builder.put(device, it.metric, raw)
    elif raw.__class__ is bool:
        builder.put(f"{device}#{it.endpoint}", "state", raw)
    else:
        builder.put_text(f"{device}#{it.endpoint}", "state", str(raw), raw)
