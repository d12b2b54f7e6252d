"""Zigbee2MQTT: `BASE/FRIENDLY NAME` with a JSON object, and `…/availability`.

Single attributes come as bare values. What `BASE/bridge/devices` says of a property wins over what
its name tells.
"""

import re
from functools import lru_cache
from typing import Any

from operators.decoding.dialect import ALL, IGNORE, Route, by_topic
from operators.decoding.dialects import zigbee2mqtt_exposes as exposes
from operators.decoding.payloads import values
from operators.decoding.payloads.metrics import ALIASES, METRICS, NAMES
from operators.decoding.payloads.parse import (
    Ignored,
    NotJSON,
    Undecodable,
    loads,
    trimmed,
    wrong_type,
)
from operators.decoding.payloads.reading_builder import ReadingBuilder, subject_name

_SIDE = "(?:left|right|center|middle|top|bottom|up|down|front|back)"
_ENDPOINT = re.compile(
    rf"{_SIDE}(?:_{_SIDE})?|(?:l|c|ch|s|ep|in|out|x|t|th|p|b|e|z|k|di|do)?_?\d{{1,3}}"
    r"|(?:phase_)?(?:[abc]|ab|bc|ca)|l\d{1,2}_l\d{1,2}|usb(?:_[ac])?|(?:left|right)_sw"
    r"|(?:button|row|input|output|port|channel|relay|switch|socket|outlet|usb|gang|plug)_?\d{1,3}"
    r"|neutral|total|floor|relay|white|rgb|cct|cover|siren|wireless|main|master",
    re.ASCII,
)
"""Names that Zigbee2MQTT gives endpoints, and makers of electricity meters phases."""
_FOREIGN = frozenset(("tilt", "value", "availability", "count", "uptime"))
"""Metrics' names that mean something else in Zigbee2MQTT."""
_SETTINGS = frozenset(("position", "speed", "current", "water", "gas", "distance", "weight"))
"""Names of quantities that some devices give to settings in words."""
_LARGEST_LIST = 1 << 24
"""A list of 2,000 devices, in bytes."""
NOT_VALUES = frozenset(("nan", "inf", "unknown", "unavailable", "none", "null"))


_WHOLE = {"target_distance": ("distance", "target", False)}
"""Names that say a quantity and an endpoint in one, in metres."""


@lru_cache(4096)
def _plan(key: str) -> tuple[str, str | None, bool] | None:
    """(metric, endpoint, whether the key is an alias) of a key."""
    name, endpoint = key.lower(), None
    if name in _WHOLE:
        return _WHOLE[name]
    if name not in NAMES:
        words = name.split("_")
        splits = (("_".join(words[:n]), "_".join(words[n:])) for n in range(len(words) - 1, 0, -1))
        found = next((both for both in splits if both[0] in NAMES), None)
        if found is None or not _ENDPOINT.fullmatch(found[1]):
            return None
        name, endpoint = found
    metric = NAMES[name]
    return None if metric in _FOREIGN else (metric, endpoint, name in ALIASES)


def _state(builder: ReadingBuilder, subject: str, raw: Any) -> None:
    value = values.binary("state", raw)
    if raw.__class__ is str:
        word = raw.strip().lower()
        if word in values.COVER:
            builder.put_text(subject, "cover_state", values.COVER[word], raw)
            return
        if word in values.LOCK:
            builder.add(subject, "lock", values.LOCK[word], None, None, builder.quality, raw)
            return
    if value is None:
        builder.put(subject, "state", raw)
    else:
        builder.add(
            subject,
            "state",
            value,
            None,
            None,
            builder.quality,
            raw if raw.__class__ is str else None,
        )


def _action(builder: ReadingBuilder, device: str, raw: Any) -> None:
    if raw.__class__ is not str or not raw.strip():
        return
    word = raw.strip().lower()
    before, _, after = word.partition("_")
    if (
        after
        and _ENDPOINT.fullmatch(before)
        and (before.isdigit() or values.action(after) in values.ACTIONS)
    ):
        builder.put_button_press(device, after, before)
        return
    if _ENDPOINT.fullmatch(after) and values.action(before) in values.ACTIONS:
        builder.put_button_press(device, before, after)
        return
    builder.put_button_press(device, word)


def _value(builder: ReadingBuilder, device: str, key: str, raw: Any, whole: dict[str, Any]) -> None:
    if key == "action":
        _action(builder, device, raw)
        return
    plan = _plan(key) if len(key) <= 64 else None
    if key == "tilt" and raw.__class__ is bool:
        builder.put(f"{device}#tilt", "state", raw)
    elif plan is None or raw.__class__ is dict:
        builder.skipped += 1
    else:
        _by_plan(builder, device, key, raw, whole, plan)


def _by_plan(
    builder: ReadingBuilder,
    device: str,
    key: str,
    raw: Any,
    whole: dict[str, Any],
    plan: tuple[str, str | None, bool],
) -> None:
    metric, endpoint, alias = plan
    if alias and metric != "illuminance" and (metric in whole or not _is_said_by(key, plan, whole)):
        return
    if endpoint is None and metric in exposes.PHASED and exposes.is_first_phase(key, whole):
        endpoint = "phase_a"
    subject = device if endpoint is None else f"{device}#{endpoint}"
    if raw.__class__ is not float and raw.__class__ is not int and _is_a_word(metric, raw):
        _flag(builder, f"{device}#{key}", raw)
        return
    if metric == "state":
        _state(builder, subject, raw)
    elif metric == "voltage":
        number = values.number(raw)
        builder.put(subject, metric, raw, "mV" if number is not None and number >= 1000 else None)
    elif metric == "illuminance" and not alias and "illuminance_lux" in whole:
        builder.put(subject, "illuminance_raw", raw)
    elif metric == "gas" and raw.__class__ is bool:
        builder.put(subject, "gas_alarm", raw)
    else:
        builder.put(subject, metric, raw)


def _is_said_by(key: str, plan: tuple[str, str | None, bool], whole: dict[str, Any]) -> bool:
    """Whether this is the key, of several names of one quantity, that says its value first."""
    keys = [other for other in whole if len(other) <= 64 and _plan(other) == plan]
    return key == next((other for other in keys if whole[other] is not None), keys[0])


def _is_a_word(metric: str, raw: Any) -> bool:
    """Whether a setting or an alarm has the name of a quantity: `{"water": true}`, `speed: low`."""
    if METRICS[metric].kind != "number":
        return False
    if raw.__class__ is bool:
        return metric != "gas"
    return (
        metric in _SETTINGS
        and raw.__class__ is str
        and raw.replace("_", "").isalpha()
        and raw.lower() not in NOT_VALUES
    )


def _flag(builder: ReadingBuilder, subject: str, raw: Any) -> None:
    if raw.__class__ is bool:
        builder.put(subject, "state", raw)
    else:
        builder.put_text(subject, "state", raw)


def _object(builder: ReadingBuilder, device: str, topic: str, data: dict[str, Any]) -> None:
    if "last_seen" in data:
        builder.set_time(data["last_seen"])
    properties = builder.described.get(topic)
    for key, raw in data.items():
        if key == "last_seen":
            continue
        it = None if properties is None else properties.get(key)
        if it is None:
            _value(builder, device, key, raw, data)
        elif it.how == "name":
            _by_plan(builder, device, key, raw, data, (it.metric, it.endpoint, False))
        else:
            exposes.put(builder, device, key, it, raw)


def _devices(base: str) -> Route:
    """`BASE/bridge/devices`, which replaces what was known of all devices of this base.

    A list that cannot be read is left out: the names alone tell most.
    """

    def _read(builder: ReadingBuilder, data: Any) -> None:
        try:
            found = exposes.described(base, loads(trimmed(data)), _plan)
        except (NotJSON, Undecodable):
            raise Ignored from None
        for topic in [topic for topic in builder.described if topic.startswith(f"{base}/")]:
            del builder.described[topic]
        builder.described.update(found)

    return Route(_read, "bytes", largest=_LARGEST_LIST)


def _device(name: str) -> Route:
    name = subject_name(name)
    device, slash, attribute = name.rpartition("/")

    def _read(builder: ReadingBuilder, data: Any) -> None:
        if data.__class__ is dict:
            _object(builder, name, builder.topic, data)
        elif slash and data.__class__ is not list:
            _object(builder, device, builder.topic.rpartition("/")[0], {attribute: data})
        else:
            raise wrong_type(f"a JSON object of {name!r}", data)

    return Route(_read, "any" if slash else "json")


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    at = next(
        (
            n
            for n, word in enumerate(words[:-1])
            if named or word.startswith("zigbee2mqtt") or word == "z2m"
        ),
        None,
    )
    if at is None:
        return None
    base, rest = "/".join(words[: at + 1]), words[at + 1 :]
    if rest == ["bridge", "devices"]:
        return _devices(base)
    if rest[0] == "bridge" and len(rest) > 1:
        if rest[1:] != ["state"]:
            return IGNORE
        bridge = subject_name(base)
        return Route(lambda builder, data: builder.put_availability(bridge, data, base + "/"))
    if len(rest) > 1:
        if rest[-1] in ("set", "get") or (len(rest) > 2 and rest[-2] in ("set", "get")):
            return IGNORE
        if rest[-1] == "availability":
            device = subject_name("/".join(rest[:-1]))
            return Route(lambda builder, data: builder.put_availability(device, data))
    return _device("/".join(rest))


DIALECT = by_topic(
    "Zigbee2MQTT; what its retained `BASE/bridge/devices` says of units, endpoints and settings is"
    " read where the source subscribes to it",
    _route,
    "BASE/DEVICE of Zigbee2MQTT",
    ALL - _FOREIGN | {"availability"},
)
